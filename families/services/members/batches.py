"""What became of a batch, member by member."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from families.models import Family, Kind, Member, SyncState
from portal.audit.models import Command, State
from portal.connections.calling import Performed

RowState = Literal["done", "not_done", "unknown"]
# What a member, as they are now, shows of what was wanted.
Tell = Callable[[Member], tuple[RowState, str]]


@dataclass(frozen=True)
class BatchRow:
    """What is true of one member afterwards; ``member`` is as it was read back."""

    member: Member
    state: RowState
    words: str


@dataclass(frozen=True)
class Batch:
    """What became of a batch: its command, and what is true row by row.

    Design decision: the command's own outcome says nothing of a row. The reference does not say whether a batch is
    all or nothing, so each row is told by what the family's members are afterwards; where they could not be read
    (``is_read_back``), it is unknown.
    """

    performed: Performed
    rows: list[BatchRow]
    is_read_back: bool

    @property
    def is_done(self) -> bool:
        """Whether every row is as wanted."""
        return all(row.state == "done" for row in self.rows)


def tell_batch(performed: Performed, family: Family, members: Collection[Member], tell: Tell) -> Batch:
    """The batch as it stands. Two queries, no upstream call."""
    command = performed.command
    state = _state_of_members(family)
    is_read_back = _is_later(state, command)
    now = Member.objects.in_bulk([member.pk for member in members])
    # In half a list nobody is missing for certain.
    is_whole = state is None or not state.not_understood
    rows = []
    for member in members:
        found = now[member.pk]
        if is_read_back:
            row_state, words = tell(found)
            if not is_whole and row_state != "done":
                row_state, words = "unknown", _("The answer of the door system could not be read in full.")
        else:
            row_state, words = _untold(command)
        rows.append(BatchRow(found, row_state, words))
    return Batch(performed, rows, is_read_back)


def is_read_after(command: Command, family: Family) -> bool:
    """Whether the members were read well after the command was answered. One query."""
    return _is_later(_state_of_members(family), command)


def is_missing(member: Member) -> bool:
    """Whether the last answer did not have them."""
    return member.gone_at is not None or member.missing_answers > 0


def _state_of_members(family: Family) -> SyncState | None:
    return SyncState.objects.filter(family=family, kind=Kind.MEMBERS).first()


def _is_later(state: SyncState | None, command: Command) -> bool:
    if state is None or state.last_good_at is None or command.answered_at is None:
        return False
    return command.state != State.NOT_SENT and state.last_good_at >= command.answered_at


def _untold(command: Command) -> tuple[RowState, str]:
    if command.state_now == State.NOT_SENT:
        return "not_done", _("Nothing was sent.")
    if command.is_open:
        return "unknown", _("It is on its way.")
    return "unknown", _("The family could not be read again yet. Look in a moment.")
