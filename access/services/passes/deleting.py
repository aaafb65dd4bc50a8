"""Deletes passes, one or several of a family, and tells what is true of each afterwards."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.utils.translation import gettext as _

from access.models import TempKey
from access.services.passes.naming import name_of
from access.services.passes.reading import read_back
from access.sync.passes import READ_AGAIN_SECONDS, Whose, by_fingerprint
from families.models import Family, Kind, Reach
from families.services.acting import Budget, may_act_in, reach_of
from families.sync import states
from portal import waiting
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.upstream import errors, types
from portal.upstream.client import Answer, Client
from portal.web.presses import PressInvalid

DELETE_COMMAND = "delete_akuvox_open_door_temp_key_config"
DELETE_MANY_COMMAND = "batch_delete_akuvox_open_door_temp_key_config"
DELETE_EVENT = "pass.delete"
# Of what is left of the action's time: for finding the digits, and for the deletion itself.
FOR_FINDING, FOR_DELETING = 0.4, 0.6


@dataclass(frozen=True)
class PassRow:
    """What is true of one pass afterwards; ``words`` say why where it is not gone."""

    key: TempKey
    state: Literal["gone", "left", "unknown"]
    words: str = ""


@dataclass(frozen=True)
class PassBatch:
    """What became of passes that were to be deleted: the command, and what is true of each.

    ``performed`` is None where none of them could be asked for: nothing was sent. As with members, the command's
    own outcome says nothing of a row: each is told by the list that was read afterwards (``is_read_back``).
    """

    performed: Performed | None
    rows: list[PassRow]
    is_read_back: bool

    @property
    def is_done(self) -> bool:
        """Whether every one is gone."""
        return all(row.state == "gone" for row in self.rows)


def delete_passes(actor: User, *, family: Family, keys: Sequence[TempKey], press: str) -> PassBatch:
    """Delete passes of one family: one with the single command, several with the batch command.

    ``family`` and ``keys`` were fetched through ``visible_to(actor)``. Their digits are not kept: the list is read
    live, within the action, and they are found in it by their fingerprints. Where none of them is there any more
    nothing is sent, and it is done. A deletion that got no answer is looked up. Afterwards the list is read back and
    stored in what is left of the time, else by the sync soon. Passes of another account than the one that acts are
    left, and so are those of which nobody knows which they are.

    Raises PermissionDenied (not theirs to delete), NoConnection, trail.AuditUnavailable, PressInvalid for a repeat
    that asks for others than its press did: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 2 upstream
    calls, at most one to look and one to read back (get_akuvox_open_door_temp_key_config).
    """
    may_act_in(actor, family)
    _check_theirs(actor, family, keys)
    reach = _reach_of(family, keys)
    mine = [key for key in keys if key.fingerprint and _is_of(key, reach)]
    if not mine:
        return PassBatch(None, [_tell_aside(key, reach) for key in keys], is_read_back=False)
    budget = Budget()
    deletion = _Deletion(family, reach, mine, budget)
    parameters = {"passes": [{"id": key.public_id, "label": key.label} for key in mine]}
    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(deletion.command, DELETE_EVENT, _about(family, mine), press, parameters),
        deletion.send,
        settle=deletion.look,
    )
    if performed.is_repeat and performed.command.parameters != parameters:
        raise PressInvalid("the press deleted other passes")
    reading = None
    if not performed.is_repeat and performed.command.state != State.NOT_SENT:
        # It is done or not, whatever becomes of our own rows: the next sync brings them too.
        with suppress(DatabaseError):
            reading = read_back(reach, family, budget)
            if reading is None:
                states.want(family, Kind.TEMP_KEYS, seconds=READ_AGAIN_SECONDS)
    now = TempKey.objects.select_related("made_by").in_bulk([key.pk for key in keys])
    there = None if reading is None else _pks_in(family, reach, mine, reading.answer.result)
    is_whole = reading is not None and not reading.answer.unread
    chosen = {key.pk for key in mine}
    rows = [
        _tell(now[key.pk], performed, there, is_whole=is_whole)
        if key.pk in chosen
        else _tell_aside(now[key.pk], reach)
        for key in keys
    ]
    return PassBatch(performed, rows, is_read_back=reading is not None)


class _Deletion:
    """The deletion of some passes of one account, as it is sent and looked up."""

    def __init__(self, family: Family, reach: Reach, keys: Sequence[TempKey], budget: Budget) -> None:
        self.family = family
        self.reach = reach
        self.keys = keys
        self.budget = budget
        self.command = DELETE_COMMAND if len(keys) == 1 else DELETE_MANY_COMMAND

    def send(self, client: Client, command_id: str) -> Answer[Any]:
        """Find the digits, then delete those that are still there; the list's own answer where none is."""
        found = self._ask(client)
        digits = [row.temp_key for row, key in self._match(found.result) if key is not None]
        if not digits and found.unread:
            raise errors.UpstreamRejected(
                "the list could not be read whole",
                command=self.command,
                words=_("The list of passes could not be read in full, and these were not in it."),
            )
        self._note(command_id)
        if not digits:
            return found
        seconds = self.budget.left() * FOR_DELETING
        residence_id = self.family.residence_id
        if self.command == DELETE_COMMAND:
            return client.delete_akuvox_open_door_temp_key_config(
                residence_id=residence_id,
                temp_key=digits[0],
                command_id=command_id,
                deadline_seconds=seconds,
            )
        return client.batch_delete_akuvox_open_door_temp_key_config(
            residence_id=residence_id, temp_key=digits, command_id=command_id, deadline_seconds=seconds
        )

    def look(self, client: Client) -> bool | None:
        """Whether none of them is there any more, or all of them are; None between, and for half a list."""
        answer = client.get_akuvox_open_door_temp_key_config(residence_id=self.family.residence_id)
        left = [key for _, key in self._match(answer.result) if key is not None]
        if answer.unread:
            return None
        return True if not left else False if len(left) == len(self.keys) else None

    def _ask(self, client: Client) -> Answer[list[types.TempKey]]:
        try:
            answer = client.get_akuvox_open_door_temp_key_config(
                residence_id=self.family.residence_id, deadline_seconds=self.budget.left() * FOR_FINDING
            )
            _ = answer.result
        except (errors.UpstreamUnavailable, errors.NotUnderstood) as error:
            # That was a question: nothing was deleted.
            raise errors.NotSent("the passes could not be read", command=self.command) from error
        return answer

    def _match(self, rows: Collection[types.TempKey]) -> list[tuple[types.TempKey, TempKey | None]]:
        return Whose(self.family, self.reach.account_id).match(rows, by_fingerprint(self.keys))

    def _note(self, command_id: str) -> None:
        """Before it is sent: that a pass is missing afterwards is then explained, whatever becomes of us."""
        try:
            with waiting.until(self.budget.ends):
                command = Command.objects.get(command_id=command_id)
                TempKey.objects.filter(pk__in=[key.pk for key in self.keys]).update(deletion=command)
        except (DatabaseError, OSError) as error:
            raise errors.NotSent("the deletion could not be written down", command=self.command) from error


def _check_theirs(actor: User, family: Family, keys: Sequence[TempKey]) -> None:
    pks = {key.pk for key in keys}
    found = TempKey.objects.visible_to(actor).filter(family=family, pk__in=pks)
    allowed = {key.pk for key in found if key.may_be_managed_by(actor)}
    if not pks or allowed != pks:
        raise PermissionDenied


def _reach_of(family: Family, keys: Sequence[TempKey]) -> Reach:
    """The account that deletes: the one that acts in the family, or where none of the passes is its, theirs."""
    reach = reach_of(family)
    if any(key.reach_id == reach.pk for key in keys):
        return reach
    others = Reach.objects.for_acting().filter(pk__in={key.reach_id for key in keys})
    return others.select_related("connection").first() or reach


def _is_of(key: TempKey, reach: Reach) -> bool:
    return (key.reach_id, key.account_id) == (reach.pk, reach.account_id)


def _about(family: Family, keys: Sequence[TempKey]) -> About:
    names = ", ".join(name_of(key) for key in keys)
    return About(family.pk, family.name, "pass", keys[0].public_id if len(keys) == 1 else "", names)


def _pks_in(
    family: Family, reach: Reach, keys: Sequence[TempKey], rows: Collection[types.TempKey]
) -> set[int]:
    """Which of these passes the rows name."""
    matched = Whose(family, reach.account_id).match(rows, by_fingerprint(keys))
    return {key.pk for _, key in matched if key is not None}


def _tell(key: TempKey, performed: Performed, there: set[int] | None, *, is_whole: bool) -> PassRow:
    command = performed.command
    refused = command.words if command.state == State.REFUSED else ""
    if there is not None:
        if key.pk in there:
            return PassRow(key, "left", refused or _("It is still there."))
        return PassRow(key, "gone") if is_whole else PassRow(key, "unknown", _not_whole())
    if key.gone_at is not None:
        return PassRow(key, "gone")
    if command.state_now == State.NOT_SENT:
        return PassRow(key, "left", command.words or _("Nothing was sent."))
    if command.is_open:
        return PassRow(key, "unknown", _("It is on its way."))
    if command.name == DELETE_COMMAND and command.state == State.SUCCEEDED:
        return PassRow(key, "gone")
    if command.name == DELETE_COMMAND and command.state == State.REFUSED:
        return PassRow(key, "left", refused)
    return PassRow(key, "unknown", _("The passes could not be read again yet. Look in a moment."))


def _tell_aside(key: TempKey, reach: Reach) -> PassRow:
    if key.gone_at is not None:
        return PassRow(key, "gone")
    if not _is_of(key, reach):
        return PassRow(key, "left", _("It belongs to another account."))
    return PassRow(key, "left", _("Nobody knows which of the door system’s passes it is."))


def _not_whole() -> str:
    return _("The answer of the door system could not be read in full.")
