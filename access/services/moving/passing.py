"""The passes of a family, as a move-out deletes them and reads them back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied

from access.models import ItemState, TempKey
from access.services.passes import deleting, reading
from access.services.passes.reading import ListNotRead
from families.models import Family
from families.services.acting import NoConnection
from portal.accounts.models import User
from portal.audit.models import Command

_STATES = {"gone": ItemState.GONE, "left": ItemState.LEFT, "unknown": ItemState.UNKNOWN}


@dataclass
class Deleted:
    """What is true of each pass by reading the list back, by its number."""

    rows: dict[int, tuple[ItemState, str]] = field(default_factory=dict)

    def delete(self, actor: User, family: Family, keys: Sequence[TempKey], press: str) -> Command | None:
        """Delete these, all of one account; return the command, None where nothing could be asked for."""
        batch = deleting.delete_passes(actor, family=family, keys=keys, press=press)
        self.rows |= {row.key.pk: (_STATES[row.state], row.words) for row in batch.rows}
        return batch.performed.command if batch.performed else None


@dataclass(frozen=True)
class PassesRead:
    """Whose passes were read just now: those of one account; None where that did not work."""

    reach_id: int | None = None
    account_id: str = ""

    @property
    def is_done(self) -> bool:
        return self.reach_id is not None

    def has_told_of(self, key: TempKey) -> bool:
        """Whether this pass would have been named, if it were there."""
        return self.is_done and (key.reach_id, key.account_id) == (self.reach_id, self.account_id)


def by_account(keys: Sequence[TempKey]) -> dict[int, list[TempKey]]:
    """The passes by the reach they belong to: a command deletes those of one account."""
    found: dict[int, list[TempKey]] = {}
    for key in keys:
        found.setdefault(key.reach_id, []).append(key)
    return found


def read_live(actor: User, family: Family) -> PassesRead:
    """Read the passes live, and store what is new of them. Cost: 1 upstream call."""
    try:
        reach = reading.read_live(actor, family)
    except (NoConnection, ListNotRead, PermissionDenied):
        return PassesRead()
    return PassesRead(reach.pk, reach.account_id)
