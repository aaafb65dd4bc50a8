"""Sends a command on somebody's behalf: intent, claim, call, outcome. The only way anything is changed upstream."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from portal.audit import trail
from portal.audit.models import Command, State
from portal.audit.trail import About, By, Result
from portal.connections import budget, health
from portal.connections.models import Connection, Health
from portal.connections.tokens import StoredTokens
from portal.upstream import errors
from portal.upstream.client import Answer, Client, new_command_id

# One action is at most: the call, its repeat after a refresh, and a look at what became of it.
CALLS_PER_ACTION = 4

_places = threading.BoundedSemaphore(settings.UPSTREAM_ACTIONS_AT_ONCE)


@dataclass(frozen=True)
class Action:
    """One upstream command as somebody asked for it. ``parameters`` are what the trail keeps: never a secret."""

    command: str
    event: str
    about: About
    press: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Performed:
    """What came of an action. ``answer`` is there when it succeeded just now; a repeat has only the command."""

    command: Command
    is_repeat: bool = False
    answer: Answer[Any] | None = None


def perform(
    by: By,
    connection: Connection,
    action: Action,
    send: Callable[[Client, str], Answer[Any]],
    *,
    settle: Callable[[Client], bool | None] | None = None,
) -> Performed:
    """Do ``action`` once. Never raises for what the upstream does: the command's state says what is known.

    ``send`` calls the client with the command id. ``settle``, for commands that a read can check, looks after
    an unknown outcome: True it is as wanted, False it is as before, None nobody knows. Raises
    trail.AuditUnavailable when the intent could not be written: nothing was sent. A repeat of the same press
    sends nothing and returns the stored outcome. Cost: 1 upstream call, 2 after a refused token, and the look.
    """
    command, is_new = trail.intend(
        action.command,
        action.event,
        by,
        action.about,
        press=action.press,
        command_id=new_command_id(),
        connection_name=connection.name,
        parameters=action.parameters,
        reason=action.reason,
    )
    if not is_new:
        return Performed(command, is_repeat=True)
    refusal = _why_not(connection)
    if refusal:
        trail.conclude(command, by, Result(State.NOT_SENT, error=refusal[0], words=refusal[1]))
        return Performed(command)
    if not _places.acquire(blocking=False):
        trail.conclude(
            command,
            by,
            Result(State.NOT_SENT, error="busy", words=_("Too many actions wait at this moment.")),
        )
        return Performed(command)
    try:
        return _send(by, connection, command, send, settle)
    finally:
        _places.release()


def client_for(
    connection: Connection, allowance: budget.Allowance, *, deadline_seconds: float | None = None
) -> Client:
    """The upstream client of this connection, spending from ``allowance``."""
    return Client(
        connection.base_url,
        StoredTokens(connection.pk),
        deadline_seconds=deadline_seconds or settings.UPSTREAM_DEADLINE_SECONDS,
        on_request=allowance.spend,
    )


def _why_not(connection: Connection) -> tuple[str, str] | None:
    if connection.paused_at:
        return "paused", _("The connection “%(name)s” is paused.") % {"name": connection.name}
    if connection.health == Health.SIGNED_OUT:
        return "signed_out", _("The connection “%(name)s” is signed out.") % {"name": connection.name}
    return None


def _send(
    by: By,
    connection: Connection,
    command: Command,
    send: Callable[[Client, str], Answer[Any]],
    settle: Callable[[Client], bool | None] | None,
) -> Performed:
    allowance = budget.take(connection, CALLS_PER_ACTION, for_people=True)
    if allowance is None:
        words = _("The connection's budget of calls for this minute is used up.")
        trail.conclude(command, by, Result(State.NOT_SENT, error="budget", words=words))
        return Performed(command)
    try:
        if not trail.claim(command, by):
            command.refresh_from_db()
            return Performed(command, is_repeat=True)
        client = client_for(connection, allowance)
        answer: Answer[Any] | None = None
        try:
            answer = send(client, command.command_id)
            result = Result(State.SUCCEEDED, status=200, upstream_clock_ms=answer.timestamp_ms)
            health.mark_good(connection)
        except errors.UpstreamError as error:
            result = _result_of(connection, error)
            if result.state == State.UNKNOWN and settle is not None:
                result = _look(client, settle, result)
        trail.conclude(command, by, result)
        return Performed(command, answer=answer)
    finally:
        allowance.give_back()


def _result_of(connection: Connection, error: errors.UpstreamError) -> Result:
    """What an error means for the command; the connection's health learns from it too."""
    match error:
        case errors.UpstreamRejected():
            health.mark_good(connection)
            return Result(State.REFUSED, "refused", error.words, error.status)
        case errors.UpstreamBusy():
            health.hold(connection, error.retry_after_seconds)
            words = _("The upstream is busy. Wait %(seconds)d s.") % {
                "seconds": round(error.retry_after_seconds)
            }
            return Result(State.REFUSED, "busy", words, error.status)
        case errors.SignInLost():
            health.mark_signed_out(connection, error.words)
            return Result(State.REFUSED, "signed_out", error.words, error.status)
        case errors.NotSent():
            health.mark_failing(connection, str(error))
            return Result(State.NOT_SENT, "unreachable", _("The upstream could not be reached."))
        case _:
            health.mark_failing(connection, str(error))
            return Result(State.UNKNOWN, "no_answer", error.words, error.status)


def _look(client: Client, settle: Callable[[Client], bool | None], unknown: Result) -> Result:
    try:
        found = settle(client)
    except errors.UpstreamError:
        return unknown
    if found is None:
        return unknown
    if found:
        return Result(State.SUCCEEDED, "read_back", unknown.words, unknown.status)
    return Result(State.REFUSED, "read_back", _("No answer came, and nothing changed."), unknown.status)
