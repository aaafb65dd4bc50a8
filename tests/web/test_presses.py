"""A press is one person's, for one purpose, once; everything else is refused."""

import pytest
import time_machine
from django.core import signing

from portal.web.presses import MAX_AGE_SECONDS, SALT, PressInvalid, new_press, read_press


def test_a_press_is_read_by_whom_it_was_made_for() -> None:
    token = new_press(1, "open:door")
    assert read_press(token, 1, "open:door") == read_press(token, 1, "open:door")


def test_two_presses_have_two_names() -> None:
    assert read_press(new_press(1, "x"), 1, "x") != read_press(new_press(1, "x"), 1, "x")


@pytest.mark.parametrize(("user", "purpose"), [(2, "open:door"), (1, "open:other"), (1, "")])
def test_a_press_of_somebody_or_something_else_is_refused(user: int, purpose: str) -> None:
    with pytest.raises(PressInvalid):
        read_press(new_press(1, "open:door"), user, purpose)


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c", "\x00", "é:ü:x"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(PressInvalid):
        read_press(token, 1, "open:door")


@pytest.mark.parametrize("held", ["text", {"a": 1}, None, 7, [], [1, "open:door"]])
def test_a_signed_token_that_is_no_press_is_refused(held: object) -> None:
    with pytest.raises(PressInvalid):
        read_press(signing.dumps(held, salt=SALT), 1, "open:door")


def test_a_token_signed_for_something_else_is_refused() -> None:
    with pytest.raises(PressInvalid):
        read_press(signing.dumps([1, "open:door", "n"]), 1, "open:door")


def test_a_changed_press_is_refused() -> None:
    token = new_press(1, "open:door")
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(PressInvalid):
            read_press(changed, 1, "open:door")


def test_a_press_ends_with_the_longest_session() -> None:
    with time_machine.travel("2026-11-22T08:00:00Z", tick=False) as clock:
        token = new_press(1, "x")
        clock.shift(MAX_AGE_SECONDS - 1)
        assert read_press(token, 1, "x")
        clock.shift(2)
        with pytest.raises(PressInvalid):
            read_press(token, 1, "x")


def test_a_press_tells_nothing_secret_and_fits_its_column() -> None:
    assert len(read_press(new_press(2**40, "p" * 200), 2**40, "p" * 200)) <= 64
