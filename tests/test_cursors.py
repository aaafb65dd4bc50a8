"""Cursors: a place in a list goes into an address and comes back, and nothing else does."""

import base64

import pytest

from portal.cursors import read_cursor, write_cursor


def test_a_place_comes_back_as_it_was() -> None:
    assert read_cursor("families", write_cursor("families", "Núñez", 7), str, int) == ["Núñez", 7]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "forged",
        write_cursor("doors", "Núñez", 7),
        write_cursor("families", "Núñez", 7)[:-4] + "----",
        "\u202e\ud83d",
        "=",
        write_cursor("families", "Núñez"),
        write_cursor("families", 7, "Núñez"),
    ],
    ids=[
        "none",
        "forged",
        "of another list",
        "changed",
        "of other signs",
        "of no signs",
        "too short",
        "of other kinds",
    ],
)
def test_whatever_else_is_the_top_of_the_list(cursor: str) -> None:
    assert read_cursor("families", cursor, str, int) is None


def test_nothing_of_a_place_can_be_read_from_it() -> None:
    cursor = write_cursor("families", "Núñez", 7_350_000_001)
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"7350000001" not in plain
    assert "Núñez".encode() not in plain


def test_the_same_place_has_the_same_address() -> None:
    assert write_cursor("log", "x", 1) == write_cursor("log", "x", 1)
    assert write_cursor("log", "x", 1) != write_cursor("doors", "x", 1)
