"""Where a round reads from: the upstream through one connection, within its budget, with one token for all threads."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connections as databases
from django.utils import timezone

from portal.connections import budget, health
from portal.connections.budget import Allowance
from portal.connections.models import CallCount, Connection
from portal.connections.outcomes import learn
from portal.connections.probing import look
from portal.connections.tokens import StoredTokens
from portal.upstream.client import Client
from portal.upstream.errors import UpstreamBusy, UpstreamError

# Reads are tried again when they fail: so much more is taken beforehand, and given back.
SPARE_CALLS = 8
# A sign-in that is over, or cannot be read, is not asked about at once again.
AFTER_TROUBLE = timedelta(seconds=30)
_RESTING = "the door system does not answer; it is tried again by itself"


class Stopped(Exception):
    """Nothing more is read through this connection before ``until``; None: what is due stays so.

    Not a failure: a budget or a pause.
    """

    def __init__(self, words: str, *, until: datetime | None = None, is_failure: bool = True) -> None:
        super().__init__(words)
        self.words = words
        self.until = until
        self.is_failure = is_failure


class Source:
    """The client of one connection, spending calls that were taken from its budget beforehand.

    ``open`` and ``refill`` are for the main thread. A call is counted in the minute in which it is made: what
    was taken in a minute that is over cannot be spent any more.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._allowance: Allowance | None = None
        self._minute: datetime | None = None
        self._taken = 0
        self._spent = 0
        self._is_stopped = False
        self._main = threading.get_ident()
        self._tokens = _Tokens(connection.pk, self._main)
        self.client = Client(
            connection.base_url,
            self._tokens,
            deadline_seconds=settings.UPSTREAM_DEADLINE_SECONDS,
            on_request=self._spend,
        )

    def open(self, calls: int) -> None:
        """Take the calls and the token; raises Stopped when there are none, and while the connection rests.

        When its pause is over, and nobody else looks, this looks first by one read whether it is back.
        """
        resting = self.connection.open_until
        if resting and resting > timezone.now():
            raise Stopped(_RESTING)
        self.refill(calls)
        if resting and not health.may_look(self.connection):
            raise Stopped(_RESTING)
        try:
            self._tokens.current()
        except UpstreamError as error:
            if resting:
                health.note_still_silent(self.connection, error)
            else:
                learn(self.connection, error)
            raise Stopped(str(error), until=_until(error)) from error
        if resting:
            self._look()

    def stop(self) -> None:
        """Send nothing more, not even what a call that is under way would try again."""
        self._is_stopped = True

    def refill(self, calls: int) -> None:
        """Take more calls, fewer where fewer are left in this minute; raises Stopped when none are."""
        if self._allowance is not None and self._minute == _this_minute() and self._spent < self._taken:
            return  # another thread's call found the last allowance spent, and this one is new
        self.close()
        minute = _this_minute()
        taken = calls + SPARE_CALLS
        allowance = budget.take(self.connection, taken)
        while allowance is None:
            left = calls_left({self.connection.pk: self.connection.calls_per_minute})[self.connection.pk]
            if left <= 0:
                words = "the connection's budget of calls for this minute is used up"
                raise Stopped(words, until=minute + timedelta(seconds=60), is_failure=False)
            # Somebody else may take it first: then there is less, or none.
            taken = min(left, calls + SPARE_CALLS)
            allowance = budget.take(self.connection, taken)
        self._allowance, self._minute, self._taken, self._spent = allowance, minute, taken, 0

    def close(self) -> None:
        """Give back what was not spent."""
        allowance, self._allowance = self._allowance, None
        if allowance is not None:
            allowance.give_back()

    def leave_thread(self) -> None:
        """Close what a thread of the pool may have opened to renew the token."""
        if threading.get_ident() != self._main and self._tokens.was_renewed_here():
            databases.close_all()

    def _look(self) -> None:
        try:
            look(self.connection, self._tokens, self._spend, seconds=settings.UPSTREAM_DEADLINE_SECONDS)
        except UpstreamError as error:
            raise Stopped(str(error), until=_until(error)) from error

    def _spend(self, command: str) -> None:
        if self._is_stopped:
            raise UpstreamBusy("nothing more is sent", command=command, retry_after_seconds=0)
        allowance = self._allowance
        if allowance is None or self._minute != _this_minute():
            raise UpstreamBusy("the minute is over", command=command, retry_after_seconds=0)
        self._spent += 1
        allowance.spend(command)


class _Tokens(StoredTokens):
    """Remembers in which threads it went to the database."""

    def __init__(self, connection_id: UUID, main: int) -> None:
        super().__init__(connection_id)
        self._threads: set[int] = set()

    def renew(self, refused: str) -> str:
        self._threads.add(threading.get_ident())
        return super().renew(refused)

    def was_renewed_here(self) -> bool:
        """Whether this thread renewed since it was last asked."""
        mine = threading.get_ident()
        if mine in self._threads:
            self._threads.discard(mine)
            return True
        return False


def _until(error: UpstreamError) -> datetime | None:
    """When what was to be read is due again after trouble at the start: where it rests, whenever it goes on."""
    if isinstance(error, UpstreamBusy):
        return timezone.now() + timedelta(seconds=max(1.0, error.retry_after_seconds))
    return None if health.is_failure_to_answer(error) else timezone.now() + AFTER_TROUBLE


def calls_left(limits: Mapping[UUID, int]) -> dict[UUID, int]:
    """How many calls of this minute background work may still make through each connection, given its limit."""
    counts = CallCount.objects.filter(connection__in=list(limits), minute=_this_minute())
    made = dict(counts.values_list("connection", "calls"))
    return {pk: int(limit * (1 - budget.KEPT_FOR_PEOPLE)) - made.get(pk, 0) for pk, limit in limits.items()}


def _this_minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)
