"""Reads doors, and what became of presses, for the pages."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Exists, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from access.models import Call, Device, HourlyCount, Opening, Outage, Picture, Relay
from families.models import Family, Grant, Kind, SyncState
from families.selectors.searching import names_matching
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 60
# How long an accepted press may wait for its opening before the page says that none was seen.
SEEN_WITHIN = timedelta(seconds=90)
# How long a door goes on saying that nobody knows what its last press did.
UNKNOWN_SHOWN = timedelta(days=1)


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


@dataclass(frozen=True)
class Press:
    """A press as the page tells it. ``step`` is one of on_its_way, accepted, seen, nothing_seen, refused, not_sent, unknown, no_trace."""

    command: Command
    step: str
    opening: Opening | None
    is_waiting: bool

    @property
    def version(self) -> str:
        """Changes whenever there is something new to show."""
        return f"{self.step}-{self.opening.picture if self.opening else 'none'}"


def get_press(user: User, *, relay: Relay, command_id: str) -> Press:
    """What became of a press of this relay; raises Command.DoesNotExist unless it is the person's to see."""
    commands = Command.objects.visible_to(user).filter(object_kind="relay", object_id=relay.public_id)
    return describe_press(commands.get(public_id=command_id))


def describe_press(command: Command) -> Press:
    """The press behind a command, with the opening that it caused where the log has brought it. One query."""
    return _press(command, Opening.objects.filter(command=command).first())


def list_presses(user: User, devices: Iterable[Any]) -> dict[str, Press]:
    """What a page of doors still has to tell of presses, by the door's public id: the last of each, where it was
    moments ago, or within a day where nobody knows what became of it. Two queries.
    """
    doors = [relay.public_id for device in devices for relay in device.open_relays]
    now = timezone.now()
    told = Q(created_at__gt=now - SEEN_WITHIN) | Q(
        state__in=[State.SENT, State.UNKNOWN, State.NO_TRACE], created_at__gt=now - UNKNOWN_SHOWN
    )
    commands = Command.objects.visible_to(user).filter(told, object_kind="relay", object_id__in=doors)
    last = {command.object_id: command for command in commands.order_by("created_at", "pk")}
    openings = {opening.command_id: opening for opening in Opening.objects.filter(command__in=last.values())}
    return {door: _press(command, openings.get(command.pk)) for door, command in last.items()}


def _press(command: Command, opening: Opening | None) -> Press:
    is_fresh = timezone.now() - command.created_at < SEEN_WITHIN
    if opening is not None:
        # The picture comes a little after the row.
        return Press(command, "seen", opening, is_waiting=is_fresh and opening.picture == Picture.WANTED)
    match command.state_now:
        case State.INTENT | State.SENT:
            return Press(command, "on_its_way", None, is_waiting=True)
        case State.SUCCEEDED:
            return Press(command, "accepted" if is_fresh else "nothing_seen", None, is_waiting=is_fresh)
        case State.UNKNOWN:
            return Press(command, "unknown", None, is_waiting=is_fresh)
        case state:
            return Press(command, state, None, is_waiting=False)


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


class Counted(NamedTuple):
    """How many rows of the log somebody may see there are in some time."""

    opened: int = 0
    refused: int = 0
    calls: int = 0


def count_by_hour(user: User, *, since: datetime, until: datetime) -> dict[datetime, Counted]:
    """What passed in each hour (UTC) of the time, as far as the person may see it; hours of silence are left out.

    ``since`` and ``until`` are full hours. One query over as many counts as there are hours; for a family admin two
    over their own rows, which alone know what was after the start of a grant.
    """
    if user.is_family_admin:
        return _count_rows_by_hour(user, since, until)
    counts = HourlyCount.objects.visible_to(user).filter(hour__gte=since, hour__lt=until)
    sums = [Sum(column) for column in Counted._fields]
    if not user.is_limited:
        # Each hour has one count.
        return {hour: Counted(*told) for hour, *told in counts.values_list("hour", *Counted._fields)}
    return {hour: Counted(*told) for hour, *told in counts.values_list("hour").annotate(*sums)}


def _count_rows_by_hour(user: User, since: datetime, until: datetime) -> dict[datetime, Counted]:
    within = Q(at__gte=since, at__lt=until)
    opened = Opening.objects.visible_to(user).filter(within).values_list("at", "is_success")
    told = [(at, "opened" if is_success else "refused") for at, is_success in opened]
    told += [
        (at, "calls") for at in Call.objects.visible_to(user).filter(within).values_list("at", flat=True)
    ]
    found: dict[datetime, Counter[str]] = defaultdict(Counter)
    for at, column in told:
        found[at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)][column] += 1
    return {hour: Counted(**counts) for hour, counts in found.items()}
