import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from access.models import Call, Device, Gap, HourlyCount, Opening, OpeningRevision, Picture
from families.models import Family, Kind, SyncState
from portal.connections.models import Connection
from tests.syncing import connect, read, tables

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=1)
    return connect(simulator)


@pytest.fixture
def family(connection):
    read(connection, Kind.FAMILIES, Kind.DEVICES)
    return Family.objects.get()


def row(time, **fields):
    return {
        "open_door": True,
        "account_name": "tom",
        "device_name": "Front Door",
        "capture_thumbnail_url": "",
        "open_door_type": "PIN",
        "capture_picture_url": "",
        "open_door_time": time,
    } | fields


def call(time, **fields):
    return {"call_name": "Front Door", "call_sip": "6200", "call_time": time} | fields


def tell(simulator, *rows, command="get_akuvox_open_door_history", at=None):
    simulator.clear_faults()
    stamp = round((at or timezone.now()).timestamp() * 1000)
    body = json.dumps({"success": True, "timestamp": stamp, "result": list(rows)})
    simulator.fault(command, "body", body=body)


def tell_calls(simulator, *rows):
    tell(simulator, *rows, command="get_akuvox_call_history")


def read_openings(connection):
    return read(connection, Kind.OPENINGS)


def ago(**span):
    return f"{datetime.now(UTC) - timedelta(**span):%Y-%m-%d %H:%M:%S}"


def test_a_new_opening_is_added_with_its_device_and_counted(simulator, connection, family):
    read_openings(connection)
    before = Opening.objects.count()
    device = Device.objects.filter(relays__isnull=False).order_by("pk").first()
    Device.objects.exclude(pk=device.pk).filter(name=device.name).update(name="Another")
    simulator.opening(residence_id=family.residence_id, device_name=device.name, account_name="Ana")
    simulator.opening(
        residence_id=family.residence_id, device_name=device.name, account_name="", open_door=False
    )
    report = read_openings(connection)
    assert report.counts["openings"] == 2
    assert Opening.objects.count() == before + 2
    opened = Opening.objects.filter(account_name="Ana").latest("pk")
    assert (opened.device, opened.is_success, opened.is_time_readable) == (device, True, True)
    device.refresh_from_db()
    assert device.last_opening_at == opened.at
    hour = opened.at.replace(minute=0, second=0)
    counts = HourlyCount.objects.filter(hour__gte=hour).values_list("opened", "refused")
    assert sum(opened for opened, _ in counts) >= 1
    assert sum(refused for _, refused in counts) >= 1


def test_equal_rows_of_one_second_are_all_kept(simulator, connection, family):
    simulator.opening(residence_id=family.residence_id, times=3, account_name="thrice")
    read_openings(connection)
    read_openings(connection)
    same = Opening.objects.filter(account_name="thrice")
    assert sorted(same.values_list("number", flat=True))[-1] >= 3
    assert same.count() == 3


def test_an_hour_adds_up_over_several_answers(simulator, connection, family):
    tell(simulator, row("2026-03-01 10:00:01"))
    tell_calls_of = call("2026-03-01 10:30:00")
    read_openings(connection)
    tell(
        simulator,
        row("2026-03-01 10:00:01"),
        row("2026-03-01 10:59:59"),
        row("2026-03-01 10:10:00", open_door=False),
    )
    read_openings(connection)
    tell_calls(simulator, tell_calls_of)
    read(connection, Kind.CALLS)
    hour = HourlyCount.objects.get()
    assert hour.hour == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (hour.opened, hour.refused, hour.calls) == (2, 1, 1)


def test_a_rename_and_a_picture_that_arrives_are_kept_as_revisions(simulator, connection, family):
    tell(simulator, row("2026-03-01 10:00:00"))
    read_openings(connection)
    assert Opening.objects.get().picture == Picture.NONE
    address = "https://pictures.example/a.jpg"
    tell(simulator, row("2026-03-01 10:00:00", capture_thumbnail_url=f"{address}?turn=1"))
    read_openings(connection)
    opening = Opening.objects.get()
    assert (opening.picture, opening.thumbnail_url) == (Picture.WANTED, f"{address}?turn=1")
    assert opening.picture_due_at <= timezone.now()
    assert OpeningRevision.objects.get().before == {"thumbnail_url": ""}
    tell(
        simulator,
        row("2026-03-01 10:00:00", account_name="Thomas", capture_thumbnail_url=f"{address}?turn=2"),
    )
    read_openings(connection)
    opening.refresh_from_db()
    assert (opening.account_name, opening.number) == ("Thomas", 1)
    assert [revision.before for revision in OpeningRevision.objects.order_by("pk")] == [
        {"thumbnail_url": ""},
        {"account_name": "tom"},
    ]
    # Another query in an address means the same picture.
    tell(
        simulator,
        row("2026-03-01 10:00:00", account_name="Thomas", capture_thumbnail_url=f"{address}?turn=3"),
    )
    read_openings(connection)
    assert OpeningRevision.objects.count() == 2
    assert Opening.objects.count() == 1


def test_an_address_that_did_not_work_takes_the_new_query(simulator, connection, family):
    address = "https://pictures.example/a.jpg"
    tell(simulator, row("2026-03-01 10:00:00", capture_thumbnail_url=f"{address}?turn=1"))
    read_openings(connection)
    tell(simulator, row("2026-03-01 10:00:00", capture_thumbnail_url=f"{address}?turn=2"))
    read_openings(connection)
    assert Opening.objects.get().thumbnail_url.endswith("turn=1")
    later = timezone.now() + timedelta(hours=1)
    Opening.objects.update(picture_tries=1, picture_due_at=later)
    tell(simulator, row("2026-03-01 10:00:00", capture_thumbnail_url=f"{address}?turn=3"))
    read_openings(connection)
    opening = Opening.objects.get()
    assert opening.thumbnail_url.endswith("turn=3")
    assert opening.picture_due_at < later


def test_a_result_that_is_told_otherwise_moves_its_hours_count(simulator, connection, family):
    tell(simulator, row("2026-03-01 10:00:00"))
    read_openings(connection)
    tell(simulator, row("2026-03-01 10:00:00", open_door=False))
    read_openings(connection)
    assert Opening.objects.count() == 1
    hour = HourlyCount.objects.get()
    assert (hour.opened, hour.refused) == (0, 1)


def test_rows_pushed_out_between_two_answers_leave_a_gap(simulator, connection, family):
    read_openings(connection)
    assert not Gap.objects.exists()
    for minutes in range(70, 0, -1):
        at = datetime.now(UTC) - timedelta(seconds=minutes)
        simulator.opening(residence_id=family.residence_id, at=at.timestamp())
    report = read_openings(connection)
    gap = Gap.objects.get()
    assert report.counts["gaps"] == 1
    assert (gap.family, gap.kind, gap.cause) == (family, Kind.OPENINGS, "window")
    assert gap.begins_at <= gap.at
    assert gap.at == Opening.objects.filter(raw_time=gap.raw_before).first().at
    state = SyncState.objects.get(kind=Kind.OPENINGS)
    assert (state.window_rows, state.gap_until) == (50, gap.raw_before)
    first = tables()
    read_openings(connection)
    assert tables() == first


def test_a_window_that_the_setting_names_is_believed(simulator, connection, family, settings):
    settings.HISTORY_WINDOW_ROWS = 2
    tell(simulator, row(ago(minutes=60)), row(ago(minutes=50)))
    read_openings(connection)
    tell(simulator, row(ago(minutes=20)), row(ago(minutes=10)))
    read_openings(connection)
    assert Gap.objects.count() == 1


def test_rows_that_come_late_are_taken(simulator, connection, family):
    read_openings(connection)
    simulator.opening(residence_id=family.residence_id, account_name="now")
    read_openings(connection)
    late = (datetime.now(UTC) - timedelta(minutes=3)).timestamp()
    simulator.opening(residence_id=family.residence_id, at=late, account_name="late")
    read_openings(connection)
    assert Opening.objects.filter(account_name__in=["now", "late"]).count() == 2
    assert not Gap.objects.exists()


def test_times_are_those_of_the_connections_zone(simulator, connection, family):
    Connection.objects.update(history_zone="Asia/Tokyo")
    tell(simulator, row("2026-03-01 10:00:00"))
    read_openings(connection)
    assert Opening.objects.get().at == datetime(2026, 3, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("odd", ["", "yesterday", "2026-13-41 10:00:00", "٢٠٢٦-03-01 10:00:00"])
def test_a_time_that_cannot_be_read_is_kept_and_marked(simulator, connection, family, odd):
    began = timezone.now()
    tell(simulator, row(odd), row("2026-03-01 10:00:00"))
    read_openings(connection)
    read_openings(connection)
    opening = Opening.objects.get(raw_time=odd)
    assert not opening.is_time_readable
    assert opening.at >= began
    assert Opening.objects.count() == 2


def test_rows_that_cannot_be_read_are_named_and_the_rest_is_kept(simulator, connection, family):
    tell(
        simulator,
        row("2026-03-01 10:00:00"),
        row("2026-03-01 10:00:01", open_door=None),
        row("2026-03-01 10:00:02", account_name={"odd": 1}),
        row("x" * 65),
        7,
    )
    read_openings(connection)
    assert Opening.objects.count() == 1
    named = SyncState.objects.get(kind=Kind.OPENINGS).not_understood
    for word in ("row 2", "row 3", "row 5", "longer than 64"):
        assert word in named
    # What was set aside took up room all the same.
    assert SyncState.objects.get(kind=Kind.OPENINGS).window_rows == 5


def test_text_from_outside_is_kept_as_text(simulator, connection, family):
    name = "<script>alert(1)</script>\u202e{{ 7 }}" + "ñ" * 10_000
    tell(simulator, row("2026-03-01 10:00:00", account_name=name, device_name="\x00\ud800"))
    read_openings(connection)
    opening = Opening.objects.get()
    assert opening.account_name == name
    assert opening.device_name == "\ufffd\ufffd"


def test_calls_are_kept_like_openings(simulator, connection, family):
    tell_calls(simulator, call("2026-03-01 10:00:00"), call("2026-03-01 10:00:00"), call("soon"))
    read(connection, Kind.CALLS)
    read(connection, Kind.CALLS)
    assert sorted(Call.objects.values_list("raw_time", "number", "is_time_readable")) == [
        ("2026-03-01 10:00:00", 1, True),
        ("2026-03-01 10:00:00", 2, True),
        ("soon", 1, False),
    ]
    tell_calls(
        simulator, call("2026-03-01 10:00:00", call_name="Renamed"), call("2026-03-01 10:00:00"), call("soon")
    )
    read(connection, Kind.CALLS)
    assert Call.objects.filter(call_name="Renamed").count() == 1
    assert Call.objects.count() == 3


def test_a_very_long_history_is_taken_whole(simulator, connection, family):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start + timedelta(seconds=7 * number) for number in range(6_000)]
    rows = [{"open_door": True, "open_door_time": f"{time:%Y-%m-%d %H:%M:%S}"} for time in times]
    tell(simulator, *rows)
    read_openings(connection)
    assert Opening.objects.count() == 6_000
    SyncState.objects.update(digest=None)
    report = read_openings(connection)
    assert report.counts["openings"] == 0
    assert sum(hour.opened for hour in HourlyCount.objects.all()) == 6_000
