"""What holds for any second, and for any stream of answers."""

import copy
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from access.history import Window, find_new
from tests.access.history_model import World, live, soak, text_of
from tests.access.history_rows import LATENESS, opening

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
