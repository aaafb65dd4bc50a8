"""Makes passes: asked for once, shown once to whoever made them, and known afterwards by a keyed digest of their digits."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from access.models import TempKey
from access.services.passes.codes import PassCode, read_code
from access.services.passes.limits import check_limits, check_window
from access.services.passes.reading import read_back
from access.sync import unmatched
from access.sync.passes import READ_AGAIN_SECONDS, TempKeys, Whose, by_fingerprint, take_over
from access.sync.unmatched import CREATE_COMMAND
from families.models import Family, Kind, Reach
from families.services.acting import Budget, may_act_in, reach_of
from families.sync import states
from families.sync.refresh import read_again
from portal import waiting
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.ids import new_public_id
from portal.text import searchable
from portal.upstream import errors, types
from portal.upstream.client import Answer, Client
from portal.upstream.times import format_time
from portal.web.presses import PressInvalid

MAKE_EVENT = "pass.make"
# Of what is left of the action's time: for the list before it, and for the making itself; the rest is for a look.
FOR_LISTING, FOR_MAKING = 0.3, 0.6
# Pictures are fetched beside the actions that wait for the upstream, and by no more threads than those.
_pictures = threading.BoundedSemaphore(settings.UPSTREAM_ACTIONS_AT_ONCE)


@dataclass(frozen=True)
class Wish:
    """What is asked for, checked already. The window is two moments in whole seconds: the upstream is told no less.

    ``uses`` is the reference's count. ``preset`` is the window that was chosen, where it counts from the moment at which
    it is asked for.
    """

    label: str
    starts_at: datetime
    ends_at: datetime
    uses: int
    visitor_name: str = ""
    visitor_email: str = ""
    note: str = ""
    preset: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """What the trail keeps of it."""
        told = {
            "label": self.label,
            "visitor_name": self.visitor_name,
            "visitor_email": self.visitor_email,
            "note": self.note,
            "starts_at": format_time(self.starts_at),
            "ends_at": format_time(self.ends_at),
            "uses": self.uses,
        }
        return told | {"preset": self.preset} if self.preset else told

    def is_asked_in(self, parameters: Mapping[str, Any]) -> bool:
        """Whether these, of an earlier command, ask for the same: a preset's window has moved on since."""
        moved = {"starts_at", "ends_at"} if self.preset else set()
        told = self.parameters
        return told.keys() == parameters.keys() and all(
            parameters[name] == value for name, value in told.items() if name not in moved
        )


@dataclass(frozen=True)
class Asked:
    """What came of asking for a pass. ``key`` is None where none was made; ``digits`` are there where they came just now."""

    performed: Performed
    key: TempKey | None
    digits: str = field(default="", repr=False)
    qr_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class Made:
    """A pass that was asked for. ``code`` is there for whoever made it just now, and never again."""

    key: TempKey | None
    performed: Performed
    code: PassCode | None = field(default=None, repr=False)


def make_pass(actor: User, *, family: Family, wish: Wish, press: str) -> Made:
    """Make a pass in a family, on behalf of ``actor``, with its code to be shown once.

    Raises what ``ask_for`` raises. Cost: 2 upstream calls, one or two to look where no answer came, and a picture.
    """
    budget = Budget()
    asked = ask_for(actor, family=family, wish=wish, press=press, budget=budget)
    code = _code_of(asked, budget) if asked.digits else None
    return Made(asked.key, asked.performed, code)


def ask_for(actor: User, *, family: Family, wish: Wish, press: str, budget: Budget | None = None) -> Asked:
    """Have a pass made; the command's state says what is known of it.

    ``family`` was fetched through ``visible_to(actor)``. The list is read before it is asked for, so that one without
    an answer is found in the list after it: exactly one new of its window and uses is taken for it, and its digits are
    had by a reveal then. What is asked for stands in the list of passes from before it is sent until it is known that
    none was made. Raises PassRefused (the window is beyond the grant, or too many were made within an hour),
    PermissionDenied, NoConnection, trail.AuditUnavailable, and PressInvalid for a repeat that asks for another: nothing
    was sent then; and trail.OutcomeNotRecorded. Cost: 2 upstream calls (get_ and create_akuvox_open_door_temp_key_config),
    and one or two to look where the digits did not come.
    """
    may_act_in(actor, family)
    check_window(actor, family, wish.ends_at)
    reach = reach_of(family)
    making = _Making(actor, family, reach, wish, budget or Budget())
    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(
            CREATE_COMMAND,
            MAKE_EVENT,
            About(family.pk, family.name, "pass", new_public_id(), wish.label),
            press,
            wish.parameters,
            check=lambda: check_limits(actor, family, press),
        ),
        making.send,
        settle=making.look,
    )
    if performed.is_repeat:
        command = performed.command
        if not wish.is_asked_in(command.parameters) or command.family_id != family.pk:
            raise PressInvalid("the press asked for another pass")
        return Asked(performed, _key_of(command))
    return making.conclude(performed)


class _Making:
    """One pass on its way. Holds digits: it lives as long as its action."""

    def __init__(self, actor: User, family: Family, reach: Reach, wish: Wish, budget: Budget) -> None:
        self.actor = actor
        self.family = family
        self.reach = reach
        self.wish = wish
        self.budget = budget
        self.whose = Whose(family, reach.account_id)
        self.before: set[str] = set()
        self.key: TempKey | None = None
        self.found: types.TempKey | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def send(self, client: Client, command_id: str) -> Answer[types.CreatedTempKey]:
        """Read what is there, write down what is asked for, and ask for it."""
        self._read_before(client)
        self._write_down(command_id)
        return client.create_akuvox_open_door_temp_key_config(
            residence_id=self.family.residence_id,
            start_time=format_time(self.wish.starts_at),
            finish_time=format_time(self.wish.ends_at),
            count=self.wish.uses,
            command_id=command_id,
            deadline_seconds=self.budget.left() * FOR_MAKING,
        )

    def look(self, client: Client) -> bool | None:
        """Whether exactly one has come that may be it; None otherwise: one that is not there may still come."""
        answer = client.get_akuvox_open_door_temp_key_config(residence_id=self.family.residence_id)
        try:
            with waiting.until(self.budget.ends):
                new = self._new_in(answer.result)
                if len(new) != 1 or self.key is None or unmatched.rivals(self.key):
                    return None
        except (DatabaseError, OSError):
            return None
        self.found = new[0]
        return True

    def conclude(self, performed: Performed) -> Asked:
        """Keep what is known of it now; whatever becomes of our own row, the next list tells it too."""
        command = performed.command
        if command.state in {State.REFUSED, State.NOT_SENT}:
            with suppress(DatabaseError):
                TempKey.objects.filter(command=command, fingerprint="").delete()
            return Asked(performed, None)
        if command.state != State.SUCCEEDED or self.key is None:
            with suppress(DatabaseError):
                states.want(self.family, Kind.TEMP_KEYS, seconds=READ_AGAIN_SECONDS)
            return Asked(performed, self.key)
        result: types.CreatedTempKey | None = performed.answer.result if performed.answer else None
        if result is not None and result.temp_key:
            with suppress(DatabaseError):
                unmatched.know(self.key, result.temp_key)
            return Asked(performed, self.key, result.temp_key, result.qr_code_url)
        if self.found is not None:
            with suppress(DatabaseError), transaction.atomic():
                if unmatched.know(self.key, self.found.temp_key):
                    unmatched.note_adoption(self.key, By.person(self.actor))
            return Asked(performed, self.key)
        return self._find_afterwards(performed, self.key)

    def _find_afterwards(self, performed: Performed, key: TempKey) -> Asked:
        """It was made, and the answer did not tell its digits: the list does."""
        row = None
        with suppress(DatabaseError):
            reading = read_back(self.reach, self.family, self.budget)
            if reading is None:
                states.want(self.family, Kind.TEMP_KEYS, seconds=READ_AGAIN_SECONDS)
            else:
                unmatched.settle_families([self.family.pk], mine=key)
                key.refresh_from_db(fields=["fingerprint"])
                matched = self.whose.match(reading.answer.result, by_fingerprint([key]))
                row = next((row for row, known in matched if known is not None), None)
        return Asked(performed, key, row.temp_key if row else "", row.qr_code_url if row else "")

    def _read_before(self, client: Client) -> None:
        try:
            answer = client.get_akuvox_open_door_temp_key_config(
                residence_id=self.family.residence_id, deadline_seconds=self.budget.left() * FOR_LISTING
            )
            rows = answer.result
        except (errors.UpstreamUnavailable, errors.NotUnderstood) as error:
            # That was a question: nothing was made.
            raise errors.NotSent("the passes could not be read", command=CREATE_COMMAND) from error
        self.before = {row.temp_key for row in rows}
        try:
            with waiting.until(self.budget.ends):
                self._store_news(answer)
        except (DatabaseError, OSError) as error:
            raise errors.NotSent("the passes could not be stored", command=CREATE_COMMAND) from error

    def _store_news(self, answer: Answer[list[types.TempKey]]) -> None:
        """What is there and not stored yet would later be taken for new."""
        if not self._unknown_in(answer.result):
            return
        read_again(self.family, Kind.TEMP_KEYS, TempKeys(), self.reach.connection, lambda: answer)
        if any(self._is_alike(row) for row in self._unknown_in(answer.result)):
            raise DatabaseError("a pass of the same window could not be stored")

    def _unknown_in(self, rows: Sequence[types.TempKey]) -> list[types.TempKey]:
        there = TempKey.objects.filter(reach=self.reach, account_id=self.reach.account_id, gone_at=None)
        known = by_fingerprint(there.exclude(fingerprint=""))
        return [row for row, key in self.whose.match(rows, known) if key is None]

    def _new_in(self, rows: Sequence[types.TempKey]) -> list[types.TempKey]:
        """Those of this window that were not there before, and are no other pass of ours."""
        ours = TempKey.objects.filter(reach=self.reach, account_id=self.reach.account_id, gone_at=None)
        known = by_fingerprint(ours.exclude(fingerprint="").exclude(made_by=None, command=None))
        new = [row for row in rows if row.temp_key not in self.before and self._is_alike(row)]
        return [row for row, key in self.whose.match(new, known) if key is None]

    def _is_alike(self, row: types.TempKey) -> bool:
        told = TempKey()
        take_over(told, row)
        wish = self.wish
        return (told.starts_at, told.ends_at, told.uses) == (wish.starts_at, wish.ends_at, wish.uses)

    def _write_down(self, command_id: str) -> None:
        """Before it is sent: what was asked for must be shown as something that may be there."""
        wish = self.wish
        now = timezone.now()
        try:
            with waiting.until(self.budget.ends):
                command = Command.objects.get(command_id=command_id)
                self.key = TempKey.objects.create(
                    public_id=command.object_id,
                    reach=self.reach,
                    account_id=self.reach.account_id,
                    family=self.family,
                    label=wish.label,
                    visitor_name=wish.visitor_name,
                    visitor_email=wish.visitor_email,
                    note=wish.note,
                    search_text=searchable(wish.label, wish.visitor_name, wish.visitor_email),
                    made_by=self.actor,
                    command=command,
                    starts_at=wish.starts_at,
                    ends_at=wish.ends_at,
                    uses=wish.uses,
                    at=now,
                    made_after=now,
                    sorted_at=wish.ends_at,
                    last_seen_at=now,
                )
        except (DatabaseError, OSError) as error:
            raise errors.NotSent("the pass could not be written down", command=CREATE_COMMAND) from error


def _key_of(command: Command) -> TempKey | None:
    return TempKey.objects.filter(command=command).select_related("family__property").first()


def _code_of(asked: Asked, budget: Budget) -> PassCode:
    """The digits with their picture, if that comes in what is left of the time."""
    if not _pictures.acquire(blocking=False):
        return PassCode(asked.digits, None, "late")
    try:
        return read_code(asked.digits, asked.qr_url, seconds=min(3.0, budget.left()))
    finally:
        _pictures.release()
