"""Adds a connection, or renews one: checked against the upstream first, and on the trail before that."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import About, By
from portal.connections.models import Connection, Health, SignIn
from portal.connections.tokens import keep_tokens
from portal.upstream import signin
from portal.upstream.client import Client, StaticToken, new_command_id
from portal.upstream.errors import NotSent, SignInLost, UpstreamError, UpstreamUnavailable
from portal.upstream.signin import TokenSet


@dataclass(frozen=True)
class PastedToken:
    """A sign-in by an access token that somebody pasted: nothing can renew it."""

    token: str


@dataclass(frozen=True)
class PasswordGrant:
    """A sign-in by user name and password. The password is used once and never stored."""

    username: str
    password: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Proven:
    """A sign-in that was tried and works: its tokens, and how many families it reaches (perhaps none)."""

    name: str
    base_url: str
    credentials: PastedToken | PasswordGrant
    tokens: TokenSet
    families: int
    command_id: str


def prove(by: By, name: str, base_url: str, credentials: PastedToken | PasswordGrant) -> Proven:
    """Try a sign-in at the upstream. Stores nothing but its steps on the trail.

    Raises AuditUnavailable, and then nothing was sent, or the UpstreamError that came back. Costs one upstream
    call (get_family_list), and one to the token endpoint with a password.
    """
    event = _event(name)
    about = About(kind="connection", name=name)
    parameters = {"address": base_url, "sign_in": _sign_in(credentials)}
    command_id = new_command_id()
    trail.record_first(event, by, about, parameters=parameters, phase=State.INTENT, command_id=command_id)
    try:
        tokens = _sign_in_at(base_url, credentials)
        client = Client(
            base_url, StaticToken(tokens.access_token), deadline_seconds=settings.UPSTREAM_DEADLINE_SECONDS
        )
        families = len(client.get_family_list(command_id=command_id).result)
    except UpstreamError as error:
        outcome = State.NOT_SENT if _was_not_sent(error) else State.REFUSED
        trail.record(
            event,
            by,
            about,
            phase="outcome",
            outcome=outcome,
            command_id=command_id,
            words=error.words,
            status=error.status,
        )
        raise
    return Proven(name, base_url, credentials, tokens, families, command_id)


def keep(by: By, proven: Proven, *, history_zone: str | None = None) -> tuple[Connection, bool]:
    """Store a proven sign-in, as a new connection or in the one of that name; return it and whether it is new.

    A renewed connection is in good health again; one that somebody paused stays paused.
    """
    with transaction.atomic():
        found = Connection.objects.select_for_update().filter(name=proven.name).first()
        connection = found or Connection(
            name=proven.name, calls_per_minute=settings.UPSTREAM_CALLS_PER_MINUTE
        )
        before = {} if found is None else _described(connection)
        now = timezone.now()
        credentials = proven.credentials
        connection.base_url = proven.base_url
        connection.sign_in = _sign_in(credentials)
        connection.username, connection.client_id, connection.client_secret = "", "", None
        if isinstance(credentials, PasswordGrant):
            connection.username, connection.client_id = credentials.username, credentials.client_id
            connection.client_secret = credentials.client_secret
        connection.refresh_token = None
        keep_tokens(connection, proven.tokens)
        connection.refresh_lease_until = connection.hold_until = None
        connection.health, connection.health_since = Health.GOOD, now
        connection.last_good_at, connection.last_error, connection.failures = now, "", 0
        if history_zone:
            connection.history_zone = history_zone
        connection.save(force_insert=found is None)
        trail.record(
            "connection.renew" if found else "connection.add",
            by,
            About(kind="connection", id=connection.public_id, name=connection.name),
            parameters={"before": before, "after": _described(connection), "families": proven.families},
            phase="outcome",
            outcome=State.SUCCEEDED,
            command_id=proven.command_id,
        )
    return connection, found is None


def _event(name: str) -> str:
    return "connection.renew" if Connection.objects.filter(name=name).exists() else "connection.add"


def _sign_in_at(base_url: str, credentials: PastedToken | PasswordGrant) -> TokenSet:
    if isinstance(credentials, PastedToken):
        return TokenSet(access_token=credentials.token, refresh_token="", expires_in_seconds=None)
    return signin.sign_in_with_password(
        base_url,
        username=credentials.username,
        password=credentials.password,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        deadline_seconds=settings.UPSTREAM_DEADLINE_SECONDS,
    )


def _sign_in(credentials: PastedToken | PasswordGrant) -> str:
    return SignIn.TOKEN if isinstance(credentials, PastedToken) else SignIn.PASSWORD


def _was_not_sent(error: UpstreamError) -> bool:
    return isinstance(error, NotSent) or (isinstance(error, UpstreamUnavailable) and not error.sent)


def _described(connection: Connection) -> dict[str, Any]:
    return {
        "address": connection.base_url,
        "sign_in": str(connection.sign_in),
        "username": connection.username,
        "client_id": connection.client_id,
        "history_zone": connection.history_zone,
    }


def in_words(base_url: str, error: UpstreamError) -> str:
    """One line for an operator: what was tried, and what came back."""
    tried = error.command or "the sign-in"
    if isinstance(error, SignInLost):
        came = "the token was refused"
    elif _was_not_sent(error):
        came = "it could not be reached"
    else:
        came = error.reason or "it was refused"
    details = [f"HTTP {error.status}" if error.status else "", error.words]
    if _was_not_sent(error):
        details = [error.reason]
    said = ", ".join(part for part in details if part)
    return f"{base_url}, {tried}: {came}" + (f" ({said})" if said else "")
