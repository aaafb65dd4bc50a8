"""Where the history has a gap, and what times that lie do to it."""

import time
from datetime import datetime

import pytest

from access.history import GapFound, Window, earlier, find_new, moment, raw_text
from tests.access.history_model import Tables, text_of
from tests.access.history_rows import LATENESS, SIDE_BY_SIDE, gaps, opening, steady, tables

# Gaps.


@pytest.mark.parametrize("after_bound", [0, 1, 300, 5000])
def test_a_gap_is_from_the_bound_to_the_oldest_second_of_a_window_that_moved(after_bound):
    kept = tables(steady(60, 20))
    bound = 20 * 60 - 300
    kept.apply([opening(bound + after_bound + number, "later") for number in range(20)])
    assert gaps(kept) == [GapFound(text_of(bound), text_of(bound + after_bound))]


def test_a_window_that_moved_but_reaches_a_second_further_back_than_the_bound_has_no_gap():
    known = [opening(0), opening(899), opening(1200)]
    assert tables(known, [opening(899), opening(1200), opening(1300)]).gaps == set()
    known[1] = opening(900)
    assert gaps(tables(known, [opening(900), opening(1200), opening(1300)])) == [
        GapFound(text_of(900), text_of(900))
    ]


def test_no_gap_where_an_answer_reaches_back_to_what_had_all_come():
    kept = tables(steady(0, 20), [row for row in steady(0, 30) if row.time >= text_of(600)])
    assert kept.gaps == set()


def test_the_same_oldest_second_in_a_full_answer_is_a_gap():
    # A second row of second 0 may have come and gone: the window cannot show it.
    kept = tables([opening(0), opening(1)], window_rows=3)
    assert kept.apply([opening(0), opening(1), opening(2)]).gaps == [GapFound(text_of(1 - 300), text_of(0))]


def test_the_same_oldest_second_in_a_shorter_answer_is_none():
    kept = tables([opening(0), opening(1)], window_rows=4)
    assert kept.apply([opening(0), opening(1), opening(2)]).gaps == []
    assert kept.apply([opening(0), opening(1), opening(2), opening(3)]).gaps != []


def test_an_earlier_oldest_second_in_a_full_answer_is_a_gap():
    # Late rows from before filled the window, and the oldest of them were pushed out of it again.
    kept = tables([opening(1000)], window_rows=3)
    assert kept.apply([opening(900), opening(950), opening(1000)]).gaps == [
        GapFound(text_of(700), text_of(900))
    ]


def test_a_gap_that_lies_within_the_last_one_or_before_the_beginning_is_not_written():
    first = [opening(second) for second in range(5)]
    kept = tables(first, [*first, opening(9)])
    assert kept.gaps == set()  # a young family: history begins after second 0 anyway
    kept = tables(first, [opening(second) for second in range(500, 505)])
    assert kept.apply([opening(500, "renamed"), *[opening(n) for n in (501, 502, 503, 504)]]).gaps == []
    assert len(kept.gaps) == 1


def test_a_gap_after_the_last_one_is_written_though_both_meet():
    kept = tables(steady(0, 20), [opening(5000 + second) for second in range(20)])
    assert kept.apply([opening(5010 + second) for second in range(20)]).gaps == [
        GapFound(text_of(5019 - 300), text_of(5010))
    ]


def test_a_shorter_answer_that_begins_later_is_a_gap():
    kept = tables(steady(0, 20), window_rows=50)
    assert len(kept.apply([opening(5000), opening(5001)]).gaps) == 1


def test_a_window_that_shrank_is_known_to_be_shorter():
    kept = tables(
        [opening(-5000 + second) for second in range(20)], [opening(second) for second in range(10)]
    )
    assert len(kept.gaps) == 1
    assert kept.window.rows == 10
    kept.window = kept.window._replace(gap_until="")
    assert kept.apply([opening(0), *[opening(second) for second in range(2, 11)]]).gaps != []


def test_rows_set_aside_take_up_room_in_the_window():
    before = Tables(LATENESS)
    before.apply([opening(-5000), opening(0), opening(1)])
    before.window = before.window._replace(oldest=text_of(0))
    answer = [opening(0), opening(2)]
    assert before.apply(answer, unread=0).gaps == []
    before.window = before.window._replace(rows=3, newest=text_of(1))
    assert before.apply(answer, unread=1).gaps != []
    assert before.window.rows == 3


# Times that are none, and times that lie.

IMPOSSIBLE = [
    "",
    " ",
    "2020-13-45 99:99:99",
    "2024-02-30 10:00:00",
    "0000-00-00 00:00:00",
    "2024-03-01T09:00:00",
    "2024-03-01 24:00:00",
    "2024-03-01 09:00:60",
    "2024-03-01 09:00",
    "2024-W10-1 09:00:00",
    "٢٠٢٤-03-01 09:00:00",
    "2024-03-01 09:00+01",
    "2024-03-01 09:00:00Z",
    "2024-03-01 09:00:00.500",
    "2024-03-01 09:00:00 ",
    "2024-03-01\ud80009:00:00",
    "2024-03-0\ud800 09:00:00",
    "2024-03-01 09:00:+1",
    "2024-03-01 09:00: 1",
    "-024-03-01 09:00:00",
    "2024-03-01 09:00.00",
    "20240301 09:00:00.0",
    "99999-01-01 00:00:0",
    "zzzz-zz-zz zz:zz:zz",
    "x" * 64,
]


@pytest.mark.parametrize("odd", IMPOSSIBLE)
def test_an_impossible_time_is_stored_once_and_says_nothing_about_the_window(odd):
    assert moment(odd) is None
    assert earlier(odd, LATENESS) == odd
    clean = tables(steady(0, 20), steady(600, 20))
    kept = Tables(LATENESS)
    kept.apply([opening(at=odd), *steady(0, 20)])
    kept.apply([*steady(600, 20), opening(at=odd)])
    assert len(kept.rows) == len(clean.rows) + 1
    assert kept.window._replace(rows=20) == clean.window
    assert kept.gaps == clean.gaps
    kept.apply([opening(at=odd), opening(at=odd, account="ann")])
    assert kept.apply([opening(at=odd), opening(at=odd, account="ann")]).new == []
    assert kept.apply([opening(at=odd, picture=SIDE_BY_SIDE)]).new == []
    assert kept.apply([opening(at=odd)] * 2).new == [(opening(at=odd), 3)]


@pytest.mark.parametrize("odd", IMPOSSIBLE)
def test_an_answer_of_nothing_but_impossible_times_leaves_the_window_as_it_was(odd):
    kept = tables([opening(at=odd)])
    assert kept.window == Window(rows=1)
    kept.apply(steady(0, 20))
    assert kept.window.begins_after == text_of(0)
    before = kept.window
    kept.apply([opening(at=odd)] * 3)
    assert kept.window == before


def test_another_event_under_an_impossible_time_does_not_swallow_the_first():
    kept = tables([opening(at="", account="tom")], [opening(at="", account="ann")])
    assert [row.account for row in kept.told()] == ["ann", "tom"]


def test_a_row_dated_in_the_future_does_not_hide_a_gap():
    ahead = opening(10**6, "ahead")
    kept = Tables(LATENESS)
    kept.apply([*steady(0, 19), ahead], text_of(18 * 60))
    assert kept.window.newest == text_of(18 * 60)
    kept.apply([*[opening(5000 + second) for second in range(19)], ahead], text_of(5020))
    assert gaps(kept) == [GapFound(text_of(18 * 60 - 300), text_of(5000))]
    assert kept.window.newest == text_of(5020)


def test_the_newest_known_time_never_goes_back():
    kept = tables(steady(0, 20))
    kept.apply(steady(0, 10))
    assert kept.window.newest == text_of(19 * 60)
    assert kept.window.rows == 20  # one short answer does not say that the window is shorter


def test_an_unknown_row_from_long_ago_does_not_hide_a_gap():
    # The clock of one device was set back; the upstream shows its row beside the newest.
    ancient = opening(at="1970-01-01 00:00:07")
    kept = tables(steady(0, 20))
    kept.apply([ancient, *[opening(5000 + second) for second in range(19)]])
    assert gaps(kept) == [GapFound(text_of(19 * 60 - 300), text_of(5000))]
    # Once known, its place in the window proves that nothing after it was pushed out.
    assert kept.apply([ancient, *[opening(5100 + second) for second in range(19)]]).gaps == []


def test_one_raw_text_twice_an_hour_apart_is_two_rows():
    kept = tables([opening(0), *steady(60, 20)])
    assert kept.apply([opening(0), *steady(60, 20), opening(0)]).new == [(opening(0), 2)]


def test_times_that_go_back_are_a_gap_and_a_new_beginning():
    kept = tables([opening(-9000), *[opening(3000 + second * 20) for second in range(19)]])
    hour_again = [opening(second * 20) for second in range(20)]
    assert kept.apply(hour_again).gaps == [GapFound(text_of(0), text_of(3360 - 300))]
    assert kept.window.newest == text_of(380)
    assert kept.apply(hour_again).gaps == []
    found = kept.apply([opening(900 + second) for second in range(20)])
    assert found.gaps == [GapFound(text_of(380 - 300), text_of(900))]


def test_times_that_go_back_leave_the_last_gap_behind():
    kept = tables(steady(-9000, 20), [opening(5000 + second * 20) for second in range(20)])
    assert kept.window.gap_until == text_of(5000)
    kept.apply([opening(second * 20) for second in range(20)])
    found = kept.apply([opening(900 + second) for second in range(20)])
    assert found.gaps == [GapFound(text_of(380 - 300), text_of(900))]


def test_times_that_go_back_before_the_beginning_move_it():
    kept = tables([opening(3000 + second * 20) for second in range(20)])
    found = kept.apply([opening(second * 20) for second in range(20)])
    assert found.gaps == [GapFound(text_of(0), text_of(3380 - 300))]
    assert found.window.begins_after == text_of(0)
    found = kept.apply([opening(900 + second) for second in range(20)])
    assert found.gaps == [GapFound(text_of(380 - 300), text_of(900))]


def test_an_old_answer_applied_late_adds_its_rows_and_the_next_one_begins_where_it_is_safe():
    old = [opening(2000 + second) for second in range(20)]
    kept = tables(steady(0, 20), [opening(9000 + second) for second in range(20)])
    assert len(kept.apply(old).new) == 20
    found = kept.apply([opening(9500 + second) for second in range(20)])
    assert found.gaps[0].after <= text_of(9019 - 300)
    assert found.gaps[0].before == text_of(9500)


def test_no_time_is_too_early_or_too_late():
    assert earlier("0001-01-01 00:01:00", LATENESS) == "0001-01-01 00:00:00"
    assert earlier("0999-01-01 00:00:00", LATENESS) == "0998-12-31 23:55:00"
    assert earlier("2024-03-01 00:00:00", LATENESS) == "2024-02-29 23:55:00"
    kept = tables([opening(at="0001-01-01 00:00:00"), opening(at="9999-12-31 23:59:59")])
    assert (
        len(kept.apply([opening(at="0001-01-01 00:00:00"), opening(at="9999-12-31 23:59:59")] * 2).new) == 2
    )


def test_raw_text_is_what_the_upstream_would_write():
    assert raw_text(datetime.fromisoformat("2024-03-01T09:00:00.987+02:00")) == "2024-03-01 09:00:00"


def test_twenty_thousand_rows_of_one_second_do_not_hold_the_writer():
    rows = [opening(account=f"person {number}") for number in range(20_000)]
    started = time.process_time()
    find_new(
        {text_of(0): list(enumerate(rows))},
        [row._replace(account=row.account[1:]) for row in rows],
        Window(),
        lateness=LATENESS,
    )
    # Each with each would take minutes.
    assert time.process_time() - started < 30
