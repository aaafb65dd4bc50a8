"""A corrected time zone moves the history in time, and makes no row."""

from datetime import timedelta

import pytest

from access.models import Call, Gap, HourlyCount, Opening
from access.sync.zones import retell
from families.models import Family, Kind
from portal.audit.models import Entry
from portal.audit.trail import By
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(simulator):
    connection = connect(simulator)
    read(connection)
    return connection


def moments(table) -> dict[int, object]:
    return dict(table.objects.values_list("pk", "at"))


def test_every_row_moves_and_none_is_made(connection, simulator):
    openings, calls = moments(Opening), moments(Call)
    connection.history_zone = "Asia/Tokyo"
    connection.save(update_fields=["history_zone"])

    moved = retell(By.operator(), connection)

    nine_hours = timedelta(hours=9)
    assert moved == len(openings) + len(calls) > 100
    assert moments(Opening) == {pk: at - nine_hours for pk, at in openings.items()}
    assert moments(Call) == {pk: at - nine_hours for pk, at in calls.items()}
    assert Entry.objects.filter(event="history.retell").count() == 1
    # The next reading of the same answer finds them all again.
    read(connection, Kind.OPENINGS, Kind.CALLS)
    assert Opening.objects.count() == len(openings)


def test_hours_and_last_openings_follow(connection):
    connection.history_zone = "Asia/Tokyo"
    connection.save(update_fields=["history_zone"])
    retell(By.operator(), connection)

    assert HourlyCount.objects.exclude(opened=0).count() > 10
    for count in HourlyCount.objects.all()[:50]:
        within = {"at__gte": count.hour, "at__lt": count.hour + timedelta(hours=1)}
        assert count.opened == Opening.objects.filter(is_success=True, **within).count()
        assert count.refused == Opening.objects.filter(is_success=False, **within).count()
        assert count.calls == Call.objects.filter(**within).count()
    family = Family.objects.filter(openings__device__isnull=False).first()
    for device in family.devices.exclude(last_opening_at=None):
        newest = device.openings.filter(is_success=True).order_by("-at").first()
        assert device.last_opening_at == newest.at


def test_gaps_move_too_and_a_second_time_changes_nothing(connection):
    family = Family.objects.first()
    Gap.objects.create(
        family=family,
        kind=Kind.OPENINGS,
        raw_after="2026-06-01 10:00:00",
        raw_before="2026-06-01 11:00:00",
        begins_at="2026-06-01T10:00:00Z",
        at="2026-06-01T11:00:00Z",
    )
    connection.history_zone = "Asia/Tokyo"
    connection.save(update_fields=["history_zone"])

    retell(By.operator(), connection)

    assert f"{Gap.objects.get(raw_after='2026-06-01 10:00:00').at:%H:%M}" == "02:00"
    assert retell(By.operator(), connection) == 0


def test_a_time_years_ahead_does_not_stand_on_top_of_the_log_for_years(connection, simulator):
    family = simulator.estate()["families"][0]["residence_id"]
    simulator.opening(residence_id=family, at="2100-01-01 00:00:00")

    read(connection, Kind.OPENINGS)

    row = Opening.objects.get(raw_time="2100-01-01 00:00:00")
    assert not row.is_time_readable
    assert abs(row.at - row.seen_at) < timedelta(minutes=1)
