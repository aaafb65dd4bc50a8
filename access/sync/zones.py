"""Tells stored histories anew when the time zone that a connection's history is written in was corrected."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.db import transaction
from django.db.models import Max

from access.models import Call, Device, Gap, Opening
from access.sync.hours import Hours
from families.models import Kind, SyncState
from families.sync import states
from families.sync.lists import lock_families
from portal.audit import trail
from portal.audit.trail import About, By
from portal.connections.models import Connection
from portal.upstream.times import parse_time

BATCH = 2_000


def retell(by: By, connection: Connection) -> int:
    """Read the raw times of all histories that ``connection`` tells in its present zone; return how many rows moved.

    No row is made or lost: identity is the raw text. A family at a time, each in one transaction under the locks
    of its states, so that a sync beside it waits; running it again changes nothing. Hours counted, gaps and the
    doors' last openings follow. On the trail as ``history.retell``. No upstream call.
    """
    zone = connection.zone
    moved = sum(_retell_family(family_id, zone) for family_id in _told_by(connection))
    trail.record(
        "history.retell",
        by,
        About(kind="connection", id=connection.public_id, name=connection.name),
        parameters={"zone": connection.history_zone, "rows": moved},
    )
    return moved


def _told_by(connection: Connection) -> Iterable[int]:
    usable = list(Connection.objects.values_list("pk", flat=True))
    told = SyncState.objects.filter(kind=Kind.OPENINGS).annotate(reader=states.reading_connection(usable))
    return list(told.filter(reader=connection.pk).values_list("family_id", flat=True))


def _retell_family(family_id: int, zone: tzinfo) -> int:
    with transaction.atomic():
        list(
            SyncState.objects.select_for_update().filter(
                family=family_id, kind__in=[Kind.OPENINGS, Kind.CALLS]
            )
        )
        lock_families([family_id])
        hours = Hours()
        moved = _move(Opening, family_id, zone, hours) + _move(Call, family_id, zone, hours)
        _move_gaps(family_id, zone)
        if moved:
            _set_last_openings(family_id)
            hours.store()
    return moved


def _move(table: Any, family_id: int, zone: tzinfo, hours: Hours) -> int:
    moved, last = 0, 0
    while True:
        rows = list(
            table.objects.filter(family=family_id, is_time_readable=True, pk__gt=last)
            .order_by("pk")
            .only("pk", "raw_time", "at", *(["is_success"] if table is Opening else []))[:BATCH]
        )
        if not rows:
            return moved
        last = rows[-1].pk
        changed = []
        for row in rows:
            at = parse_time(row.raw_time, zone)
            if at is not None and at != row.at:
                column = "calls" if table is Call else "opened" if row.is_success else "refused"
                hours.add(family_id, row.at, column, -1)
                hours.add(family_id, at, column)
                row.at = at
                changed.append(row)
        table.objects.bulk_update(changed, ["at"], batch_size=500)
        moved += len(changed)


def _move_gaps(family_id: int, zone: tzinfo) -> None:
    gaps = list(Gap.objects.filter(family=family_id))
    for gap in gaps:
        gap.begins_at = parse_time(gap.raw_after, zone) or gap.begins_at
        gap.at = parse_time(gap.raw_before, zone) or gap.at
    Gap.objects.bulk_update(gaps, ["begins_at", "at"], batch_size=500)


def _set_last_openings(family_id: int) -> None:
    newest: dict[int, datetime] = dict(
        Opening.objects.filter(family=family_id, device__isnull=False, is_success=True)
        .values_list("device")
        .annotate(newest=Max("at"))
    )
    for device in Device.objects.filter(pk__in=newest):
        device.last_opening_at = newest[device.pk]
        device.save(update_fields=["last_opening_at"])
