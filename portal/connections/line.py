"""What a call on somebody's behalf needs, taken before the right to send is: its token, its calls, and its end."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import waiting
from portal.audit.trail import AuditUnavailable
from portal.connections import budget, health
from portal.connections.conditions import resting_words
from portal.connections.models import Connection, Health
from portal.connections.outcomes import AFTERWARDS_SECONDS, busy_words, learn
from portal.connections.probing import look
from portal.connections.tokens import StoredTokens
from portal.upstream import errors
from portal.upstream.client import Client

# With less time left than this, nothing is begun: the answer could not come in time.
LEAST_SECONDS = 0.5
_places = threading.BoundedSemaphore(settings.UPSTREAM_ACTIONS_AT_ONCE)


class NotPossible(Exception):
    """Nothing can be sent now: ``error`` is the code kept with the command, ``words`` say why."""

    def __init__(self, error: str, words: str) -> None:
        super().__init__(words)
        self.error = error
        self.words = words


@dataclass(frozen=True)
class Line:
    """Everything a call needs, taken before the right to send is: its token, its calls, and its end."""

    connection: Connection
    tokens: StoredTokens
    allowance: budget.Allowance
    ends: float

    def client(self) -> Client:
        """A client whose calls are over when the action must be."""
        return Client(
            self.connection.base_url,
            self.tokens,
            deadline_seconds=max(self.ends - time.monotonic(), 0.0),
            on_request=self.allowance.spend,
        )


@contextmanager
def open_line(connection: Connection, calls: int, ends: float) -> Iterator[Line]:
    """What a call needs, or NotPossible before anything was sent; gives back what it took.

    While the connection rests, NotPossible comes at once. When its pause is over, one caller looks by a read
    whether the upstream answers, in half of its own time; its call goes on only where it does.
    """
    if not _places.acquire(blocking=False):
        raise NotPossible("busy", _("Too many actions wait at this moment. Try again in a few seconds."))
    allowance: budget.Allowance | None = None
    try:
        try:
            with waiting.until(ends):
                # With its token: nobody reads that before it is about to be sent.
                now = Connection.objects.defer("refresh_token", "client_secret").get(pk=connection.pk)
                _check_usable(now)
                allowance = budget.take(now, calls + bool(now.open_until), for_people=True)
                if allowance is None:
                    raise NotPossible(
                        "budget", _("The connection's budget of calls for this minute is used up.")
                    )
                if now.open_until and not health.may_look(now):
                    raise NotPossible("resting", _why_resting(now))
                tokens = StoredTokens(now.pk, ends=ends, known=now)
                # The token comes first, so that a renewal that fails leaves no doubt about the command.
                _take_token(now, tokens)
                if now.open_until:
                    _look_first(now, tokens, allowance, ends)
        except errors.SignInLost as error:
            raise NotPossible("signed_out", error.words or _signed_out(connection)) from error
        except errors.UpstreamError as error:
            raise NotPossible(
                "unreachable", error.words or _("The door system could not be reached.")
            ) from error
        except (DatabaseError, OSError, Connection.DoesNotExist) as error:
            raise AuditUnavailable("the database could not be used") from error
        if ends - time.monotonic() < LEAST_SECONDS:
            raise NotPossible("late", _("The database took too long. Nothing was sent."))
        yield Line(now, tokens, allowance, ends)
    finally:
        _places.release()
        if allowance is not None:
            with suppress(DatabaseError), waiting.until(time.monotonic() + AFTERWARDS_SECONDS):
                allowance.give_back()


def _take_token(connection: Connection, tokens: StoredTokens) -> None:
    try:
        tokens.current()
    except errors.UpstreamError as error:
        if connection.open_until:
            health.note_still_silent(connection, error)
        else:
            learn(connection, error)
        raise


def _look_first(
    connection: Connection, tokens: StoredTokens, allowance: budget.Allowance, ends: float
) -> None:
    """Ask one thing before anything is changed; raises NotPossible where no answer came."""
    try:
        look(connection, tokens, allowance.spend, seconds=(ends - time.monotonic()) / 2)
    except errors.UpstreamBusy as error:
        raise NotPossible("held", busy_words(error.retry_after_seconds)) from error
    except errors.UpstreamError as error:
        raise NotPossible("resting", _why_resting(connection)) from error


def _why_resting(connection: Connection) -> str:
    now = Connection.objects.only("open_until", "health", "health_since").get(pk=connection.pk)
    return resting_words(now)


def _check_usable(connection: Connection) -> None:
    if connection.removed_at:
        raise NotPossible("removed", _("The connection “%(name)s” was removed.") % {"name": connection.name})
    if connection.paused_at:
        raise NotPossible("paused", _("The connection “%(name)s” is paused.") % {"name": connection.name})
    if connection.health == Health.SIGNED_OUT:
        raise NotPossible("signed_out", _signed_out(connection))
    if connection.hold_until and connection.hold_until > timezone.now():
        seconds = max(1, round((connection.hold_until - timezone.now()).total_seconds()))
        raise NotPossible("held", busy_words(seconds))
    if connection.open_until and connection.open_until > timezone.now():
        raise NotPossible("resting", resting_words(connection))


def _signed_out(connection: Connection) -> str:
    return _("The connection “%(name)s” is signed out.") % {"name": connection.name}
