from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from access.sync.matching import AFTER, BEFORE, Opened, Press, match

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DOOR, OTHER = (1, "Front Door"), (1, "Garage")


def press(number, at=0.0, place=DOOR, took=1.0, ahead=0.0):
    sent = NOON + timedelta(seconds=at)
    return Press(number, place, sent, sent + timedelta(seconds=took), timedelta(seconds=ahead))


def opened(number, at=0.0, place=DOOR):
    return Opened(number, place, (NOON + timedelta(seconds=at)).replace(microsecond=0))


presses = st.lists(
    st.builds(
        lambda at, place, took, ahead: (at, place, took, ahead),
        st.floats(0, 200),
        st.sampled_from([DOOR, OTHER]),
        st.floats(0, 8),
        st.sampled_from([0.0, -30.0, 120.0]),
    ),
    max_size=6,
).map(lambda rows: [press(number, *row) for number, row in enumerate(rows)])
openings = st.lists(st.tuples(st.integers(-40, 320), st.sampled_from([DOOR, OTHER])), max_size=8).map(
    lambda rows: [opened(100 + number, *row) for number, row in enumerate(rows)]
)


def fits(press, opening):
    return press.place == opening.place and press.begins <= opening.at <= press.ends


def every_pairing(presses, openings):
    """All ways of pairing, by brute force."""
    if not presses:
        return [{}]
    first, *rest = presses
    found = every_pairing(rest, openings)
    return found + [
        {first.id: opening.id} | pairing
        for opening in openings
        if fits(first, opening)
        for pairing in every_pairing(rest, [one for one in openings if one is not opening])
    ]


@given(presses, openings)
def test_a_pair_fits_and_is_one_to_one(presses, openings):
    found = match(presses, openings)
    by_id = {one.id: one for one in [*presses, *openings]}
    assert len(set(found.values())) == len(found)
    assert all(fits(by_id[press_id], by_id[opening_id]) for press_id, opening_id in found.items())


@given(presses, openings, st.randoms())
def test_the_order_makes_no_difference(presses, openings, chance):
    found = match(presses, openings)
    chance.shuffle(presses)
    chance.shuffle(openings)
    assert match(presses, openings) == found


@given(presses.filter(lambda rows: len(rows) <= 4), openings.filter(lambda rows: len(rows) <= 5))
def test_exactly_what_stands_in_every_best_pairing_is_found(presses, openings):
    pairings = every_pairing(presses, openings)
    most = max(len(pairing) for pairing in pairings)
    best = [set(pairing.items()) for pairing in pairings if len(pairing) == most]
    assert set(match(presses, openings).items()) == set.intersection(*best)


@given(presses, openings)
def test_another_door_changes_nothing(presses, openings):
    elsewhere = (2, "Front Door")
    more = match([*presses, press(999, place=elsewhere)], [*openings, opened(998, place=elsewhere)])
    assert more == match(presses, openings) | {999: 998}


def test_one_press_and_its_opening():
    assert match([press(1)], [opened(2, 3)]) == {1: 2}


def test_the_edges_of_the_time():
    ends = 1.0 + AFTER.total_seconds()
    assert match([press(1)], [opened(2, -BEFORE.total_seconds())]) == {1: 2}
    assert match([press(1)], [opened(2, -BEFORE.total_seconds() - 1)]) == {}
    assert match([press(1)], [opened(2, ends)]) == {1: 2}
    assert match([press(1)], [opened(2, ends + 1)]) == {}


def test_the_history_cuts_fractions_off():
    assert match([press(1, at=5.9)], [opened(2, 0)]) == {1: 2}


def test_a_clock_that_is_ahead_is_allowed_for():
    assert match([press(1, ahead=3_600)], [opened(2, 3_602)]) == {1: 2}
    assert match([press(1, ahead=3_600)], [opened(2, 2)]) == {}


def test_two_presses_and_one_opening_stay_open():
    assert match([press(1), press(2, 3)], [opened(3, 5)]) == {}


def test_two_presses_that_could_be_the_other_way_round_stay_open():
    assert match([press(1), press(2, 3)], [opened(3, 1), opened(4, 4)]) == {}


def test_one_press_and_two_openings_stay_open():
    assert match([press(1)], [opened(2, 1), opened(3, 9)]) == {}


def test_an_opening_before_the_second_press_can_only_be_the_firsts():
    assert match([press(1), press(2, 20)], [opened(3, 1), opened(4, 21)]) == {1: 3, 2: 4}
