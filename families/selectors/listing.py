"""Reads the list of families: filtered, sorted, a page at a time."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from families.models import Family, Member, Property, Reach, Rights
from families.selectors.searching import families_matching, names_matching
from portal.accounts.models import User
from portal.connections.models import Health
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 50
STATES = ("offline", "not_installed", "attention", "gone")
SORTS = ("name", "offline")
IN_NONE = "none"
# How many of the members that a search met are named beside their family.
NAMED_MEMBERS = 3


@dataclass(frozen=True)
class FamilyFilter:
    """What the list shows. ``property_id`` is a property's public id, IN_NONE, or "" for all."""

    text: str = ""
    property_id: str = ""
    state: str = ""
    sort: str = "name"

    @property
    def is_narrow(self) -> bool:
        """Whether some families are left out by choice."""
        return bool(self.text or self.property_id or self.state)


class Line(NamedTuple):
    """A connection as a row tells it: its name, and what is wrong with it ("" when it works)."""

    name: str
    trouble: str


@dataclass
class FamilyRow:
    """A family with what its row says of it. ``connection`` is None where none reaches it."""

    family: Family
    people: int = 0
    connection: Line | None = None
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FamilyPage:
    """One page of the list; a cursor is "" where there is nothing in that direction."""

    rows: list[FamilyRow]
    before: str = ""
    after: str = ""


class _Place(NamedTuple):
    """Where a page ends: the sort key of its last row, or of its first."""

    is_online: bool
    text: str
    pk: int


def list_families(user: User, chosen: FamilyFilter, *, before: str = "", after: str = "") -> FamilyPage:
    """A page of the families within the person's reach; a cursor that is not ours begins at the top.

    Five queries at most, however many families there are; no upstream call.
    """
    found = _narrowed(Family.objects.visible_to(user), chosen).select_related("property")
    place = _read_cursor(after or before, chosen.sort)
    backwards = bool(before) and not after and place is not None
    if place is not None:
        found = found.filter(_beyond(place, chosen.sort, backwards=backwards))
    order = ["search_text", "pk"] if chosen.sort == "name" else ["is_online", "search_text", "pk"]
    found = found.order_by(*order)
    families = list((found.reverse() if backwards else found)[: PAGE_SIZE + 1])
    more = len(families) > PAGE_SIZE
    families = families[:PAGE_SIZE]
    if backwards:
        families.reverse()
    if not families:
        return FamilyPage([])
    # Whoever came here by a cursor came from the other side, where at least one row was.
    has_before = more if backwards else place is not None
    has_after = True if backwards else more
    return FamilyPage(
        _rows(families, chosen.text),
        _write_cursor(families[0], chosen.sort) if has_before else "",
        _write_cursor(families[-1], chosen.sort) if has_after else "",
    )


def list_properties(user: User) -> list[Property]:
    """The properties that the person may filter by, by name."""
    return list(Property.objects.visible_to(user).order_by("name"))


def _narrowed(families: QuerySet[Family], chosen: FamilyFilter) -> QuerySet[Family]:
    families = families.filter(gone_at__isnull=chosen.state != "gone")
    if chosen.state == "offline":
        # One that is not installed cannot be online: it has a state of its own.
        families = families.filter(is_online=False, is_installed=True)
    elif chosen.state == "not_installed":
        families = families.filter(is_installed=False)
    elif chosen.state == "attention":
        families = families.filter(
            Q(is_online=False)
            | Q(is_installed=False)
            | ~Exists(Reach.objects.working().filter(family=OuterRef("pk")))
        )
    if chosen.property_id == IN_NONE:
        families = families.filter(property=None)
    elif chosen.property_id:
        families = families.filter(property__public_id=chosen.property_id)
    return families.filter(families_matching(chosen.text))


def _beyond(place: _Place, sort: str, *, backwards: bool) -> Q:
    names = beyond("search_text", place.text, place.pk, is_descending=backwards)
    if sort == "name":
        return names
    same = Q(is_online=place.is_online) & names
    if place.is_online == backwards:
        return same | Q(is_online=not backwards)
    return same


def _rows(families: list[Family], text: str) -> list[FamilyRow]:
    rows = {family.pk: FamilyRow(family) for family in families}
    members = Member.objects.filter(family__in=rows, gone_at=None)
    for pk, people in members.order_by().values_list("family").annotate(people=Count("pk")):
        rows[pk].people = people
    for pk, line in _lines(rows).items():
        rows[pk].connection = line
    if text:
        for member in members.filter(names_matching(text)).order_by("search_text", "pk"):
            found = rows[member.family_id].found
            if len(found) < NAMED_MEMBERS:
                found.append(member.name)
    return list(rows.values())


def _lines(family_ids: Iterable[int]) -> dict[int, Line]:
    """For each family the connection through which people act in it, or the best of those that do not work."""
    reaches = Reach.objects.filter(connection__owner=None, gone_at=None)
    found: dict[int, list[tuple[bool, bool, str, str]]] = defaultdict(list)
    for pk, auth, name, health, paused_at in reaches.filter(family__in=list(family_ids)).values_list(
        "family_id", "auth", "connection__name", "connection__health", "connection__paused_at"
    ):
        trouble = _("paused") if paused_at else "" if health == Health.GOOD else str(Health(health).label)
        found[pk].append((bool(trouble), auth not in {Rights.ADMIN, Rights.USER}, name, trouble))
    return {pk: Line(*min(lines)[2:]) for pk, lines in found.items()}


def _write_cursor(family: Family, sort: str) -> str:
    return write_cursor(f"families.{sort}", family.is_online, family.search_text, family.pk)


def _read_cursor(cursor: str, sort: str) -> _Place | None:
    place = read_cursor(f"families.{sort}", cursor, bool, str, int)
    return _Place(*place) if place else None
