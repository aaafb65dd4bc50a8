"""Reads doors for the pages."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery

from access.models import Device, Outage, Relay
from families.models import Family, Grant, Kind, SyncState
from families.selectors.searching import names_matching
from portal.accounts.models import User
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 60


@dataclass(frozen=True)
class DoorFilter:
    """What the board shows; everything comes from the address, unknown values mean no filter."""

    text: str = ""
    property_id: str = ""
    is_offline: bool = False
    is_public: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether some doors are left out by choice."""
        return self != DoorFilter()


@dataclass(frozen=True)
class DoorPage:
    """One page of the board. ``next_cursor`` is "" on the last one."""

    devices: list[Device]
    next_cursor: str
    total: int
    online: int


def list_doors(user: User, chosen: DoorFilter, *, cursor: str = "") -> DoorPage:
    """The devices within the person's reach, by name; a public one that many families share stands once.

    Each comes with its family, ``open_relays``, ``shared_by`` (how many families) and ``offline_since``.
    Four queries, however many there are; one more for a family admin.
    """
    devices = _board(user)
    counts = devices.aggregate(total=Count("pk"), online=Count("pk", filter=Q(is_online=True)))
    found = _narrowed(devices, chosen)
    if place := read_cursor("doors", cursor, str, int):
        found = found.filter(beyond("search_text", *place))
    rows = list(_dressed(user, found).order_by("search_text", "pk")[: PAGE_SIZE + 1])
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    next_cursor = write_cursor("doors", rows[-1].search_text, rows[-1].pk) if more else ""
    for device in rows:
        # A shared door was last opened when any of its families opened it.
        device.last_opening_at = device.last_opening_anywhere or device.last_opening_at  # type: ignore[attr-defined]
    return DoorPage(_within_grants(user, rows), next_cursor, counts["total"], counts["online"])


def list_family_doors(user: User, family: Family) -> list[Device]:
    """All devices of one family, by name, with relays and the rest as on the board. Two queries, or three."""
    devices = Device.objects.visible_to(user).filter(family=family, gone_at=None)
    return _within_grants(user, list(_dressed(user, devices).order_by("search_text", "pk")))


def get_relay(user: User, *, family_id: str, relay_id: str) -> Relay:
    """The relay with its device, family and property; raises Relay.DoesNotExist unless it is the person's to see."""
    relays = Relay.objects.visible_to(user).select_related("device__family__property")
    return relays.get(
        device__family__public_id=family_id, public_id=relay_id, gone_at=None, device__gone_at=None
    )


def doors_as_of(user: User, family: Family | None = None) -> datetime | None:
    """When the oldest of the shown device states was last read; None where one never was. One query."""
    states = SyncState.objects.visible_to(user).filter(kind=Kind.DEVICES, family__gone_at=None)
    if family is not None:
        states = states.filter(family=family)
    found = states.aggregate(oldest=Min("last_good_at"), never=Count("pk", filter=Q(last_good_at=None)))
    return None if found["never"] else found["oldest"]


def _board(user: User) -> QuerySet[Device]:
    visible = Device.objects.visible_to(user).filter(gone_at=None, family__gone_at=None)
    earlier = visible.filter(mac=OuterRef("mac"), is_public=True, pk__lt=OuterRef("pk"))
    return visible.exclude(Q(is_public=True) & Exists(earlier))


def _within_grants(user: User, devices: list[Device]) -> list[Device]:
    """The devices, for a family admin without the times from before the start of their grant."""
    if not user.is_family_admin:
        return devices
    starts = Grant.objects.starts_of(user)
    for device in devices:
        for name in ("last_opening_at", "offline_since"):
            at, begins = getattr(device, name), starts.get(device.family_id)
            if at is not None and (begins is None or at < begins):
                setattr(device, name, None)
    return devices


def _narrowed(devices: QuerySet[Device], chosen: DoorFilter) -> QuerySet[Device]:
    if chosen.is_offline:
        devices = devices.filter(is_online=False)
    if chosen.is_public:
        devices = devices.filter(is_public=True)
    if chosen.property_id:
        devices = devices.filter(family__property__public_id=chosen.property_id)
    if chosen.text:
        families = Family.objects.filter(names_matching(chosen.text))
        devices = devices.filter(names_matching(chosen.text) | Q(family__in=families))
    return devices


def _dressed(user: User, devices: QuerySet[Device]) -> QuerySet[Device]:
    outage = Outage.objects.filter(device=OuterRef("pk"), ended_at=None).order_by("-began_at")
    sharing = (
        Device.objects.visible_to(user)
        .filter(mac=OuterRef("mac"), is_public=True, gone_at=None)
        .order_by()
        .values("mac")
    )
    shared = sharing.annotate(families=Count("pk")).values("families")
    anywhere = sharing.annotate(newest=Max("last_opening_at")).values("newest")
    relays = Relay.objects.filter(gone_at=None).order_by("is_security", "number", "pk")
    return (
        devices.select_related("family__property")
        .prefetch_related(Prefetch("relays", relays, to_attr="open_relays"))
        .annotate(
            offline_since=Subquery(outage.values("began_at")[:1]),
            shared_by=Subquery(shared),
            last_opening_anywhere=Subquery(anywhere),
        )
    )
