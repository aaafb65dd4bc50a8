"""The token of a connection as all processes share it: read from the database, renewed by one caller at a time."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.connections import budget
from portal.connections.health import OwnTrouble, mark_good, mark_signed_out
from portal.connections.models import Connection, Health
from portal.connections.sealed import Unreadable
from portal.upstream import signin
from portal.upstream.client import Client, StaticToken
from portal.upstream.errors import SignInLost, UpstreamError, UpstreamRejected

REFRESH_BEFORE_END = timedelta(seconds=60)
# Quiet connections are renewed in the background, before anybody waits for it.
REFRESH_AHEAD = timedelta(minutes=5)
# Of a token that lasts only minutes, no more than its last quarter: else each call would renew it.
SHARE_OF_LIFE = 4
# Longer than a refresh may take: only a process that died leaves one behind.
LEASE = timedelta(seconds=20)
# A token this young that is refused is not renewed at once: the refusal may not be about the token.
YOUNG = timedelta(seconds=30)
PAUSE_SECONDS = 0.05
# What nothing can renew is asked about again, after so long, before it counts as lost.
SECOND_LOOK_AFTER_SECONDS = 0.5
LEAST_SECONDS = 0.5
_COMMAND = "oauth2/token"


class StoredTokens:
    """The Tokens of one connection for the upstream client.

    Reads the token once and keeps it for the life of the object: make one per action or batch. Whoever finds
    it refused takes the lease and renews; all others wait and take the new one. ``ends`` (of time.monotonic)
    is when the action must be over, waiting for a renewal included. ``known`` is the connection as it was read just now.
    """

    def __init__(
        self, connection_id: UUID, *, ends: float | None = None, known: Connection | None = None
    ) -> None:
        self._connection_id = connection_id
        self._ends = ends
        self._known = known
        self._token = ""

    def current(self) -> str:
        """The token to send, renewed first when it is about to end. Raises as ``renew`` does."""
        if not self._token:
            connection, self._known = self._known or self._load(), None
            self._token = _read(connection, "access_token")
            if is_ending(connection, REFRESH_BEFORE_END):
                self._token = self._renew_in_time(connection)
            elif not self._token:
                raise SignInLost("the connection has no token", command=_COMMAND)
        return self._token

    def renew_ahead(self) -> bool:
        """Renew a token that ends within REFRESH_AHEAD; False when another caller did. Raises as ``renew`` does."""
        connection = self._load()
        if not is_ending(connection, REFRESH_AHEAD):
            return False
        old = _read(connection, "access_token")
        return self._renew(old, is_refused=False) != old

    def renew(self, refused: str) -> str:
        """A token other than ``refused``: one refresh upstream by whoever comes first, none by the others.

        Raises SignInLost when the sign-in is over (the connection is then marked signed out); UpstreamRejected when
        another call was answered with the very token, which is good then; and another UpstreamError when no answer
        came in time or the token cannot be read: the sign-in may still be good. What nothing can renew, and what
        was only just renewed, is asked about again by one read (get_family_list) before it counts as refused.
        """
        return self._renew(refused, is_refused=True)

    def _renew_in_time(self, connection: Connection) -> str:
        """A fresh token; while the old one is good still, that one where no fresh one could be had."""
        old = self._token
        try:
            return self._renew(old, is_refused=False)
        except SignInLost:
            raise
        except UpstreamError:
            if not old or connection.expires_at is None or connection.expires_at <= timezone.now():
                raise
            return old

    def _renew(self, refused: str, *, is_refused: bool) -> str:
        ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS if self._ends is None else self._ends
        began = timezone.now()
        while True:
            connection = self._load()
            token = _read(connection, "access_token")
            if token and token != refused:
                self._token = token
                return token
            if connection.health == Health.SIGNED_OUT:
                raise SignInLost("the sign-in is over", command=_COMMAND, words=connection.last_error)
            if is_refused and connection.last_good_at and connection.last_good_at > began:
                raise _good_all_the_same()
            left = ends - time.monotonic()
            if left <= 0:
                raise OwnTrouble("the sign-in was not renewed in time", command=_COMMAND)
            lease = self._take_lease()
            if lease:
                try:
                    if is_refused and _is_asked_again(connection):
                        self._ask_again(refused, began, ends)
                    return self._refresh(refused, ends)
                finally:
                    # Only our own: one that ran out may be somebody else's by now.
                    Connection.objects.filter(pk=self._connection_id, refresh_lease_until=lease).update(
                        refresh_lease_until=None
                    )
            time.sleep(min(PAUSE_SECONDS, left))

    def _load(self) -> Connection:
        return Connection.objects.get(pk=self._connection_id)

    def _take_lease(self) -> datetime | None:
        now = timezone.now()
        free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
        until = now + LEASE
        taken = Connection.objects.filter(free, pk=self._connection_id).update(refresh_lease_until=until)
        return until if taken else None

    def _ask_again(self, refused: str, began: datetime, ends: float) -> None:
        """A moment later, by one read: is it the token that is refused? Returns where it is, and else raises."""
        connection = self._load()
        if connection.health == Health.SIGNED_OUT or _read(connection, "access_token") != refused:
            return  # somebody has just settled it
        if connection.last_good_at and connection.last_good_at > began:
            raise _good_all_the_same()
        seconds = ends - time.monotonic() - SECOND_LOOK_AFTER_SECONDS
        allowance = budget.take(connection, 1, for_people=True) if seconds >= LEAST_SECONDS else None
        if allowance is None:
            raise UpstreamRejected("the token was refused once", command=_COMMAND, words=_once(), status=401)
        time.sleep(SECOND_LOOK_AFTER_SECONDS)
        client = Client(
            connection.base_url, StaticToken(refused), deadline_seconds=seconds, on_request=allowance.spend
        )
        try:
            client.get_family_list(once=True)
        except SignInLost as error:
            if not connection.sign_in_can_renew:
                words = error.words or _("The door system refused the token, and nothing can renew it.")
                mark_signed_out(connection, words)
            return
        except UpstreamRejected:
            pass  # an answer to whoever holds the token
        finally:
            allowance.give_back()
        connection.last_good_at = None  # written down in any case: others wait for it
        mark_good(connection)
        raise _good_all_the_same()

    def _refresh(self, refused: str, ends: float) -> str:
        # What was true before the lease may be old: somebody may just have renewed, or been refused.
        connection = self._load()
        if connection.health == Health.SIGNED_OUT:
            raise SignInLost("the sign-in is over", command=_COMMAND, words=connection.last_error)
        token = _read(connection, "access_token")
        if not token or token == refused:
            if not connection.sign_in_can_renew:
                mark_signed_out(connection, _("There is no token, and nothing can renew it."))
                raise SignInLost("the token is refused and cannot be renewed", command=_COMMAND)
            seconds = max(ends - time.monotonic(), 0.0)
            try:
                tokens = signin.refresh(
                    connection.base_url,
                    refresh_token=_read(connection, "refresh_token"),
                    client_id=connection.client_id,
                    client_secret=_read(connection, "client_secret"),
                    deadline_seconds=min(seconds, settings.UPSTREAM_DEADLINE_SECONDS),
                )
            except UpstreamRejected as error:
                mark_signed_out(connection, error.words or _("The door system refused to renew the sign-in."))
                raise SignInLost(
                    "the sign-in could not be renewed",
                    command=_COMMAND,
                    words=error.words,
                    status=error.status,
                ) from error
            token = self._keep(connection.token_version, tokens)
        self._token = token
        return token

    def _keep(self, version: int, tokens: signin.TokenSet) -> str:
        """Store what the refresh brought, unless somebody signed in anew meanwhile; return the token that counts."""
        with transaction.atomic():
            connection = Connection.objects.select_for_update().get(pk=self._connection_id)
            if connection.token_version != version:
                return _read(connection, "access_token")
            keep_tokens(connection, tokens)
            connection.save(
                update_fields=[
                    "access_token",
                    "refresh_token",
                    "expires_at",
                    "renewed_at",
                    "token_version",
                ]
            )
        return tokens.access_token


def keep_tokens(connection: Connection, tokens: signin.TokenSet) -> None:
    """Put a new set of tokens into the connection, which the caller saves, and count the version on.

    An upstream that sends no new refresh token means the old one to be used on.
    """
    connection.access_token = tokens.access_token
    if tokens.refresh_token:
        connection.refresh_token = tokens.refresh_token
    connection.renewed_at = now = timezone.now()
    connection.expires_at = (
        now + timedelta(seconds=tokens.expires_in_seconds) if tokens.expires_in_seconds is not None else None
    )
    connection.token_version += 1


def is_ending(connection: Connection, ahead: timedelta) -> bool:
    """Whether its token ends within ``ahead`` and there is something to renew it with."""
    ends = connection.expires_at
    if ends is None or not connection.sign_in_can_renew:
        return False
    if connection.renewed_at is not None:
        ahead = min(ahead, (ends - connection.renewed_at) / SHARE_OF_LIFE)
    return ends - ahead <= timezone.now()


class TokenUnreadable(OwnTrouble):
    """What is stored cannot be opened: its key is missing, or it was moved."""


def _is_asked_again(connection: Connection) -> bool:
    """Whether a refusal alone says too little: nothing can renew the token, or it has only just been renewed."""
    is_young = connection.renewed_at is not None and timezone.now() - connection.renewed_at < YOUNG
    return is_young or not connection.sign_in_can_renew


def _good_all_the_same() -> UpstreamRejected:
    return UpstreamRejected(
        "the token was refused once, and is good", command=_COMMAND, words=_once(), status=401
    )


def _once() -> str:
    return _("The door system refused the sign-in for this once.")


def _read(connection: Connection, field: str) -> str:
    try:
        return getattr(connection, field) or ""
    except Unreadable as error:
        # Not marked as signed out: with the key put back it works again.
        raise TokenUnreadable(
            "the stored sign-in cannot be read: its key is missing, or it was moved",
            command=_COMMAND,
            words=_("The connection's stored sign-in cannot be read: its key is missing."),
        ) from error
