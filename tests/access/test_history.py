import copy
import time
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.history import CallRow, GapFound, OpeningRow, Window, earlier, find_new, moment, raw_text
from tests.access.history_model import Tables, World, live, soak, text_of

LATENESS = timedelta(seconds=300)
SIDE_BY_SIDE = "https://pictures.example/1.jpg"


def opening(second=0, account="tom", device="door", picture="", thumbnail="", *, kind="Face", at=None):
    return OpeningRow(text_of(second) if at is None else at, account, device, kind, True, picture, thumbnail)


def steady(first, count, apart=60):
    """So many openings, a minute apart: a window that reaches further back than any row may be late."""
    return [opening(first + number * apart, f"person {number}") for number in range(count)]


def tables(*answers, window_rows=None):
    kept = Tables(LATENESS, window_rows)
    for answer in answers:
        kept.apply(answer)
    return kept


def gaps(kept):
    return sorted(kept.gaps)


# One answer after the other.


def test_the_first_answer_is_stored_and_history_begins_after_its_oldest_second():
    kept = tables(steady(0, 20))
    assert len(kept.rows) == 20
    assert kept.gaps == set()
    assert kept.window == Window(20, text_of(0), text_of(19 * 60), begins_after=text_of(0))


def test_history_is_known_from_its_beginning_when_the_first_answer_does_not_fill_a_known_window():
    assert tables(steady(0, 20), window_rows=21).window.begins_after == ""
    assert tables(steady(0, 20), window_rows=20).window.begins_after == text_of(0)


def test_an_empty_answer_removes_nothing_and_is_no_first_answer():
    kept = tables([], steady(0, 20), [])
    assert len(kept.rows) == 20
    assert kept.window == Window(20, text_of(0), text_of(19 * 60), begins_after=text_of(0))


def test_the_same_answer_again_adds_nothing():
    kept = tables(steady(0, 20))
    found = kept.apply(steady(0, 20))
    assert (found.new, found.changed, found.readdressed, found.gaps) == ([], [], [], [])


def test_exact_doubles_in_one_second_are_all_stored_and_numbered_on():
    kept = tables([opening()] * 2)
    assert [number for _, number, _ in kept.contents()] == [1, 2]
    assert kept.apply([opening()] * 3).new == [(opening(), 3)]
    assert kept.apply([opening()] * 3).new == []


def test_only_the_surplus_of_a_second_is_new():
    kept = tables([opening(account="tom"), opening(account="ann")])
    found = kept.apply([opening(account="bob"), opening(account="ann"), opening(account="tom")])
    assert found.new == [(opening(account="bob"), 3)]
    assert found.changed == []


def test_a_late_row_is_taken():
    kept = tables(steady(0, 20))
    late = opening(17 * 60 + 5, "late")
    found = kept.apply([*steady(0, 20)[1:], late])
    assert (found.new, found.gaps) == ([(late, 1)], [])


def test_nothing_is_removed_when_it_leaves_the_window():
    kept = tables(steady(0, 20), steady(5 * 60, 20))
    assert len(kept.rows) == 25


def test_rows_beyond_the_allowed_lateness_are_taken_all_the_same():
    kept = tables(steady(0, 20))
    assert len(kept.apply([*steady(0, 20), opening(1)]).new) == 1


# What a row says.


def test_a_rename_is_a_change_and_no_row():
    before = [opening(second, "tom") for second in (0, 60, 120)]
    after = [row._replace(account="thomas") for row in before]
    kept = tables(before)
    found = kept.apply(after)
    assert found.new == []
    assert [row.account for _, row in found.changed] == ["thomas"] * 3
    assert kept.told() == after
    assert kept.rows[2].revisions == [before[1]]


def test_a_row_rewritten_altogether_is_a_change_and_no_row():
    kept = tables([opening(0), opening(60), opening(120)])
    other = OpeningRow(text_of(60), "ann", "garage", "Call", False)
    assert kept.apply([opening(0), other, opening(120)]).new == []
    assert kept.rows[2].row == other


def test_a_picture_that_arrives_is_a_change():
    kept = tables([opening()])
    found = kept.apply([opening(picture=SIDE_BY_SIDE)])
    assert (found.new, found.changed) == ([], [(1, opening(picture=SIDE_BY_SIDE))])


def test_a_thumbnail_that_arrives_is_a_change():
    kept = tables([opening(picture=SIDE_BY_SIDE)])
    told = opening(picture=SIDE_BY_SIDE, thumbnail="https://pictures.example/small.jpg")
    assert kept.apply([told]).changed == [(1, told)]


def test_an_empty_picture_never_erases_one():
    kept = tables([opening(picture=SIDE_BY_SIDE, thumbnail="https://pictures.example/small.jpg")])
    found = kept.apply([opening()])
    assert (found.new, found.changed) == ([], [])
    renamed = kept.apply([opening(account="thomas")])
    assert [row.picture for _, row in renamed.changed] == [SIDE_BY_SIDE]


def test_another_query_means_the_same_picture():
    kept = tables([opening(picture=f"{SIDE_BY_SIDE}#a")])
    told = opening(picture=f"{SIDE_BY_SIDE}?signature=2#b")
    found = kept.apply([told])
    assert (found.new, found.changed, found.readdressed) == ([], [], [(1, told)])


def test_a_picture_tells_renamed_rows_of_one_second_apart():
    first, second = (opening(picture=f"https://pictures.example/{n}.jpg") for n in (1, 2))
    kept = tables([opening(-60), first, second._replace(account="ann")])
    renamed = [first._replace(account="zoe"), second._replace(account="bob")]
    kept.apply([opening(-60), *renamed])
    by_picture = {
        row.row.picture: (row.revisions[0].account, row.row.account) for row in list(kept.rows.values())[1:]
    }
    assert by_picture == {first.picture: ("tom", "zoe"), second.picture: ("ann", "bob")}


def test_a_picture_that_arrives_goes_to_the_double_that_has_none():
    kept = tables([opening(-60), opening(picture=SIDE_BY_SIDE), opening()])
    other = "https://pictures.example/2.jpg"
    found = kept.apply([opening(-60), opening(), opening(picture=other)])
    assert [row.picture for _, row in found.changed] == [other]
    assert sorted(row.picture for row in kept.told()[1:]) == [SIDE_BY_SIDE, other]


THUMBNAIL = "https://pictures.example/small"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # What is alike in everything stays, though another order of names would pair it with a renamed row.
        (
            [opening(0, "ann", picture=SIDE_BY_SIDE), opening(0, "tom", picture=SIDE_BY_SIDE)],
            [opening(0, "zoe", picture=SIDE_BY_SIDE), opening(0, "tom", picture=SIDE_BY_SIDE)],
        ),
        (
            [opening(0, "ann", thumbnail=THUMBNAIL), opening(0, "tom", thumbnail=THUMBNAIL)],
            [opening(0, "zoe", thumbnail=THUMBNAIL), opening(0, "tom", thumbnail=THUMBNAIL)],
        ),
        # The same where one picture stands for several rows.
        (
            [opening(0, name, picture=SIDE_BY_SIDE) for name in ("ann", "tom")],
            [opening(0, name, picture=SIDE_BY_SIDE, thumbnail=THUMBNAIL) for name in ("zoe", "tom")],
        ),
        (
            [opening(0, name, thumbnail=THUMBNAIL) for name in ("ann", "tom")],
            [opening(0, name, picture=SIDE_BY_SIDE, thumbnail=THUMBNAIL) for name in ("zoe", "tom")],
        ),
        # A picture, or a thumbnail, is worth more than a name.
        (
            [opening(0, "ann", picture=f"{SIDE_BY_SIDE}1"), opening(0, "tom", picture=f"{SIDE_BY_SIDE}2")],
            [opening(0, "zoe", picture=f"{SIDE_BY_SIDE}1"), opening(0, "bob", picture=f"{SIDE_BY_SIDE}2")],
        ),
        (
            [opening(0, "ann", thumbnail=f"{THUMBNAIL}1"), opening(0, "tom", thumbnail=f"{THUMBNAIL}2")],
            [opening(0, "zoe", thumbnail=f"{THUMBNAIL}1"), opening(0, "bob", thumbnail=f"{THUMBNAIL}2")],
        ),
        # A thumbnail that is there already tells which of two doubles the picture belongs to, and the reverse.
        (
            [opening(thumbnail=f"{THUMBNAIL}1"), opening(thumbnail=f"{THUMBNAIL}2")],
            [
                opening(0, picture=f"{SIDE_BY_SIDE}9", thumbnail=f"{THUMBNAIL}1"),
                opening(0, picture=f"{SIDE_BY_SIDE}8", thumbnail=f"{THUMBNAIL}2"),
            ],
        ),
        (
            [opening(picture=f"{SIDE_BY_SIDE}1"), opening(picture=f"{SIDE_BY_SIDE}2")],
            [
                opening(picture=f"{SIDE_BY_SIDE}1", thumbnail=f"{THUMBNAIL}9"),
                opening(picture=f"{SIDE_BY_SIDE}2", thumbnail=f"{THUMBNAIL}8"),
            ],
        ),
        # Of two that were renamed, each stays at its door; of two doors that were renamed, each keeps its people.
        (
            [opening(0, "ann", "back"), opening(0, "tom", "front")],
            [opening(0, "zoe", "back"), opening(0, "bob", "front")],
        ),
        (
            [opening(0, "ann", "back"), opening(0, "tom", "front")],
            [opening(0, "ann", "yard"), opening(0, "tom", "attic"), opening(0, "bob", "hall")],
        ),
        # Alike but for the picture, where neither has another to go to.
        (
            [opening(0, "ann", picture=f"{SIDE_BY_SIDE}1"), opening(0, "tom", picture=f"{SIDE_BY_SIDE}2")],
            [
                opening(0, "ann", picture=f"{SIDE_BY_SIDE}8"),
                opening(0, "tom", picture=f"{SIDE_BY_SIDE}7"),
                opening(0, "bob", picture=f"{SIDE_BY_SIDE}6"),
            ],
        ),
        (
            [CallRow(text_of(0), "Back", "1"), CallRow(text_of(0), "Front", "2")],
            [CallRow(text_of(0), "Yard", "1"), CallRow(text_of(0), "Attic", "2")],
        ),
        (
            [CallRow(text_of(0), "Back", "1"), CallRow(text_of(0), "Front", "2")],
            [
                CallRow(text_of(0), name, sip)
                for name, sip in (("Back", "9"), ("Front", "8"), ("Cellar", "7"))
            ],
        ),
        # A call without an address is no more like another without one than like any.
        (
            [CallRow(text_of(0), "Back", ""), CallRow(text_of(0), "Front", "2")],
            [CallRow(text_of(0), "Back", "9"), CallRow(text_of(0), "Front", "")],
        ),
    ],
)
def test_rows_of_one_second_keep_what_they_were(before, after):
    window = Window(9, text_of(-9000), text_of(0))
    found = find_new({text_of(0): list(enumerate(before))}, after, window, lateness=LATENESS)
    pairs = enumerate(zip(before, after, strict=False))
    expected = [(row_id, row) for row_id, (was, row) in pairs if row != was]
    assert found.new == [(row, len(before) + 1) for row in after[len(before) :]]
    assert sorted(found.changed) == expected


def test_a_row_alike_in_everything_is_met_before_one_with_the_same_picture():
    full = opening(picture=SIDE_BY_SIDE, thumbnail=THUMBNAIL)
    kept = tables([opening(-60), opening(picture=SIDE_BY_SIDE), full])
    assert kept.apply([opening(-60), opening(), full]).changed == []


def test_a_picture_does_not_go_to_somebody_else_where_names_and_doors_changed_at_once():
    before = [opening(0, "ann", "front", f"{SIDE_BY_SIDE}1"), opening(0, "tom", "front", f"{SIDE_BY_SIDE}2")]
    after = [opening(0, "zoe", "yard"), opening(0, "bob", "yard")]
    kept = tables([opening(-60), *before])
    assert kept.apply([opening(-60), *after]).changed == []
    told = [row._replace(picture=old.picture) for row, old in zip(after, before, strict=True)]
    assert sorted(row for _, row in kept.apply([opening(-60), *told]).changed) == sorted(told)


def test_what_was_refused_stays_refused_where_names_and_doors_changed_at_once():
    before = [opening(0, "ann", "front"), opening(0, "tom", "front")._replace(is_success=False)]
    after = [opening(0, "zoe", "yard"), opening(0, "bob", "yard")._replace(is_success=False)]
    kept = tables([opening(-60), *before])
    assert sorted(kept.apply([opening(-60), *after]).changed) == [(2, after[0]), (3, after[1])]


def test_a_row_keeps_its_picture_when_the_answer_tells_none_and_a_double_gets_one():
    kept = tables([opening(-60), opening(picture=SIDE_BY_SIDE), opening(account="ann")])
    kept.apply([opening(-60), opening(), opening(account="ann", picture=f"{SIDE_BY_SIDE}2")])
    assert {row.account: row.picture for row in kept.told()[1:]} == {
        "tom": SIDE_BY_SIDE,
        "ann": f"{SIDE_BY_SIDE}2",
    }


def test_calls_are_matched_like_openings():
    stored = {text_of(0): [(1, CallRow(text_of(0), "Front", "100")), (2, CallRow(text_of(0), "Back", "200"))]}
    answer = [
        CallRow(text_of(0), "Garden", "200"),
        CallRow(text_of(0), "Front", "100"),
        CallRow(text_of(0), "Front", "100"),
        CallRow(text_of(9), "", ""),
    ]
    found = find_new(stored, answer, Window(9, text_of(-9000), text_of(0)), lateness=LATENESS)
    assert found.new == [(CallRow(text_of(0), "Front", "100"), 3), (CallRow(text_of(9), "", ""), 1)]
    assert found.changed == [(2, CallRow(text_of(0), "Garden", "200"))]


def test_a_call_rewritten_altogether_is_a_change_but_not_where_it_may_be_another():
    stored = {text_of(0): [(1, CallRow(text_of(0), "Front", "100"))]}
    told = CallRow(text_of(0), "Back", "200")
    window = Window(1, text_of(-9000), text_of(0))
    found = find_new(stored, [told, CallRow(text_of(-9), "", "")], window, lateness=LATENESS)
    assert found.changed == [(1, told)]
    for name, sip, expected in [("Back", "200", 0), ("Front", "200", 1), ("Back", "100", 1)]:
        told = CallRow(text_of(0), name, sip)
        found = find_new(stored, [told], window, lateness=LATENESS)
        assert (len(found.new), len(found.changed)) == (0, expected)


def test_part_of_a_second_does_not_rename_a_call():
    stored = {
        text_of(0): [(1, CallRow(text_of(0), "Front", "100")), (2, CallRow(text_of(0), "Front", "100"))]
    }
    found = find_new(
        stored, [CallRow(text_of(0), "Back", "100")], Window(1, text_of(-9000)), lateness=LATENESS
    )
    assert (found.new, found.changed) == ([], [])


# Part of a second.


def test_rows_missing_from_the_oldest_second_are_kept_and_do_not_come_back_doubled():
    edge = [opening(0, name) for name in ("ann", "bob", "cid")]
    kept = tables([*edge, *steady(60, 20)])
    for shown in (edge[1:], edge[:1], edge[1:2], edge):
        found = kept.apply([*shown, *steady(60, 20)])
        assert (found.new, found.changed) == ([], [])
    assert len(kept.rows) == 23


def test_an_oldest_second_told_by_other_rows_each_time_is_not_rewritten():
    edge = [opening(0, "ann", "front"), opening(0, "bob", "back")]
    kept = tables([edge[0], *steady(60, 20)])
    for shown in (edge[1], edge[0], edge[1]):
        found = kept.apply([shown, *steady(60, 20)])
        assert (found.new, found.changed) == ([], [])


def test_an_oldest_second_is_renamed_where_it_has_enough_in_common():
    kept = tables([opening(0, "ann", "front"), *steady(60, 20)])
    for told in (opening(0, "anna", "front"), opening(0, "anna", "entrance")):
        assert [row for _, row in kept.apply([told, *steady(60, 20)]).changed] == [told]


def test_an_oldest_second_is_not_rewritten_by_a_row_with_another_picture():
    edge = [opening(0, name, picture=f"https://pictures.example/{name}.jpg") for name in ("ann", "bob")]
    kept = tables([edge[0], *steady(60, 20)])
    assert kept.apply([edge[1], *steady(60, 20)]).changed == []


def test_part_of_a_second_does_not_rename_the_row_of_somebody_else():
    edge = [opening(0, "ann"), opening(0, "bob")]
    kept = tables([*edge, *steady(60, 20)])
    found = kept.apply([opening(0, "robert"), *steady(60, 20)])
    assert (found.new, found.changed) == ([], [])
    found = kept.apply([opening(0, "ann", picture=SIDE_BY_SIDE), *steady(60, 20)])
    assert found.changed == [(1, opening(0, "ann", picture=SIDE_BY_SIDE))]


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


# Any second.

seconds = st.lists(
    st.builds(
        opening,
        account=st.sampled_from("ab"),
        device=st.sampled_from("xy"),
        picture=st.sampled_from(["", "p?1", "p?2", "q"]),
        thumbnail=st.sampled_from(["", "s"]),
        kind=st.sampled_from(["Face", "Call"]),
    ),
    max_size=5,
)


def second_of(stored, answer):
    entries = {text_of(0): stored}
    return find_new(entries, answer, Window(99, text_of(-9000), text_of(0)), lateness=LATENESS)


def written(stored, found):
    told = dict(found.changed) | dict(found.readdressed)
    kept = [(row_id, told.get(row_id, row)) for row_id, row in stored]
    return kept + [(number, row) for row, number in found.new]


@given(seconds, seconds, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_of_a_second_makes_no_difference(stored, answer, rng):
    entries = list(enumerate(stored, start=1))
    found = second_of(entries, answer)
    rng.shuffle(entries)
    assert second_of(entries, rng.sample(answer, len(answer))) == found


@given(seconds, seconds)
@settings(max_examples=300, deadline=None)
def test_a_second_holds_as_many_rows_as_were_ever_told_at_once(stored, answer):
    entries = list(enumerate(stored, start=1))
    found = second_of(entries, answer)
    assert len(found.new) == max(0, len(answer) - len(stored))
    told = [row_id for row_id, _ in found.changed + found.readdressed]
    assert len(told) == len(set(told))
    after = written(entries, found)
    assert [row_id for row_id, _ in after] == list(range(1, len(after) + 1))
    before = dict(entries)
    assert all(row.picture for row_id, row in after if row_id in before and before[row_id].picture)


@given(seconds, seconds)
@settings(max_examples=300, deadline=None)
def test_a_second_told_again_is_left_as_it_is(stored, answer):
    entries = list(enumerate(stored, start=1))
    after = written(entries, second_of(entries, answer))
    found = second_of(after, answer)
    assert (found.new, found.changed) == ([], [])


# Any stream.

ACTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 12)),
    st.tuples(
        st.just("open"),
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(0, 20)),
        st.sampled_from([0, 0, 0, 50]),
    ),
    st.tuples(st.just("open"), st.just(0), st.just(0), st.just(0), st.none(), st.just(0)),
    st.tuples(st.just("rename_account"), st.integers(0, 2)),
    st.tuples(st.just("rename_device"), st.integers(0, 1)),
    st.tuples(st.just("poll")),
    st.tuples(st.just("hold")),
    st.tuples(st.just("deliver"), st.integers(0, 3)),
)


def world_after(acts, size, seed, *, knows_size):
    world = World(Random(seed), size, lateness=5, knows_size=knows_size)
    for name, *values in acts:
        if name == "open":
            account, device, late, picture_after, ahead = values
            world.open(account, device, late=late, picture_after=picture_after, ahead=ahead)
        else:
            getattr(world, name)(*values)
    return world


worlds = st.builds(
    world_after,
    st.lists(ACTS, max_size=60),
    st.integers(1, 7),
    st.integers(0, 2**16),
    knows_size=st.booleans(),
)


@given(worlds)
@settings(max_examples=1000, deadline=None)
def test_every_row_is_stored_once_or_lies_in_a_gap(world):
    verdict = world.finish()
    assert (verdict.lost_in_silence, verdict.doubled) == (0, 0)
    # An old answer can name people and doors otherwise and without pictures, at once: nothing then tells rows apart.
    assert verdict.mistold == 0 or world.is_stale


def test_three_hundred_lives_lose_nothing_in_silence_and_double_nothing():
    total, broken = soak(range(300))
    assert broken == []
    assert (total.lost_in_silence, total.doubled, total.mistold) == (0, 0, 0)
    # The streams are worth something only while they outrun the window, rename, and repeat themselves.
    assert min(total.lost_in_gaps, total.renames, total.exact_doubles, total.gaps) > 1000
    print(total)


@given(worlds, st.integers(0, 100), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_an_equal_answer_later_in_any_order_finds_nothing(world, later, rng):
    world.upstream.turns_queries = False
    answer, asked = world.ask()
    world.tables.apply(answer, asked)
    before = world.tables.window
    rng.shuffle(answer)
    found = world.tables.apply(answer, text_of(world.now + later))
    assert (found.new, found.changed, found.gaps) == ([], [], [])
    assert found.window._replace(newest="") == before._replace(newest="")


@given(worlds, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_an_answer_makes_no_difference(world, rng):
    answer, asked = world.ask()
    other = copy.deepcopy(world.tables)
    world.tables.apply(answer, asked)
    rng.shuffle(answer)
    other.apply(answer, asked)
    assert other == world.tables  # ids among them


@given(worlds, st.integers(0, 10))
@settings(max_examples=150, deadline=None)
def test_a_write_that_was_cut_off_and_done_again_gives_the_same_tables(world, written):
    answer, asked = world.ask()
    cut_off = copy.deepcopy(world.tables)
    cut_off.apply(answer, asked, killed_after=written)
    cut_off.apply(answer, asked)
    world.tables.apply(answer, asked)
    assert cut_off.told() == world.tables.told()
    assert (cut_off.gaps, cut_off.window) == (world.tables.gaps, world.tables.window)


def test_a_killed_sync_at_any_of_its_answers_ends_in_the_same_tables():
    for seed in range(8):
        world = live(seed)
        answer, asked = world.ask()
        clean = copy.deepcopy(world.tables)
        clean.apply(answer, asked)
        for written in (0, 1, len(answer) // 2, len(answer)):
            cut_off = copy.deepcopy(world.tables)
            cut_off.apply(answer, asked, killed_after=written)
            cut_off.apply(answer, asked)
            assert cut_off.told() == clean.told()
            assert (cut_off.gaps, cut_off.window) == (clean.gaps, clean.window)
