"""Writes the trail: what somebody is about to do, and what became of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, models, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.chain import HeadNotKept, append
from portal.audit.models import OPEN_STATES, Actor, Command, Entry, State
from portal.keys import KeyMissing
from portal.upstream.text import clean
from portal.web.where import current_request

# A press that did not get its turn within this time is not sent any more.
GRACE = timedelta(seconds=5)


class AuditUnavailable(Exception):
    """The intent could not be written, so nothing was sent; the caller says so and offers to try again later."""


class OutcomeNotRecorded(Exception):
    """The command was sent, and what became of it could not be written down: the trail will say unknown.

    The caller shows it as unknown, with the advice to look before trying again. ``result`` is what came back.
    """

    def __init__(self, command: Command, result: "Result") -> None:
        super().__init__(f"{command.name} {command.command_id}")
        self.command = command
        self.result = result


@dataclass(frozen=True)
class By:
    """Who does something, from where, in which request."""

    kind: str
    user: User | None = None
    name: str = ""
    address: str = ""
    user_agent: str = ""
    request_id: str = ""

    @classmethod
    def person(cls, user: User) -> "By":
        """A person, with what the current request says of where they are."""
        where = current_request.get()
        return cls(Actor.PERSON, user, str(user), where.address, where.user_agent, where.request_id)

    @classmethod
    def operator(cls) -> "By":
        """Whoever runs a command on the machine itself."""
        return cls(Actor.OPERATOR, name="operator", request_id=current_request.get().request_id)

    @classmethod
    def visitor(cls) -> "By":
        """Somebody without an account, by the link to a pass: known by where they are alone."""
        where = current_request.get()
        return cls(Actor.VISITOR, None, "", where.address, where.user_agent, where.request_id)

    @classmethod
    def system(cls) -> "By":
        """The portal by itself: a worker, a deadline that passed."""
        return cls(Actor.SYSTEM, name="system")


@dataclass(frozen=True)
class About:
    """What something is done to: names as they are now, kept as text beside the keys."""

    family_id: int | None = None
    family_name: str = ""
    kind: str = ""
    id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a command."""

    state: State
    error: str = ""
    words: str = ""
    status: int | None = None
    upstream_clock_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def record(
    event: str,
    by: By,
    about: About = About(),
    *,
    parameters: Mapping[str, Any] | None = None,
    outcome: str = "",
    phase: str = "",
    command: Command | None = None,
    command_id: str = "",
    words: str = "",
    status: int | None = None,
    duration_ms: int | None = None,
    reason: str = "",
) -> Entry:
    """Add one entry at the end of the trail, in the caller's transaction. ``parameters`` never hold a secret."""
    entry = Entry(
        at=timezone.now(),
        event=event,
        phase=phase,
        outcome=outcome,
        actor_kind=by.kind,
        actor_id=by.user.pk if by.user else None,
        actor_name=by.name,
        role=by.user.role if by.user else "",
        address=by.address,
        user_agent=by.user_agent,
        family_id=about.family_id,
        family_name=about.family_name,
        object_kind=about.kind,
        object_id=about.id,
        object_name=about.name,
        parameters=json.dumps(_cleaned(parameters or {}), ensure_ascii=False, sort_keys=True),
        command_id=command.command_id if command else command_id,
        request_id=by.request_id,
        upstream_status=status,
        words=words,
        duration_ms=duration_ms,
        reason=reason,
    )
    _tidy(entry)
    return append(entry)


def _cleaned(value: Any) -> Any:
    """The same value with every text in it one that both databases take."""
    if isinstance(value, Mapping):
        return {clean(str(name)): _cleaned(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else clean(str(value))


def _tidy(row: models.Model) -> None:
    """Make every text one that both databases take as it is: what is signed must be what is read back."""
    for column in row._meta.concrete_fields:
        value = getattr(row, column.attname)
        if isinstance(value, str):
            # A choice, or words still to be translated, is the text that it stands for.
            setattr(row, column.attname, clean(str(value))[: column.max_length])


def record_first(event: str, by: By, about: About = About(), **details: Any) -> Entry:
    """The same in a transaction of its own, before something may be done or shown; raises AuditUnavailable."""
    with writing("the trail"), transaction.atomic(durable=True):
        return record(event, by, about, **details)


@contextmanager
def writing(what: str, *, tells_of_heads: bool = False) -> Iterator[None]:
    """Around a transaction that changes ``what`` with its entry: raises AuditUnavailable where they cannot be written.

    It stands outside the transaction, so that a commit that fails is told too; inside one it undoes it. With
    ``tells_of_heads`` HeadNotKept is raised on: everything is written then, and only its head is not.
    """
    try:
        yield
    except HeadNotKept as error:
        if tells_of_heads:
            raise
        raise AuditUnavailable(f"{what} could not be secured") from error
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable(f"{what} could not be written") from error


def intend(
    name: str,
    event: str,
    by: By,
    about: About,
    *,
    press: str,
    command_id: str,
    connection_name: str,
    parameters: Mapping[str, Any],
    reason: str = "",
    check: Callable[[], None] | None = None,
) -> tuple[Command, bool]:
    """Commit the intent to send a command, before anything is sent; return it, and whether it is new.

    A second call with the same ``press`` returns the first one's command and writes nothing: whoever gets
    False must not send. ``check`` looks once more whether it may be sent, after whatever was intended before it and
    before whatever comes after it, since intents are written one after the other: what it raises undoes the intent and
    is raised on. Raises AuditUnavailable when the intent cannot be written: nothing may be sent then.
    """
    now = timezone.now()
    command = Command(
        press=press,
        command_id=command_id,
        name=name,
        event=event,
        actor_kind=by.kind,
        actor_id=by.user.pk if by.user else None,
        actor_name=by.name,
        connection_name=connection_name,
        family_id=about.family_id,
        family_name=about.family_name,
        object_kind=about.kind,
        object_id=about.id,
        object_name=about.name,
        parameters=_cleaned(parameters),
        reason=reason,
        created_at=now,
        deadline_at=now + timedelta(seconds=settings.UPSTREAM_DEADLINE_SECONDS) + GRACE,
    )
    _tidy(command)
    try:
        with transaction.atomic(durable=True):
            # A repeat of the press is refused here by its unique name: no statement is spent on asking first.
            command.save(force_insert=True)
            record(
                event, by, about, parameters=parameters, phase=State.INTENT, command=command, reason=reason
            )
            if check is not None:
                check()
    except IntegrityError as error:
        earlier = Command.objects.filter(press=press).first()
        if earlier is None:
            raise AuditUnavailable("the intent was refused") from error
        return earlier, False
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable("the intent could not be written") from error
    return command, True


def claim(command: Command, by: By) -> bool:
    """Take the one right to send ``command``: True for exactly one caller, and never after its deadline.

    Raises AuditUnavailable when that cannot be written; nothing may be sent then.
    """
    try:
        with transaction.atomic(durable=True):
            # The time after the wait for the lock: a claim never comes later than it says.
            now = timezone.now()
            claimed = Command.objects.filter(pk=command.pk, state=State.INTENT, deadline_at__gt=now).update(
                state=State.SENT, sent_at=now
            )
            if claimed:
                record(command.event, by, about_of(command), phase=State.SENT, command=command)
    except HeadNotKept as error:
        # It is claimed, and will not be sent.
        with suppress(DatabaseError, OSError, KeyMissing):
            conclude(command, by, Result(State.NOT_SENT, error="audit"))
        raise AuditUnavailable("the command could not be claimed") from error
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable("the command could not be claimed") from error
    if claimed:
        command.state, command.sent_at = State.SENT, now
    return claimed == 1


def conclude(command: Command, by: By, result: Result) -> bool:
    """Write what became of a command and an entry that tells it; False when somebody else already did.

    From any open state to an outcome, and from unknown to what a later look found.
    """
    now = timezone.now()
    settles = result.state in {State.CONFIRMED_BY_HISTORY, State.NO_TRACE, State.CLOSED_BY_USER}
    sources = (State.UNKNOWN,) if settles else OPEN_STATES
    with transaction.atomic():
        fields: dict[str, Any] = {"state": result.state, "words": result.words, "error": result.error}
        if not settles:
            fields |= {"answered_at": now, "upstream_clock_ms": result.upstream_clock_ms}
        changed = Command.objects.filter(pk=command.pk, state__in=sources).update(**fields)
        if not changed:
            return False
        for name, value in fields.items():
            setattr(command, name, value)
        began = command.sent_at or command.created_at
        record(
            command.event,
            by,
            about_of(command),
            parameters=result.details,
            phase="settled" if settles else "outcome",
            outcome=result.state,
            command=command,
            words=result.words,
            status=result.status,
            duration_ms=None if settles else round((now - began).total_seconds() * 1000),
        )
    return True


def settle_overdue() -> int:
    """Write down an outcome for each command whose process died; return how many there were. Sends nothing."""
    overdue = Command.objects.filter(state__in=OPEN_STATES, deadline_at__lt=timezone.now())
    return sum(_settle(command) for command in overdue)


def _settle(command: Command) -> bool:
    with transaction.atomic():
        # The state that was read must still hold: between, the process may have claimed it or answered.
        if not Command.objects.select_for_update().filter(pk=command.pk, state=command.state).exists():
            return False
        return conclude(command, By.system(), Result(State(command.state_now), error="interrupted"))


def about_of(command: Command) -> About:
    """What a command is about, as it was named when it was intended."""
    return About(
        command.family_id, command.family_name, command.object_kind, command.object_id, command.object_name
    )
