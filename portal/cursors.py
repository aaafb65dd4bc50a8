"""Cursors: where one page of a list ends and the next begins, signed, and as a condition that an index can serve."""

from typing import Any

from django.core import signing
from django.db.models import Q


def write_cursor(purpose: str, *place: str | int | bool) -> str:
    """The place as text for an address; ``purpose`` names the list and its order."""
    return signing.dumps(place, salt=f"gatehouse.cursor.{purpose}", compress=True)


def read_cursor(purpose: str, cursor: str, *kinds: type) -> list[Any] | None:
    """The place that was written for the same purpose, its parts of these kinds; None, the top, for anything else."""
    try:
        place = signing.loads(cursor, salt=f"gatehouse.cursor.{purpose}") if cursor else ()
    except signing.BadSignature:
        return None
    # One that was written by an earlier version may look otherwise.
    is_ours = len(place) == len(kinds) and all(map(isinstance, place, kinds))
    return list(place) if cursor and is_ours else None


def beyond(column: str, value: object, pk: int, *, is_descending: bool = False) -> Q:
    """Rows that come after the place in an order by ``column`` and then the number.

    The bound on the column stands by itself, so that an index can begin there: the usual (a > x OR (a = x AND
    b > y)) makes both databases scan.
    """
    way = "lt" if is_descending else "gt"
    return Q(**{f"{column}__{way}e": value}) & (Q(**{f"{column}__{way}": value}) | Q(**{f"pk__{way}": pk}))
