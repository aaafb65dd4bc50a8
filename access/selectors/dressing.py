"""Reads what a card shows beside its device, in the device's own query, and makes of it what the card takes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.models import (
    Case,
    Func,
    IntegerField,
    JSONField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.utils import timezone

from access.models import Device, Lapse, Outage, Relay
from access.selectors.outages import LAPSE, OFFLINE, PERIOD, watch_of
from families.models import Grant, Kind, SyncState, within_grant
from families.selectors.freshness import is_late
from families.sync.readings import longest_silence
from portal.accounts.models import User

# What no card shows: reading times takes longer than finding them.
NOT_SHOWN = (
    *("stream_address", "online_changed_at", "last_seen_at", "missing_answers", "missing_since", "gone_at"),
    *(f"family__{name}" for name in ("first_seen_at", "last_seen_at", "online_changed_at", "gone_at")),
    *(f"family__{name}" for name in ("household_leaving_at", "household_since", "search_text")),
)


def begin_of_watch() -> datetime:
    """From when on outages are read: by the hour, so that a statement serves many pages. A watch cuts what is before it."""
    return timezone.now().replace(minute=0, second=0, microsecond=0) - PERIOD


def dressed(user: User, devices: QuerySet[Device]) -> QuerySet[Device]:
    """With all that a card shows, in one query: relays, outages and the rest come as arrays beside their device."""
    since = begin_of_watch()
    if user.sees_all:
        told = told_to_all(since)
    else:
        sharing = Device.objects.visible_to(user)
        opened = sharing.filter(within_grant(user, "last_opening_at")) if user.is_family_admin else sharing
        told = _told(since, sharing, opened)
    if user.is_family_admin:
        grants = Grant.objects.now().filter(person=user, family=OuterRef("family")).order_by()
        begun = Subquery(grants.values("family").annotate(at=Min("starts_at")).values("at"))
        told = told | {"told_since": begun}
    return devices.select_related("family__property").defer(*NOT_SHOWN).annotate(**told)


def read(user: User, rows: Iterable[Any]) -> list[Device]:
    """The devices as ``dressed`` gave them, with what came beside them made of it. No query."""
    now = timezone.now()
    devices = []
    for device in rows:
        device.open_relays = _relays(device)
        begins = max(now - PERIOD, device.first_seen_at)
        if user.is_family_admin:
            since = device.told_since or now
            begins = max(begins, since)
            if device.last_opening_at is not None and device.last_opening_at < since:
                device.last_opening_at = None
        device.last_opening_at = device.opened_anywhere or device.last_opening_at
        outages = [(OFFLINE, _moment(began), _moment(ended), at) for began, ended, at in device.outages_told]
        lapses = [(LAPSE, _moment(began), _moment(ended), 0) for began, ended in device.lapses_told]
        if device.read_at is not None and device.read_at < now - longest_silence():
            # The silence of now: it is written down when it is over.
            lapses.append((LAPSE, device.read_at, None, 0))
        device.watch = watch_of(begins, now, outages + lapses)
        device.offline_since = _offline_since(device, outages, begins if user.is_family_admin else None)
        device.is_late = device.read_at is not None and is_late(Kind.DEVICES, device.read_at)
        devices.append(device)
    return devices


@lru_cache(maxsize=2)
def told_to_all(since: datetime) -> dict[str, Any]:
    """What comes beside a device for whoever sees all; made once."""
    return _told(since, Device.objects.all(), Device.objects.all())


def _told(since: datetime, sharing: QuerySet[Device], opened: QuerySet[Device]) -> dict[str, Any]:
    """What comes beside a device; ``sharing`` are the rows of others that count, ``opened`` those whose openings do."""
    relays = Relay.objects.filter(device=OuterRef("pk"), gone_at=None)
    outages = Outage.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since), device=OuterRef("pk"))
    lapses = Lapse.objects.filter(family=OuterRef("family"), ended_at__gt=since)
    read = SyncState.objects.filter(family=OuterRef("family"), kind=Kind.DEVICES)
    of_it = {"mac": OuterRef("mac"), "is_public": True, "gone_at": None}
    number = sharing.filter(**of_it).order_by().annotate(n=Count("pk")).values("n")
    newest = opened.filter(**of_it, last_opening_at__isnull=False).order_by().values("mac")
    return {
        "relays_told": rows_of(relays, "pk", "public_id", "relay_id", "name", "number", "is_security"),
        "outages_told": rows_of(outages, "began_at", "ended_at", "resolution_seconds"),
        "lapses_told": rows_of(lapses, "began_at", "ended_at"),
        "read_at": Subquery(read.values("last_good_at")[:1]),
        "shared_by": Case(When(is_public=True, then=Subquery(number)), default=0),
        # A shared door was last opened when any of its families opened it.
        "opened_anywhere": Case(
            When(
                is_public=True,
                then=Subquery(newest.annotate(at=Max("last_opening_at")).values("at")),
            )
        ),
    }


def _offline_since(device: Device, outages: Iterable[Any], since: datetime | None) -> datetime | None:
    """Since when it is offline; None while it is not, and where that was before ``since``."""
    began = max((began for _, began, ended, _ in outages if ended is None), default=None)
    return None if device.is_online or began is None or (since and began < since) else began


def _relays(device: Any) -> list[Relay]:
    relays = [
        Relay(
            pk=pk,
            public_id=public_id,
            device=device,
            relay_id=relay_id,
            name=name,
            number=number,
            is_security=bool(security),
        )
        for pk, public_id, relay_id, name, number, security in device.relays_told
    ]
    return sorted(relays, key=lambda relay: (relay.is_security, relay.number, relay.pk))


def _moment(text: str | None) -> datetime | None:
    """A moment of an array: ISO, in UTC where it does not say."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Count(Func):
    """Counts without grouping: Django's own, of nothing, then finds nothing."""

    function = "COUNT"
    output_field = IntegerField()


class Values(Func):
    """Its expressions as an array."""

    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, function="json_array", **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, function="jsonb_build_array", **more)


class _Rows(Func):
    """Its expressions as an array for each row, in an array of all rows; an empty one of none."""

    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "json_group_array(json_array(%(expressions)s))"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "COALESCE(jsonb_agg(jsonb_build_array(%(expressions)s)), '[]')"
        return self.as_sql(compiler, connection, template=template, **more)


def rows_of(found: QuerySet[Any], *columns: str) -> Subquery:
    return Subquery(found.order_by().annotate(told=_Rows(*columns)).values("told"))
