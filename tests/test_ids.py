"""Ids in addresses: random, or hidden so that only we can read them, in one way of writing alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ids import PUBLIC_ID_LENGTH, find_hidden, hidden_id, new_public_id

SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_public_ids_are_long_enough_never_to_meet() -> None:
    made = {new_public_id() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(one) for one in made} == {PUBLIC_ID_LENGTH}


@given(st.integers(0, 2**63 - 1))
def test_a_hidden_number_comes_back_and_cannot_be_read(number: int) -> None:
    hidden = hidden_id(number, "opening")
    assert find_hidden(hidden, "opening") == number
    assert len(hidden) == PUBLIC_ID_LENGTH
    assert number.to_bytes(8, "big") not in base64.urlsafe_b64decode(hidden + "==")


def test_neighbours_look_nothing_alike() -> None:
    first, second = hidden_id(1, "opening"), hidden_id(2, "opening")
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 8


def test_what_was_hidden_for_one_purpose_is_nothing_for_another() -> None:
    assert find_hidden(hidden_id(7, "opening"), "session") is None


def test_there_is_one_way_to_write_an_id() -> None:
    hidden = hidden_id(7, "opening")
    others = {hidden[:-1] + sign for sign in SIGNS} - {hidden}
    others |= {hidden + "=", hidden + "==", hidden + " ", hidden.swapcase(), hidden[:-1], f"{hidden}A"}
    assert {find_hidden(other, "opening") for other in others} == {None}


@pytest.mark.parametrize("text", ["", "x", "A" * 22, "ü" * 22, "\0" * 22, "A" * 100_000, "7"])
def test_what_we_never_made_is_nothing(text: str) -> None:
    assert find_hidden(text, "opening") is None
