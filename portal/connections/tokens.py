"""The token of a connection as all processes share it: read from the database, renewed by one caller at a time."""

import time
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.connections.health import mark_signed_out
from portal.connections.models import Connection
from portal.upstream import signin
from portal.upstream.errors import SignInLost, UpstreamError, UpstreamRejected

REFRESH_BEFORE_END = timedelta(seconds=60)
LEASE = timedelta(seconds=20)
WAIT_SECONDS = 10.0
PAUSE_SECONDS = 0.05


class StoredTokens:
    """The Tokens of one connection for the upstream client.

    Reads the token once and keeps it for the life of the object: make one per action or batch. Whoever finds
    it refused takes the lease and renews; all others wait and take the new one.
    """

    def __init__(self, connection_id: UUID) -> None:
        self._connection_id = connection_id
        self._token = ""

    def current(self) -> str:
        """The token to send, renewed first when it is about to end. Raises SignInLost."""
        if not self._token:
            connection = self._load()
            self._token = connection.access_token or ""
            ends = connection.expires_at
            if ends and connection.refresh_token and ends - REFRESH_BEFORE_END <= timezone.now():
                self._token = self.renew(self._token)
        return self._token

    def renew(self, refused: str) -> str:
        """A token other than ``refused``: one refresh upstream by whoever comes first, none by the others.

        Raises SignInLost when the sign-in is over (the connection is then marked signed out), and the error of
        the refresh itself when the upstream could not be reached: the sign-in may still be good.
        """
        ends = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < ends:
            connection = self._load()
            if connection.access_token and connection.access_token != refused:
                self._token = connection.access_token
                return self._token
            if not connection.refresh_token:
                mark_signed_out(connection, "The upstream refused the token, and it cannot be renewed.")
                raise SignInLost("refresh", words="")
            if self._take_lease():
                return self._refresh(refused)
            time.sleep(PAUSE_SECONDS)
        raise SignInLost("refresh", words="")

    def _load(self) -> Connection:
        return Connection.objects.get(pk=self._connection_id)

    def _take_lease(self) -> bool:
        now = timezone.now()
        free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
        taken = Connection.objects.filter(free, pk=self._connection_id).update(
            refresh_lease_until=now + LEASE
        )
        return taken == 1

    def _refresh(self, refused: str) -> str:
        # What was true before the lease may be old: somebody may just have renewed.
        connection = self._load()
        try:
            if connection.access_token and connection.access_token != refused:
                self._token = connection.access_token
                return self._token
            tokens = signin.refresh(
                connection.base_url,
                refresh_token=connection.refresh_token,
                client_id=connection.client_id,
                client_secret=connection.client_secret or "",
            )
        except UpstreamRejected as error:
            mark_signed_out(connection, error.words or "The upstream refused to renew the sign-in.")
            raise SignInLost("refresh", words=error.words, status=error.status) from error
        except UpstreamError:
            raise
        else:
            store_tokens(connection, tokens)
            self._token = tokens.access_token
            return self._token
        finally:
            Connection.objects.filter(pk=self._connection_id).update(refresh_lease_until=None)


def store_tokens(connection: Connection, tokens: signin.TokenSet) -> None:
    """Keep a new set of tokens, sealed, and count the version on."""
    connection.access_token = tokens.access_token
    if tokens.refresh_token:
        connection.refresh_token = tokens.refresh_token
    connection.expires_at = (
        timezone.now() + timedelta(seconds=tokens.expires_in_seconds) if tokens.expires_in_seconds else None
    )
    connection.token_version += 1
    with transaction.atomic():
        connection.save(update_fields=["access_token", "refresh_token", "expires_at", "token_version"])
