"""Reads when devices were offline, and when nobody asked after them: two things that a page never mixes up."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Q, Value
from django.utils import timezone

from access.models import Device, Outage
from families.models import Grant, Kind, SyncState
from families.sync.readings import longest_silence
from portal.accounts.models import User

# How far back a page tells of outages.
PERIOD = timedelta(days=30)
# What a stretch is of.
OFFLINE, LAPSE = "offline", "lapse"


@dataclass(frozen=True)
class Stretch:
    """A time within a watch, cut to it. ``is_open``: it goes on. ``begins_before``: it began earlier than is told.

    ``resolution``: between which times two polls lay at its ends; None where it was so when it was first looked at.
    """

    began_at: datetime
    ended_at: datetime
    is_open: bool = False
    begins_before: bool = False
    resolution: timedelta | None = None

    @property
    def length(self) -> timedelta:
        """How long it took, or has taken by now."""
        return self.ended_at - self.began_at


@dataclass(frozen=True)
class Watch:
    """What polling knows of a device over a time: ``outages`` and ``lapses`` lie within it, oldest first.

    Between them it was online. In a lapse nobody asked: what it was then counts neither way.
    """

    began_at: datetime
    ended_at: datetime
    outages: Sequence[Stretch] = ()
    lapses: Sequence[Stretch] = ()
    offline: timedelta = field(default=timedelta(0))
    unknown: timedelta = field(default=timedelta(0))

    @property
    def known(self) -> timedelta:
        """For how long it is known what it was."""
        return self.ended_at - self.began_at - self.unknown

    @property
    def availability(self) -> str:
        """How much of the known time it was online, as "99.97"; "" where nothing is known. Never rounded up to 100."""
        if self.known <= timedelta(0):
            return ""
        hundredths = int((self.known - self.offline) * 10_000 / self.known)
        return f"{hundredths // 100}.{hundredths % 100:02}".removesuffix(".00")


def list_watches(user: User, devices: Collection[Device]) -> dict[int, Watch]:
    """What is known of these devices over the last 30 days, by the device's number.

    A family admin is told nothing from before the start of their grant. One query, two for a family admin.
    """
    now = timezone.now()
    starts = Grant.objects.starts_of(user) if user.is_family_admin else {}
    found = _stretches([device.pk for device in devices], now)
    watches = {}
    for device in devices:
        begins = max(now - PERIOD, device.first_seen_at)
        if user.is_family_admin:
            # Without a grant nothing is told: whoever fetched the device saw to it that there is one.
            begins = max(begins, starts.get(device.family_id, now))
        ends = max(device.gone_at or now, begins)
        watches[device.pk] = watch_of(begins, ends, found[device.pk])
    return watches


def _stretches(ids: Collection[int], now: datetime) -> defaultdict[int, list[tuple[Any, ...]]]:
    """Outages and lapses as they are stored, by device: kind, begin, end (None while it goes on), resolution."""
    since = now - PERIOD
    outages = Outage.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since), device__in=ids)
    lapsed = Device.objects.filter(pk__in=ids, family__lapses__ended_at__gt=since)
    # The lapse of now, whose end nobody knows: it is written when it is over.
    silent = SyncState.objects.filter(
        kind=Kind.DEVICES, family__devices__in=ids, last_good_at__lt=now - longest_silence()
    )
    never = Value(None, DateTimeField())
    rows = outages.values_list(
        "device_id", Value(OFFLINE), "began_at", "ended_at", "resolution_seconds"
    ).union(
        lapsed.values_list(
            "pk", Value(LAPSE), "family__lapses__began_at", "family__lapses__ended_at", Value(0)
        ),
        silent.values_list("family__devices__pk", Value(LAPSE), "last_good_at", never, Value(0)),
        all=True,
    )
    found: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for pk, *stretch in rows:
        found[pk].append(tuple(stretch))
    return found


def watch_of(begins: datetime, ends: datetime, rows: Iterable[Sequence[Any]]) -> Watch:
    """The watch from ``begins`` to ``ends``; ``rows`` are OFFLINE or LAPSE, begin, end (None while it goes on), seconds."""
    told: dict[str, list[Stretch]] = {OFFLINE: [], LAPSE: []}
    for kind, began, ended, seconds in rows:
        if began < ends and (ended is None or ended > begins):
            told[kind].append(
                Stretch(
                    max(began, begins),
                    min(ended or ends, ends),
                    is_open=ended is None,
                    begins_before=began < begins,
                    resolution=timedelta(seconds=seconds) if seconds else None,
                )
            )
    for some in told.values():
        some.sort(key=lambda stretch: stretch.began_at)
    lapses = merged(told[LAPSE])
    offline = without(merged(told[OFFLINE]), lapses)
    return Watch(begins, ends, told[OFFLINE], told[LAPSE], total(offline), total(lapses))


Times = list[tuple[datetime, datetime]]


def merged(stretches: Iterable[Stretch]) -> Times:
    """The times of stretches that come oldest first, as times that do not overlap."""
    found: Times = []
    for one in stretches:
        if found and one.began_at <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], one.ended_at))
        else:
            found.append((one.began_at, one.ended_at))
    return found


def without(times: Times, holes: Times) -> Times:
    """The times with the holes cut out; both come oldest first and do not overlap among themselves."""
    found: Times = []
    for began, ended in times:
        at = began
        for hole_began, hole_ended in holes:
            if hole_ended <= at or hole_began >= ended:
                continue
            if hole_began > at:
                found.append((at, hole_began))
            at = max(at, hole_ended)
        if at < ended:
            found.append((at, ended))
    return found


def total(times: Times) -> timedelta:
    """How long the times are together."""
    return sum((ended - began for began, ended in times), timedelta(0))
