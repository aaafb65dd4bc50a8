"""Sends a command on somebody's behalf: intent, claim, call, outcome. The only way anything is changed upstream."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings
from django.db import DatabaseError
from django.db import connection as database
from django.utils.translation import gettext as _

from portal import waiting
from portal.audit import trail
from portal.audit.chain import HeadNotKept
from portal.audit.models import Command, State
from portal.audit.trail import About, AuditUnavailable, By, Result
from portal.audit.trail import OutcomeNotRecorded as OutcomeNotRecorded
from portal.connections import budget, outcomes
from portal.connections.line import LEAST_SECONDS, Line, NotPossible, open_line
from portal.connections.models import Connection
from portal.connections.tokens import StoredTokens
from portal.keys import KeyMissing
from portal.upstream import errors
from portal.upstream.client import Answer, Client, new_command_id

# One action is at most: the call, its repeat after a refresh, and a look at what became of it.
CALLS_PER_ACTION = 4

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Action:
    """One upstream command as somebody asked for it. ``parameters`` are what the trail keeps: never a secret.

    ``check`` is asked as its intent is written, when no other can be (see trail.intend); what it raises is raised by
    ``perform``, and nothing was sent or written then.
    """

    command: str
    event: str
    about: About
    press: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    check: Callable[[], None] | None = None


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
    trail.AuditUnavailable when the trail could not be written before sending: nothing was sent; and
    OutcomeNotRecorded when that failed afterwards. A repeat of the same press sends nothing and returns the
    stored outcome. All of it, waiting for the database too, ends within UPSTREAM_DEADLINE_SECONDS, the last
    entry aside. Must not be called in a transaction. Cost: 1 upstream call, 2 after a refused token, one for
    a renewal, and the look.
    """
    ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS
    with waiting.until(ends):
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
            check=action.check,
        )
    if not is_new:
        return Performed(command, is_repeat=True)
    try:
        with open_line(connection, CALLS_PER_ACTION, ends) as line:
            with waiting.until(ends):
                is_ours = trail.claim(command, by)
            if not is_ours:
                command.refresh_from_db()
                return Performed(command, is_repeat=True)
            return _send(by, line, command, send, settle)
    except NotPossible as refusal:
        _conclude_not_sent(command, by, refusal)
        return Performed(command)


def read(
    by: By,
    connection: Connection,
    action: Action,
    send: Callable[[Client, str], Answer[Any]],
    *,
    reveals: bool,
) -> Answer[Any]:
    """Ask the upstream something on somebody's behalf; the trail says who asked what, and what came.

    ``reveals``, for answers that hold a secret, puts the intent on the trail before anything is sent. Raises
    AuditUnavailable (nothing was sent, or nothing may be shown), errors.NotSent where the connection cannot
    be used now, and every UpstreamError. Ends within UPSTREAM_DEADLINE_SECONDS, the last entry aside.
    """
    ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS
    command_id = new_command_id()
    about, parameters = action.about, action.parameters
    if reveals:
        with waiting.until(ends):
            trail.record_first(
                action.event,
                by,
                about,
                parameters=parameters,
                phase=State.INTENT,
                command_id=command_id,
                reason=action.reason,
            )
    began = time.monotonic()
    is_tried = False
    error: errors.UpstreamError | None = None
    answer: Answer[Any] | None = None
    try:
        with open_line(connection, CALLS_PER_ACTION, ends) as line:
            connection, is_tried = line.connection, True
            answer = send(line.client(), command_id)
            result = Result(State.SUCCEEDED, status=answer.status)
    except NotPossible as refusal:
        error = errors.NotSent(refusal.words, command=action.command)
        result = Result(State.NOT_SENT, refusal.error, refusal.words)
    except errors.UpstreamError as caught:
        error = caught
        result = outcomes.result_of(caught)
    trail.record_first(
        action.event,
        by,
        about,
        parameters=parameters,
        # Alone, it is all there is to tell; after an intent, its outcome.
        phase="outcome" if reveals else "",
        outcome=result.state,
        command_id=command_id,
        words=result.words,
        status=result.status,
        duration_ms=round((time.monotonic() - began) * 1000),
        reason=action.reason,
    )
    if is_tried:
        outcomes.learn(connection, error, about=_whom(about.family_id, parameters))
    if error is not None:
        raise error
    return cast("Answer[Any]", answer)


def client_for(
    connection: Connection, allowance: budget.Allowance, *, deadline_seconds: float | None = None
) -> Client:
    """The upstream client of this connection for work in the background, spending from ``allowance``."""
    return Client(
        connection.base_url,
        StoredTokens(connection.pk),
        deadline_seconds=deadline_seconds or settings.UPSTREAM_DEADLINE_SECONDS,
        on_request=allowance.spend,
    )


def _send(
    by: By,
    line: Line,
    command: Command,
    send: Callable[[Client, str], Answer[Any]],
    settle: Callable[[Client], bool | None] | None,
) -> Performed:
    error: errors.UpstreamError | None = None
    answer: Answer[Any] | None = None
    try:
        answer = send(line.client(), command.command_id)
        result = Result(State.SUCCEEDED, status=answer.status, upstream_clock_ms=answer.timestamp_ms)
    except errors.UpstreamError as caught:
        error = caught
        result = outcomes.result_of(caught)
        if result.state == State.UNKNOWN and settle is not None:
            result = _look(line, settle, result)
    except BaseException:
        # A mistake of ours, or the end of the process. What is counted before each request tells whether one began.
        state = State.UNKNOWN if line.allowance.spent else State.NOT_SENT
        _conclude(command, by, Result(state, "interrupted"))
        raise
    _conclude(command, by, result)
    outcomes.learn(line.connection, error, about=_whom(command.family_id, command.parameters))
    return Performed(command, answer=answer)


def _whom(family_id: int | None, parameters: Mapping[str, Any]) -> str:
    """The family that a command was about, as the connection's health counts it; "" for none."""
    return str(family_id or parameters.get("residence_id") or "")


def _conclude(command: Command, by: By, result: Result) -> None:
    """Write the outcome, once more on a fresh database connection when that fails."""
    for attempt in (1, 2):
        try:
            if not trail.conclude(command, by, result):
                command.refresh_from_db()
        except HeadNotKept:
            # It is committed; the next head that can be written covers it.
            logger.exception("the audit head could not be kept")
        except (DatabaseError, OSError, KeyMissing) as error:
            if attempt == 2:
                raise OutcomeNotRecorded(command, result) from error
            database.close()
            continue
        return


def _conclude_not_sent(command: Command, by: By, refusal: NotPossible) -> None:
    try:
        _conclude(command, by, Result(State.NOT_SENT, refusal.error, refusal.words))
    except OutcomeNotRecorded as error:
        raise AuditUnavailable("that nothing was sent could not be written") from error


def _look(line: Line, settle: Callable[[Client], bool | None], unknown: Result) -> Result:
    """Look at what became of it, inside what is left of the action's time."""
    if line.ends - time.monotonic() < LEAST_SECONDS:
        return unknown
    try:
        found = settle(line.client())
    except errors.UpstreamError:
        return unknown
    if found is None:
        return unknown
    if found:
        return Result(State.SUCCEEDED, "read_back", unknown.words, unknown.status)
    return Result(State.REFUSED, "read_back", _("No answer came, and nothing changed."), unknown.status)
