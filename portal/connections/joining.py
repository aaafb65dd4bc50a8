"""Adds a connection, or renews one: tried at the upstream first, and on the trail before that."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import About, By
from portal.connections.models import Connection, Health, SignIn
from portal.connections.outcomes import was_not_sent
from portal.connections.tokens import keep_tokens
from portal.upstream import signin
from portal.upstream.client import Client, StaticToken, new_command_id
from portal.upstream.errors import UpstreamError
from portal.upstream.signin import TokenSet
from portal.upstream.types import Account, FamilySummary

LONGEST_TOKEN = 8_000
# Whose account it is, is only good to know: it is not waited for long.
LOOKING_SECONDS = 3.0
LEAST_SECONDS = 0.3


@dataclass(frozen=True)
class PastedToken:
    """A sign-in by an access token that somebody pasted: nothing can renew it."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class PasswordGrant:
    """A sign-in by user name and password. The password is used once and never stored."""

    username: str
    password: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class CodeGrant:
    """A sign-in in the browser: the code that it brought back, good for one use."""

    code: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str


Credentials = PastedToken | PasswordGrant | CodeGrant


@dataclass(frozen=True)
class Wanted:
    """A connection as somebody wants it. Without ``renews`` it is a new one, with ``owner`` that person's own.

    A zone of "" and a budget of 0 leave those as they are; a new connection then has UTC and the usual budget.
    """

    name: str
    base_url: str
    credentials: Credentials
    owner: User | None = None
    renews: Connection | None = None
    history_zone: str = ""
    calls_per_minute: int = 0


@dataclass(frozen=True)
class Proven:
    """A sign-in that was tried and works: its tokens, the families it reaches (perhaps none), and who it is.

    ``account`` is None where the upstream did not say.
    """

    wanted: Wanted
    tokens: TokenSet
    rows: tuple[FamilySummary, ...]
    account: Account | None
    command_id: str

    @property
    def families(self) -> int:
        """How many families it reaches."""
        return len(self.rows)


class NameTaken(Exception):
    """There is a connection of this name, or the person has one of their own already. Nothing was stored."""


class ConnectionGone(Exception):
    """The connection to renew was removed meanwhile. Nothing was stored."""


def checked_token(text: str) -> str:
    """A pasted token without blanks and line ends around it; raises ValueError for what cannot be one."""
    token = text.strip()
    if not token:
        raise ValueError(_("there is no token"))
    if len(token) > LONGEST_TOKEN:
        raise ValueError(_("a token has at most %s characters") % f"{LONGEST_TOKEN:,}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(_("it has a character that no token has"))
    return token


def prove(by: By, wanted: Wanted) -> Proven:
    """Try a sign-in at the upstream. Stores nothing but its steps on the trail.

    Raises AuditUnavailable, and then nothing was sent, or the UpstreamError that came back. All of it ends within
    UPSTREAM_DEADLINE_SECONDS. Costs one upstream call (get_family_list), one to the token endpoint unless the
    token was pasted, and one that says whose account it is.
    """
    ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS
    event, about = event_of(wanted.renews), _about(wanted)
    command_id = new_command_id()
    parameters = {"address": wanted.base_url, "sign_in": str(_sign_in(wanted.credentials))}
    trail.record_first(event, by, about, parameters=parameters, phase=State.INTENT, command_id=command_id)
    try:
        tokens = _sign_in_at(wanted.base_url, wanted.credentials, ends)
        client = Client(wanted.base_url, StaticToken(tokens.access_token), deadline_seconds=_left(ends))
        rows = client.get_family_list(command_id=command_id).result
    except UpstreamError as error:
        trail.record(
            event,
            by,
            about,
            phase="outcome",
            outcome=State.NOT_SENT if was_not_sent(error) else State.REFUSED,
            command_id=command_id,
            words=error.words,
            status=error.status,
        )
        raise
    return Proven(wanted, tokens, tuple(rows), _whose(client, rows, ends), command_id)


def store(proven: Proven) -> tuple[Connection, Mapping[str, Any]]:
    """Store a proven sign-in, as a new connection or in the one it renews; return it and how it was before ({}: new).

    To be called in a transaction, which ends with ``tell``. A renewed connection is in good health again; one
    that somebody paused stays paused. Raises NameTaken and ConnectionGone.
    """
    wanted = proven.wanted
    connection = _found(wanted)
    is_new = connection is None
    if connection is None:
        calls = wanted.calls_per_minute or settings.UPSTREAM_CALLS_PER_MINUTE
        connection = Connection(name=wanted.name, owner=wanted.owner, calls_per_minute=calls)
    before = {} if is_new else described(connection)
    now = timezone.now()
    credentials = wanted.credentials
    connection.base_url = wanted.base_url
    connection.sign_in = _sign_in(credentials)
    connection.username, connection.client_id, connection.client_secret = "", "", None
    if isinstance(credentials, PasswordGrant):
        connection.username = credentials.username
    if not isinstance(credentials, PastedToken):
        connection.client_id, connection.client_secret = credentials.client_id, credentials.client_secret
    connection.refresh_token = None
    keep_tokens(connection, proven.tokens)
    connection.refresh_lease_until = connection.hold_until = connection.open_until = None
    connection.health, connection.health_since = Health.GOOD, now
    connection.told_at = connection.tell_after = None
    connection.last_good_at, connection.last_error = now, ""
    connection.failures, connection.recent_failures = 0, []
    connection.families_listed = proven.families
    connection.history_zone = wanted.history_zone or connection.history_zone
    connection.calls_per_minute = wanted.calls_per_minute or connection.calls_per_minute
    try:
        with transaction.atomic():
            connection.save(force_insert=is_new)
    except IntegrityError as error:
        raise NameTaken(wanted.name) from error
    return connection, before


def tell(by: By, proven: Proven, connection: Connection, before: Mapping[str, Any]) -> None:
    """Put on the trail what was stored; the last thing that its transaction writes."""
    trail.record(
        event_of(proven.wanted.renews),
        by,
        about_of(connection),
        parameters={"before": before, "after": described(connection), "families": proven.families},
        phase="outcome",
        outcome=State.SUCCEEDED,
        command_id=proven.command_id,
    )


def event_of(renewed: Connection | None) -> str:
    """What the trail calls adding a connection, or renewing this one."""
    return "connection.add" if renewed is None else "connection.renew"


def about_of(connection: Connection) -> About:
    """A connection as the trail names it."""
    return About(kind="connection", id=connection.public_id, name=connection.name)


def described(connection: Connection) -> dict[str, Any]:
    """What the trail keeps of a connection: nothing secret."""
    return {
        "name": connection.name,
        "address": connection.base_url,
        "sign_in": str(connection.sign_in),
        "username": connection.username,
        "client_id": connection.client_id,
        "history_zone": connection.history_zone,
        "calls_per_minute": connection.calls_per_minute,
    }


def _about(wanted: Wanted) -> About:
    return About(kind="connection", name=wanted.name) if wanted.renews is None else about_of(wanted.renews)


def _found(wanted: Wanted) -> Connection | None:
    """The connection to renew, locked; raises ConnectionGone."""
    if wanted.renews is None:
        return None
    found = Connection.objects.there().select_for_update().filter(pk=wanted.renews.pk).first()
    if found is None:
        raise ConnectionGone
    return found


def _sign_in_at(base_url: str, credentials: Credentials, ends: float) -> TokenSet:
    match credentials:
        case PastedToken():
            return TokenSet(access_token=credentials.token, refresh_token="", expires_in_seconds=None)
        case PasswordGrant():
            return signin.sign_in_with_password(
                base_url,
                username=credentials.username,
                password=credentials.password,
                client_id=credentials.client_id,
                client_secret=credentials.client_secret,
                deadline_seconds=_left(ends),
            )
        case CodeGrant():
            return signin.sign_in_with_code(
                base_url,
                code=credentials.code,
                client_id=credentials.client_id,
                client_secret=credentials.client_secret,
                redirect_uri=credentials.redirect_uri,
                deadline_seconds=_left(ends),
            )


def _whose(client: Client, rows: list[FamilySummary], ends: float) -> Account | None:
    """The account itself, as the first family names it; None where that does not say so at once."""
    seconds = min(_left(ends), LOOKING_SECONDS)
    if not rows or seconds < LEAST_SECONDS:
        return None
    first = rows[0]
    try:
        info = client.get_family_info(
            residence_id=first.residence_id, deadline_seconds=seconds, once=True
        ).result
    except UpstreamError:
        return None
    return next((account for account in info.accounts if account.account_id == first.account_id), None)


def _left(ends: float) -> float:
    return max(ends - time.monotonic(), 0.0)


def _sign_in(credentials: Credentials) -> SignIn:
    match credentials:
        case PastedToken():
            return SignIn.TOKEN
        case PasswordGrant():
            return SignIn.PASSWORD
        case CodeGrant():
            return SignIn.CODE
