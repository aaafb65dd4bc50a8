"""Which rows of an answer are new, and which are stored rows that say something else now."""

import pytest

from access.history import CallRow, OpeningRow, Window, find_new
from tests.access.history_model import text_of
from tests.access.history_rows import LATENESS, SIDE_BY_SIDE, opening, steady, tables

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
