"""Reads the board: devices with all that their cards show, each once, however many families share it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import IntegerField, Q, QuerySet, Subquery, Value

from access.macs import spelt_as_macs
from access.models import DEVICE_TYPES, Device
from access.selectors.dressing import Count, dressed, read
from access.selectors.everybody import first_of_all, list_everybodys, standing_ones
from access.selectors.standing import counts_of, counts_of_all, not_gone, standing
from families.models import Family, FamilyRowQuerySet, Property
from families.selectors.searching import names_matching
from portal.accounts.models import User
from portal.cursors import beyond, read_cursor, write_cursor

# Fills rows of two, three and four cards; more than somebody reads at once costs everybody who looks.
PAGE_SIZE = 24
ONLINE = "online"
STATES = (ONLINE, "offline")
# Of properties: families that are in none. Of types: those that have no name of ours.
IN_NONE, OTHER = "none", "other"


@dataclass(frozen=True)
class DoorFilter:
    """What the board shows; "" is everything. ``type`` is one of DEVICE_TYPES or OTHER, ``property_id`` may be IN_NONE."""

    text: str = ""
    type: str = ""
    property_id: str = ""
    family_id: str = ""
    state: str = ""
    is_public: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether some doors are left out by choice."""
        return self != DoorFilter()

    @property
    def is_folded(self) -> bool:
        """Whether anything is chosen beside the text."""
        return self != DoorFilter(text=self.text)


@dataclass(frozen=True)
class Place:
    """A property or a family by which the board can be narrowed."""

    public_id: str
    name: str


@dataclass(frozen=True)
class Places:
    """Those that are offered: properties, and a family admin's families, or the one that was asked for."""

    properties: list[Place]
    families: list[Place]


@dataclass(frozen=True)
class DoorPage:
    """A page of the board, with cursors to what is before and after it, "" where nothing is.

    ``total`` and ``online`` count all within reach, ``fitting`` those that the filter leaves.
    """

    devices: list[Device]
    before: str
    after: str
    total: int
    online: int
    fitting: int

    @property
    def as_of(self) -> datetime | None:
        """When what the page shows was read, the oldest of it; None where something never was."""
        times = [device.read_at for device in self.devices]  # type: ignore[attr-defined]
        return None if None in times else min(times, default=None)

    @property
    def is_late(self) -> bool:
        """Whether some of it is older than it should be."""
        return any(device.is_late for device in self.devices)  # type: ignore[attr-defined]


def list_places(user: User, family_id: str = "") -> Places:
    """The properties and families that somebody can choose on the board, by name. One query."""
    properties = Property.objects.visible_to(user).values_list(Value(0), "public_id", "name")
    families = Family.objects.visible_to(user).filter(gone_at=None)
    if not user.is_family_admin:
        families = families.filter(public_id=family_id)
    wanted = families.values_list(Value(1), "public_id", "name")
    rows = wanted if user.is_family_admin else properties.union(wanted, all=True)
    found: tuple[list[Place], list[Place]] = ([], [])
    for kind, public_id, name in rows:
        found[kind].append(Place(public_id, name))
    for places in found:
        places.sort(key=lambda place: place.name.casefold())
    return Places(*found)


def list_doors(user: User, chosen: DoorFilter, *, before: str = "", after: str = "") -> DoorPage:
    """A page of the devices within the person's reach, by name. One query; one more where nothing fits.

    Each comes with family and property, and ``open_relays``, ``shared_by`` (how many families), ``offline_since``,
    ``watch`` (its last 30 days), ``read_at`` and ``is_late``. A family admin is told nothing from before their grants.
    """
    place = read_cursor("doors", after or before, str, int)
    backwards = bool(before) and not after and place is not None
    fitting = _narrowed(_there(user), chosen)
    rows: list[Any]
    if user.sees_all:
        rows = _rows_of_all(chosen, fitting, place, is_backwards=backwards)
    else:
        shown = _stretch(standing(fitting), place, is_backwards=backwards)
        devices = dressed(user, Device.objects.filter(pk__in=shown))
        rows = list(devices.annotate(**_counts(user, fitting, chosen)).order_by("search_text", "pk"))
    if not rows:
        counts = _counts(user, fitting, chosen)
        return DoorPage([], "", "", *_counted(User.objects.values(**counts).get(pk=user.pk)))
    has_more = len(rows) > PAGE_SIZE
    if has_more:
        del rows[0 if backwards else -1]
    # Whoever came here by a cursor came from the other side, where at least one row was.
    has_before = has_more if backwards else place is not None
    has_after = True if backwards else has_more
    first, last = (write_cursor("doors", row.search_text, row.pk) for row in (rows[0], rows[-1]))
    counted = _counted(vars(rows[0]))
    return DoorPage(read(user, rows), first if has_before else "", last if has_after else "", *counted)


def _rows_of_all(
    chosen: DoorFilter, fitting: FamilyRowQuerySet[Device], place: list[Any] | None, *, is_backwards: bool
) -> list[Any]:
    if chosen.is_narrow:
        return list_everybodys(_stretch(standing_ones(), place, is_backwards=is_backwards), fitting)
    if place is None:
        return list_everybodys(first_of_all(PAGE_SIZE + 1))
    return list_everybodys(_stretch(standing(fitting), place, is_backwards=is_backwards))


def _stretch(
    found: QuerySet[Device], place: list[Any] | None, *, is_backwards: bool
) -> QuerySet[Device, Any]:
    """The numbers of those beyond the place, or from the top: a page, and one to see whether there are more."""
    if place is not None:
        found = found.filter(beyond("search_text", *place, is_descending=is_backwards))
    found = found.order_by("search_text", "pk")
    return (found.reverse() if is_backwards else found).values("pk")[: PAGE_SIZE + 1]


def list_family_doors(user: User, family: Family) -> list[Device]:
    """All devices of one family, by name, with what they have on the board. One query."""
    devices = Device.objects.visible_to(user).filter(family=family, gone_at=None)
    return read(user, dressed(user, devices).order_by("search_text", "pk"))


def list_shown(user: User, ids: Collection[str]) -> list[Device]:
    """Those of these devices that are still there, with what they have on the board. One query."""
    return read(user, dressed(user, _there(user).filter(public_id__in=ids)))


def _there(user: User) -> FamilyRowQuerySet[Device]:
    return not_gone(Device.objects.visible_to(user))


def _narrowed(devices: FamilyRowQuerySet[Device], chosen: DoorFilter) -> FamilyRowQuerySet[Device]:
    if chosen.state:
        devices = devices.filter(is_online=chosen.state == ONLINE)
    if chosen.is_public:
        devices = devices.filter(is_public=True)
    if chosen.type == OTHER:
        devices = devices.exclude(device_type__in=list(DEVICE_TYPES))
    elif chosen.type:
        devices = devices.filter(device_type=chosen.type)
    if chosen.property_id == IN_NONE:
        devices = devices.filter(family__in=Family.objects.filter(property=None))
    elif chosen.property_id:
        inside = Family.objects.filter(property__public_id=chosen.property_id)
        devices = devices.filter(family__in=inside)
    if chosen.family_id:
        devices = devices.filter(family__public_id=chosen.family_id)
    if chosen.text:
        devices = devices.filter(_finding(chosen.text))
    return devices


def _finding(text: str) -> Q:
    """Devices by name, by MAC in any spelling, or by the name of their family: each way by its own index."""
    found = [Device.objects.filter(names_matching(way)).values("pk") for way in (text, *spelt_as_macs(text))]
    families = Family.objects.filter(names_matching(text)).values("pk")
    return Q(pk__in=Device.objects.filter(family__in=families).values("pk").union(*found, all=True))


def _counts(user: User, fitting: FamilyRowQuerySet[Device], chosen: DoorFilter) -> dict[str, Any]:
    counts = counts_of_all() if user.sees_all else counts_of(_there(user))
    number = standing(fitting).order_by().annotate(n=Count("pk")).values("n")
    return {**counts, "fitting": Subquery(number) if chosen.is_narrow else Value(None, IntegerField())}


def _counted(row: Mapping[str, Any]) -> tuple[int, int, int]:
    nothing = (0, 0)
    total, online = map(
        sum, zip(row["counted_own"] or nothing, row["counted_shared"] or nothing, strict=True)
    )
    fitting = row["fitting"]
    return total, online, total if fitting is None else fitting
