"""The token of a connection as all processes share it: read from the database, renewed by one caller at a time."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.connections.health import mark_signed_out
from portal.connections.models import Connection, Health
from portal.connections.sealed import Unreadable
from portal.upstream import signin
from portal.upstream.errors import SignInLost, UpstreamRejected, UpstreamUnavailable

REFRESH_BEFORE_END = timedelta(seconds=60)
# Longer than a refresh may take: only a process that died leaves one behind.
LEASE = timedelta(seconds=20)
PAUSE_SECONDS = 0.05
_COMMAND = "oauth2/token"


class StoredTokens:
    """The Tokens of one connection for the upstream client.

    Reads the token once and keeps it for the life of the object: make one per action or batch. Whoever finds
    it refused takes the lease and renews; all others wait and take the new one. ``ends`` (of time.monotonic)
    is when the action must be over, waiting for a renewal included.
    """

    def __init__(self, connection_id: UUID, *, ends: float | None = None) -> None:
        self._connection_id = connection_id
        self._ends = ends
        self._token = ""

    def current(self) -> str:
        """The token to send, renewed first when it is about to end. Raises as ``renew`` does."""
        if not self._token:
            connection = self._load()
            self._token = _read(connection, "access_token")
            ends = connection.expires_at
            if ends and connection.sign_in_can_renew and ends - REFRESH_BEFORE_END <= timezone.now():
                self._token = self.renew(self._token)
            elif not self._token:
                raise SignInLost("the connection has no token", command=_COMMAND)
        return self._token

    def renew(self, refused: str) -> str:
        """A token other than ``refused``: one refresh upstream by whoever comes first, none by the others.

        Raises SignInLost when the sign-in is over (the connection is then marked signed out), and another
        UpstreamError when no answer came in time or the token cannot be read: the sign-in may still be good.
        """
        ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS if self._ends is None else self._ends
        while True:
            connection = self._load()
            token = _read(connection, "access_token")
            if token and token != refused:
                self._token = token
                return token
            if connection.health == Health.SIGNED_OUT:
                raise SignInLost("the sign-in is over", command=_COMMAND, words=connection.last_error)
            if not connection.sign_in_can_renew:
                mark_signed_out(connection, "The upstream refused the token, and it cannot be renewed.")
                raise SignInLost("the token is refused and cannot be renewed", command=_COMMAND)
            left = ends - time.monotonic()
            if left <= 0:
                raise UpstreamUnavailable("the sign-in was not renewed in time", command=_COMMAND, sent=False)
            lease = self._take_lease()
            if lease:
                return self._refresh(refused, lease, left)
            time.sleep(min(PAUSE_SECONDS, left))

    def _load(self) -> Connection:
        return Connection.objects.get(pk=self._connection_id)

    def _take_lease(self) -> datetime | None:
        now = timezone.now()
        free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
        until = now + LEASE
        taken = Connection.objects.filter(free, pk=self._connection_id).update(refresh_lease_until=until)
        return until if taken else None

    def _refresh(self, refused: str, lease: datetime, seconds: float) -> str:
        try:
            # What was true before the lease may be old: somebody may just have renewed, or been refused.
            connection = self._load()
            if connection.health == Health.SIGNED_OUT:
                raise SignInLost("the sign-in is over", command=_COMMAND, words=connection.last_error)
            token = _read(connection, "access_token")
            if not token or token == refused:
                tokens = signin.refresh(
                    connection.base_url,
                    refresh_token=_read(connection, "refresh_token"),
                    client_id=connection.client_id,
                    client_secret=_read(connection, "client_secret"),
                    deadline_seconds=min(seconds, settings.UPSTREAM_DEADLINE_SECONDS),
                )
                token = self._keep(connection.token_version, tokens)
        except UpstreamRejected as error:
            mark_signed_out(connection, error.words or "The upstream refused to renew the sign-in.")
            raise SignInLost(
                "the sign-in could not be renewed", command=_COMMAND, words=error.words, status=error.status
            ) from error
        finally:
            # Only our own: one that ran out may be somebody else's by now.
            Connection.objects.filter(pk=self._connection_id, refresh_lease_until=lease).update(
                refresh_lease_until=None
            )
        self._token = token
        return token

    def _keep(self, version: int, tokens: signin.TokenSet) -> str:
        """Store what the refresh brought, unless somebody signed in anew meanwhile; return the token that counts."""
        with transaction.atomic():
            connection = Connection.objects.select_for_update().get(pk=self._connection_id)
            if connection.token_version != version:
                return _read(connection, "access_token")
            keep_tokens(connection, tokens)
            connection.save(update_fields=["access_token", "refresh_token", "expires_at", "token_version"])
        return tokens.access_token


def keep_tokens(connection: Connection, tokens: signin.TokenSet) -> None:
    """Put a new set of tokens into the connection, which the caller saves, and count the version on.

    An upstream that sends no new refresh token means the old one to be used on.
    """
    connection.access_token = tokens.access_token
    if tokens.refresh_token:
        connection.refresh_token = tokens.refresh_token
    connection.expires_at = (
        timezone.now() + timedelta(seconds=tokens.expires_in_seconds)
        if tokens.expires_in_seconds is not None
        else None
    )
    connection.token_version += 1


def _read(connection: Connection, field: str) -> str:
    try:
        return getattr(connection, field) or ""
    except Unreadable as error:
        # Not marked as signed out: with the key put back it works again.
        raise UpstreamUnavailable(
            "the stored sign-in cannot be read: its key is missing, or it was moved",
            command=_COMMAND,
            words=_("The connection's stored sign-in cannot be read: its key is missing."),
            sent=False,
        ) from error
