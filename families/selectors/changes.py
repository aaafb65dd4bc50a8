"""Reads what was found changed outside the portal."""

from dataclasses import dataclass
from datetime import datetime

from families.models import Change, Family, Property
from families.selectors.searching import families_matching
from families.selectors.telling import Told, tell_change
from portal.accounts.models import User
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 50
_CURSOR = "changes"


@dataclass(frozen=True)
class ChangeFilter:
    """What of the changes is shown; everything comes from the address."""

    kind: str = ""
    family: Family | None = None
    in_property: Property | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


def list_changes(user: User, chosen: ChangeFilter, *, cursor: str = "") -> tuple[list[Told], str]:
    """A page of what others changed, newest first, and the cursor to the older ones, "" at the end.

    A family admin is told nothing that can have been before their grant. A cursor that is not ours begins at the
    top. One query.
    """
    found = Change.objects.visible_to(user).select_related("family__property")
    if chosen.kind:
        found = found.filter(kind=chosen.kind)
    if chosen.family is not None:
        found = found.filter(family=chosen.family)
    if chosen.in_property is not None:
        found = found.filter(family__property=chosen.in_property)
    if chosen.text:
        found = found.filter(family__in=Family.objects.filter(families_matching(chosen.text)))
    if chosen.since is not None:
        found = found.filter(at__gte=chosen.since)
    if chosen.until is not None:
        found = found.filter(at__lt=chosen.until)
    place = read_cursor(_CURSOR, cursor, str, int)
    if place is not None:
        moment, pk = place
        found = found.filter(beyond("at", datetime.fromisoformat(moment), pk, is_descending=True))
    changes = list(found.order_by("-at", "-pk")[: PAGE_SIZE + 1])
    last = changes[PAGE_SIZE - 1] if len(changes) > PAGE_SIZE else None
    older = write_cursor(_CURSOR, last.at.isoformat(), last.pk) if last is not None else ""
    return [tell_change(change) for change in changes[:PAGE_SIZE]], older
