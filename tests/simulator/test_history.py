"""Histories: the newest rows in any order, late ones, later pictures, several in one second."""

import io
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import requests
from PIL import Image

OPENINGS = "get_akuvox_open_door_history"
CALLS = "get_akuvox_call_history"
NOW = "2026-07-01T12:00:00+00:00"


@pytest.fixture
def rid(simulator):
    return simulator.family(auth="user")["residence_id"]


def times(rows, name="open_door_time"):
    return [row[name] for row in rows]


def test_an_answer_is_the_newest_rows_as_many_as_the_window_holds(simulator, wire):
    simulator.reset(window=10_000, now=NOW)
    rid = simulator.family(auth="user")["residence_id"]
    everything = wire.result(OPENINGS, residence_id=rid)
    assert len(everything) > 200
    assert min(times(everything)) < "2026-06-02"
    assert max(times(everything)) < "2026-07-01 12:00:00"
    simulator.reset(window=50, now=NOW)
    newest = wire.result(OPENINGS, residence_id=rid)
    assert len(newest) == 50
    assert sorted(times(newest)) == sorted(times(everything))[-50:]


def test_the_order_is_not_always_newest_first(simulator, wire):
    orders = set()
    for family in simulator.estate()["families"]:
        found = times(wire.result(OPENINGS, residence_id=family["residence_id"]))
        if found:
            orders.add(
                "down" if found == sorted(found)[::-1] else "up" if found == sorted(found) else "mixed"
            )
    assert orders == {"down", "up", "mixed"}


def test_an_unchanged_answer_keeps_its_order_but_not_the_addresses_of_its_pictures(rid, wire):
    first, second = (wire.result(OPENINGS, residence_id=rid) for _ in range(2))
    url = "capture_picture_url"
    pairs = [(a[url], b[url]) for a, b in zip(first, second, strict=True) if a[url]]
    assert pairs
    assert all(a != b and a.partition("?")[0] == b.partition("?")[0] for a, b in pairs)
    for row in first + second:
        row.pop(url), row.pop("capture_thumbnail_url")
    assert first == second


def test_addresses_can_be_told_to_stay(simulator, wire):
    simulator.reset(rotate_pictures_seconds=100_000)
    rid = simulator.family(auth="user")["residence_id"]
    assert wire.result(OPENINGS, residence_id=rid) == wire.result(OPENINGS, residence_id=rid)


def test_the_month_has_failed_rows_and_doubles_and_unknown_types(simulator, wire):
    simulator.reset(window=10_000, now=NOW)
    failed, doubles, kinds, seconds = 0, 0, set(), 0
    for family in simulator.estate()["families"]:
        rows = wire.result(OPENINGS, residence_id=family["residence_id"])
        names = ("open_door_time", "account_name", "device_name", "open_door_type", "open_door")
        whole = Counter(tuple(row[name] for name in names) for row in rows)
        doubles += sum(count - 1 for count in whole.values())
        seconds += len(rows) - len(set(times(rows)))
        failed += sum(not row["open_door"] for row in rows)
        kinds |= {row["open_door_type"] for row in rows}
    assert failed > 100
    assert doubles > 20
    assert seconds > doubles
    assert {"", "Remote", "Palm Vein"} <= kinds


def test_a_late_row_comes_later_with_its_own_time(simulator, wire, rid):
    simulator.opening(residence_id=rid, account_name="Late", late_seconds=120)
    told = simulator.opening(residence_id=rid, account_name="Soon")
    assert [r["account_name"] for r in of(wire, rid, "Late", "Soon")] == ["Soon"]
    simulator.advance(121)
    late, soon = sorted(of(wire, rid, "Late", "Soon"), key=lambda row: row["account_name"])
    moment = datetime.fromtimestamp(told["at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert soon["open_door_time"] == moment
    assert late["open_door_time"] <= moment


def test_a_picture_can_come_after_its_row(simulator, wire, rid):
    simulator.opening(residence_id=rid, account_name="Shy", picture_after_seconds=60)
    (row,) = of(wire, rid, "Shy")
    assert row["capture_picture_url"] == row["capture_thumbnail_url"] == ""
    simulator.advance(61)
    (row,) = of(wire, rid, "Shy")
    assert row["capture_picture_url"]


def test_equal_rows_of_one_second_are_told_as_often_as_they_happened(simulator, wire, rid):
    simulator.opening(residence_id=rid, account_name="Twin", times=3, has_picture=False)
    rows = of(wire, rid, "Twin")
    assert len(rows) == 3
    assert rows[0] == rows[1] == rows[2]


def test_a_row_of_long_ago_is_told_where_it_belongs(simulator, wire):
    simulator.reset(window=10_000)
    rid = simulator.family(auth="user")["residence_id"]
    simulator.opening(residence_id=rid, account_name="Old", at="2026-01-02T03:04:05Z")
    assert times(of(wire, rid, "Old")) == ["2026-01-02 03:04:05"]


def test_a_name_can_change_afterwards(simulator, wire, rid):
    simulator.opening(residence_id=rid, account_name="Maiden Name")
    simulator.event("rename", residence_id=rid, **{"from": "Maiden Name", "to": "Married Name"})
    assert of(wire, rid, "Maiden Name") == []
    assert len(of(wire, rid, "Married Name")) == 1


def test_the_zone_of_the_times_can_be_another(simulator, wire):
    simulator.reset(history_zone="Asia/Kolkata")
    rid = simulator.family(auth="user")["residence_id"]
    at = datetime.now(UTC).replace(microsecond=0)
    simulator.opening(residence_id=rid, account_name="Abroad", at=at.isoformat())
    simulator.call(residence_id=rid, call_name="Abroad", at=at.isoformat())
    expected = (at + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    assert times(of(wire, rid, "Abroad")) == [expected]
    calls = wire.result(CALLS, residence_id=rid)
    assert [row["call_time"] for row in calls if row["call_name"] == "Abroad"] == [expected]


def test_calls_come_from_the_familys_doors(simulator, wire, rid):
    names = {device["sip"]: device["device_name"] for device in simulator.family(auth="user")["devices"]}
    rows = wire.result(CALLS, residence_id=rid)
    assert 20 < len(rows) <= 50
    assert all(names[row["call_sip"]] == row["call_name"] for row in rows)
    simulator.call(residence_id=rid, call_name="IT83_alq_180", call_sip="6200105433")
    newest = max(wire.result(CALLS, residence_id=rid), key=lambda row: row["call_time"])
    assert (newest["call_name"], newest["call_sip"]) == ("IT83_alq_180", "6200105433")


def test_pictures_are_small_jpegs_for_whoever_has_their_address(wire, rid):
    row = next(row for row in wire.result(OPENINGS, residence_id=rid) if row["capture_picture_url"])
    for name, size in (("capture_picture_url", (640, 360)), ("capture_thumbnail_url", (160, 90))):
        answer = requests.get(row[name], timeout=5)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert len(answer.content) < 30_000
        picture = Image.open(io.BytesIO(answer.content))
        assert (picture.format, picture.size) == ("JPEG", size)
        assert answer.content == requests.get(row[name], timeout=5).content
        assert requests.get(row[name].partition("?")[0], timeout=5).status_code == 403
        assert requests.get(row[name] + "0", timeout=5).status_code == 403


def test_a_picture_differs_from_the_next(wire, rid):
    rows = [row for row in wire.result(OPENINGS, residence_id=rid) if row["capture_thumbnail_url"]]
    seen = [requests.get(row["capture_thumbnail_url"], timeout=5).content for row in rows[:4]]
    assert all(a != b for a, b in itertools.combinations(seen, 2))


def of(wire, rid, *names):
    return [row for row in wire.result(OPENINGS, residence_id=rid) if row["account_name"] in names]
