"""The upstream's times, in its zone and out of it."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.upstream.text import clean
from portal.upstream.times import format_time, parse_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2020-05-18 15:25:45", UTC, "2020-05-18T15:25:45+00:00"),
        (" 2020-05-18T15:25:45 ", UTC, "2020-05-18T15:25:45+00:00"),
        ("2020-05-18 15:25:45", BERLIN, "2020-05-18T13:25:45+00:00"),
        ("2020-05-18 15:25:45.999", UTC, "2020-05-18T15:25:45+00:00"),
        ("2020-05-18 15:25:45Z", BERLIN, "2020-05-18T15:25:45+00:00"),
        ("2020-05-18 15:25:45+08:00", BERLIN, "2020-05-18T07:25:45+00:00"),
        ("2020-05-18 15:25:45-0330", BERLIN, "2020-05-18T18:55:45+00:00"),
        ("2020-10-25 02:30:00", BERLIN, "2020-10-25T00:30:00+00:00"),  # twice that night: the first
        ("2020-03-29 02:30:00", BERLIN, "2020-03-29T01:30:00+00:00"),  # skipped that night: as if it were not
        ("2020-02-29 00:00:00", UTC, "2020-02-29T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_in_its_zone(text, zone, moment):
    assert parse_time(text, zone).isoformat() == moment


@pytest.mark.parametrize(
    "text",
    ["", " ", "now", "0000-00-00 00:00:00", "2021-02-29 00:00:00", "2020-05-18", "2020-05-18 24:00:00",
     "2020-05-18 15:25:60",
     "2020-13-01 00:00:00", "18.05.2020 15:25:45", "2020-5-18 1:2:3", "٢٠٢٠-05-18 15:25:45", "1589815545",
     "2020-05-18 15:25:45 +",
     "2020-05-18 15:25:45+99:99", "2020-05-18 15:25:45\n2020", "9" * 10_000],
)  # fmt: skip
def test_what_is_no_time_is_none(text):
    assert parse_time(text, UTC) is None


@pytest.mark.parametrize(
    "text", ["0001-01-01 00:00:00", "0001-01-02 11:00:00", "9999-12-30 10:00:00", "9999-12-31 23:59:59"]
)
def test_a_time_that_some_zone_could_not_tell_is_none(text):
    for zone in (timezone(timedelta(hours=14)), timezone(-timedelta(hours=12)), UTC, BERLIN):
        assert parse_time(text, zone) is None


@pytest.mark.parametrize("text", ["0001-01-04 00:00:00", "9999-12-28 00:00:00"])
def test_what_is_read_every_zone_can_tell(text):
    found = parse_time(text, UTC)
    for name in available_timezones():
        assert found.astimezone(ZoneInfo(name)) == found


@given(st.text())
def test_no_text_raises(text):
    assert parse_time(text, BERLIN) is None or text.strip()[0].isdigit()


@given(st.integers(min_value=-62_000_000_000, max_value=253_000_000_000))
def test_a_time_written_and_read_again_is_the_same(seconds):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=7)
    text = format_time(moment.astimezone(BERLIN))
    assert parse_time(text, UTC) == moment.replace(microsecond=0)
    assert len(text) == 19


def test_a_time_without_a_zone_is_not_written():
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2020, 1, 1))  # noqa: DTZ001


def test_text_is_cleaned_of_what_cannot_be_stored():
    assert clean("a\x00b\ud800c\udfffd é 👪") == "a\ufffdb\ufffdc\ufffdd é 👪"
