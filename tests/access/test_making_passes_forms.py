"""What may be typed to have a pass made: clocks that jump, numbers of every kind, words of every length."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from access.forms.passes import MOST_PEOPLE, PassForm, Visitor
from access.services.passes import windows
from access.services.passes.windows import NoSuchTime, Preset
from portal.accounts.models import Role
from tests.factories import FamilyFactory, PropertyFactory, UserFactory

LISBON, KOLKATA = "Europe/Lisbon", "Asia/Kolkata"
NOW = datetime(2026, 3, 25, 12, 34, 56, tzinfo=UTC)
WISH = {
    "label": "Plumber",
    "visitor_name": "",
    "visitor_email": "",
    "visitors": "",
    "note": "",
    "window": "own",
    "begins": "2026-03-26T09:00",
    "ends": "2026-03-26T11:00",
    "often": "own",
    "uses": "3",
}


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def form(*zones, role=Role.MANAGER, **changes):
    families = [
        FamilyFactory.build(property=PropertyFactory.build(time_zone=zone)) for zone in zones or [LISBON]
    ]
    return PassForm(UserFactory.build(role=role), WISH | changes, families=families)


def wrong(field, *zones, **changes):
    """What is said beside a field; nothing else is wrong, and what was typed stands in the form."""
    typed = form(*zones, **changes)
    assert not typed.is_valid()
    assert list(typed.errors) == [field]
    for name, value in changes.items():
        assert typed[name].value() == value
    return " ".join(typed.errors[field])


def window_of(*zones, **changes):
    typed = form(*zones, **changes)
    assert typed.is_valid(), typed.errors
    return [
        (f"{one.starts_at:%m-%d %H:%M:%S}", f"{one.ends_at:%m-%d %H:%M:%S}") for one in typed.windows.values()
    ]


class TestUses:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("", "Type how often"),
            ("0", "From 1 to 10,000"),
            ("10001", "From 1 to 10,000"),
            ("1000000000", "From 1 to 10,000"),
            ("-1", "digits 0 to 9 alone"),
            ("1e3", "digits 0 to 9 alone"),
            ("+5", "digits 0 to 9 alone"),
            ("5.0", "digits 0 to 9 alone"),
            ("٣", "digits 0 to 9 alone"),
            ("３", "digits 0 to 9 alone"),
            ("²", "digits 0 to 9 alone"),
            ("5\u200b", "digits 0 to 9 alone"),
            ("many", "digits 0 to 9 alone"),
            ("9" * 5_000, "digits 0 to 9 alone"),
        ],
    )
    def test_what_is_no_number_of_uses_is_told_so(self, typed, words):
        assert words in wrong("uses", uses=typed)

    @pytest.mark.parametrize(("typed", "count"), [("1", 1), ("007", 7), (" 12 ", 12), ("10000", 10_000)])
    def test_numbers_are_read(self, typed, count):
        found = form(uses=typed)
        assert found.is_valid()
        assert found.count == count

    def test_one_that_is_offered_needs_no_number(self):
        found = form(often="1", uses="nonsense")
        assert found.is_valid()
        assert found.count == 1
        assert "Choose one of these" in wrong("often", often="1e3")


class TestWindow:
    def test_a_clock_is_that_of_the_family(self):
        assert window_of(KOLKATA) == [("03-26 03:30:00", "03-26 05:30:00")]
        # Of families in several zones each counts its own.
        assert window_of(LISBON, KOLKATA) == [
            ("03-26 03:30:00", "03-26 05:30:00"),
            ("03-26 09:00:00", "03-26 11:00:00"),
        ]

    @pytest.mark.parametrize(
        ("field", "begins", "ends", "words"),
        [
            ("begins", "", "2026-03-26T11:00", "Say from when"),
            ("ends", "2026-03-26T09:00", "", "Say until when"),
            ("begins", "tomorrow", "2026-03-26T11:00", "That is no day and time"),
            ("begins", "٢٠٢٦-03-26T09:00", "2026-03-26T11:00", "That is no day and time"),
            ("begins", "2026-03-26T09:00\u200b", "2026-03-26T11:00", "That is no day and time"),
            ("begins", "2026-03-26T09:00Z", "2026-03-26T11:00", "That is no day and time"),
            ("begins", "9" * 5_000, "2026-03-26T11:00", "That is no day and time"),
            ("begins", "2026-02-30T09:00", "2026-03-26T11:00", "There is no such day or time"),
            ("begins", "2026-03-26T24:01", "2026-03-26T11:00", "There is no such day or time"),
            ("begins", "0000-01-01T00:00", "2026-03-26T11:00", "There is no such day or time"),
            ("ends", "2026-03-26T11:00", "2026-03-26T11:00", "It ends when it begins"),
            ("ends", "2026-03-26T11:00", "2026-03-26T10:59", "It ends before it begins"),
            ("ends", "2026-03-24T09:00", "2026-03-24T11:00", "That is over already"),
            (
                "ends",
                "2026-03-26T11:00",
                "2036-03-26T11:00",
                "ends within a year and a day: by 26 March 2027",
            ),
            ("ends", "2026-03-26T11:00", "9999-12-31T23:59", "ends within a year and a day"),
        ],
    )
    def test_what_is_no_window_is_told_so_beside_it(self, field, begins, ends, words):
        assert words in wrong(field, begins=begins, ends=ends)

    def test_one_that_has_begun_and_goes_on_is_one(self):
        assert window_of(begins="2026-03-20T09:00") == [("03-20 09:00:00", "03-26 11:00:00")]

    def test_an_hour_that_the_clock_jumps_over_is_told_so(self):
        words = wrong("begins", begins="2026-03-29T01:30", ends="2026-03-29T12:00")
        assert "There is no 01:30 in Lisbon on 29 March 2026: the clock goes from 01:00 to 02:00" in words
        assert "There is no 01:00" in wrong("ends", ends="2026-03-29T01:00")
        assert window_of(begins="2026-03-29T00:59", ends="2026-03-29T02:00") == [
            ("03-29 00:59:00", "03-29 01:00:00")
        ]
        # Where it does not jump that night it is an hour like others.
        assert window_of(KOLKATA, begins="2026-03-29T01:30", ends="2026-03-29T12:00")

    def test_of_an_hour_that_comes_twice_it_is_told_which_is_taken(self):
        twice = form(begins="2026-10-25T01:30", ends="2026-10-25T01:45")
        assert twice.is_valid()
        [window] = twice.windows.values()
        assert (f"{window.starts_at:%H:%M}", f"{window.ends_at:%H:%M}") == ("00:30", "01:45")
        assert len(twice.unconfirmed) == 2
        assert (
            "shows 01:30 twice on 25 October 2026. The pass begins with the first of them (00:30 UTC)"
            in (twice.unconfirmed[0])
        )
        assert "ends with the second of them (01:45 UTC)" in twice.unconfirmed[1]
        agreed = form(begins="2026-10-25T01:30", ends="2026-10-25T01:45", agreed=" ".join(twice.warnings))
        assert agreed.is_valid()
        assert not agreed.unconfirmed

    def test_other_jumps_of_clocks(self):
        # Half an hour, at midnight, and a day that a place left out.
        for zone, local, told in (
            ("Australia/Lord_Howe", datetime.fromisoformat("2026-10-04T02:15"), "from 02:00 to 02:30"),
            ("America/Santiago", datetime.fromisoformat("2026-09-06T00:30"), "from 00:00 to 01:00"),
            ("Pacific/Apia", datetime.fromisoformat("2011-12-30T12:00"), "from 00:00 to 00:00"),
        ):
            with pytest.raises(NoSuchTime, match=told):
                windows.moments(local, ZoneInfo(zone))

    def test_long_windows_and_many_uses_are_asked_about(self):
        assert not form(ends="2026-04-25T09:00", uses="100").warnings
        found = form(ends="2026-04-25T12:00", uses="101")
        assert found.is_valid()
        assert found.unconfirmed == [
            "It is good for 31 days. Whoever has the code can come in all that time.",
            "It opens 101 times. Most visitors need fewer than a hundred.",
        ]


class TestPresets:
    @pytest.mark.parametrize(
        ("preset", "begins", "ends"),
        [
            (Preset.TWO_HOURS, "03-25 12:34:00", "03-25 14:34:00"),
            (Preset.TODAY, "03-25 12:34:00", "03-25 18:30:00"),
            (Preset.TOMORROW, "03-25 18:30:00", "03-26 18:30:00"),
            (Preset.WEEK, "03-25 12:34:00", "03-29 18:30:00"),
        ],
    )
    def test_days_end_at_midnight_where_the_family_is(self, preset, begins, ends):
        assert window_of(KOLKATA, window=preset.value) == [(begins, ends)]

    def test_a_day_is_as_long_as_its_clock_says(self):
        # Lisbon goes to summer time that night: 23 hours.
        with time_machine.travel(datetime(2026, 3, 28, 12, tzinfo=UTC), tick=False):
            found = form(window="tomorrow")
            assert found.is_valid()
            [window] = found.windows.values()
            assert window.ends_at - window.starts_at == timedelta(hours=23)

    def test_what_is_chosen_is_one_of_them(self):
        assert "Choose one of these" in wrong("window", window="always")
        assert "Choose when" in wrong("window", window="")


class TestWords:
    @pytest.mark.parametrize("field", ["label", "visitor_name", "note"])
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("x" * 5_000, "5,000"),
            ("Ana\u200bBo", "ZERO WIDTH SPACE"),
            ("Ana\u202eBo", "RIGHT-TO-LEFT OVERRIDE"),
            ("Ana\x00Bo", "NULL"),
            ("Ana\nBo", "LINE FEED"),
        ],
    )
    def test_what_cannot_be_read_or_is_too_long_is_told_so(self, field, typed, words):
        assert words in wrong(field, **{field: typed})

    @pytest.mark.parametrize(
        "typed", ["ana", "a@b", "a@b.example, c@d.example", "ana@x.example\nBcc: b@c.example"]
    )
    def test_what_is_no_address_is_told_so(self, typed):
        assert wrong("visitor_email", visitor_email=typed)

    def test_something_is_said_of_it(self):
        assert "Type what it is called" in wrong("label", label="")
        assert form(label="", visitor_name="Ana").is_valid()


class TestPeople:
    def test_one_a_line_with_a_name_an_address_or_both(self):
        found = form(visitors="Ana Prado, ana@x.example\r\n\r\nbo@x.example\nCy\tcy@x.example\nDi")
        assert found.is_valid()
        assert list(found.people) == [
            Visitor("Ana Prado", "ana@x.example"),
            Visitor("", "bo@x.example"),
            Visitor("Cy", "cy@x.example"),
            Visitor("Di", ""),
        ]
        assert found.label_of(found.people[1]) == "Plumber"

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("Ana\nAna", "Line 2: the same stands in line 1 already"),
            ("Ana, a@x.example, b@x.example", "Line 1: one name, and after a comma one"),
            ("Ana, Prado", "Line 1: one name, and after a comma one"),
            ("Ana\nBo, bo@", "Line 2:"),
            ("Ana\u200b", "ZERO WIDTH SPACE"),
            ("x" * 5_000, "Line 1: it is too long"),
            ("\n".join(f"P{n}" for n in range(MOST_PEOPLE + 1)), "At most 100 people at once; these are 101"),
        ],
    )
    def test_what_is_no_line_is_told_so(self, typed, words):
        assert words in wrong("visitors", visitors=typed)

    def test_one_above_and_several_below_is_a_mistake(self):
        assert "either one visitor above" in wrong("visitors", visitors="Ana", visitor_name="Bo")

    def test_a_family_admin_has_no_lines(self):
        found = form(role=Role.FAMILY_ADMIN, visitors="Ana\nBo")
        assert found.is_valid()
        assert len(found.people) == 1
