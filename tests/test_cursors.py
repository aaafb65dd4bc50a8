"""Cursors: a place in a list goes into an address and comes back, and nothing else does."""

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
        write_cursor("families", "Núñez", 7)[:-1] + "-",
        write_cursor("families", "Núñez"),
        write_cursor("families", 7, "Núñez"),
    ],
    ids=["none", "forged", "of another list", "changed", "too short", "of other kinds"],
)
def test_whatever_else_is_the_top_of_the_list(cursor: str) -> None:
    assert read_cursor("families", cursor, str, int) is None
