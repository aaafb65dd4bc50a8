"""Cursors: where one page of a list ends and the next begins, sealed, and as a condition that an index can serve."""

import base64
import binascii
import hashlib
import json
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


def write_cursor(purpose: str, *place: str | int | bool) -> str:
    """The place as text for an address; ``purpose`` names the list and its order.

    Design decision: sealed and not only signed. A place holds a row's number, and how many there are is nobody's
    business; it holds names, too, which an address would carry into logs and histories. The same place gives the
    same text.
    """
    sealed = _cipher(purpose).encrypt(json.dumps(place, separators=(",", ":")).encode(), None)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def read_cursor(purpose: str, cursor: str, *kinds: type) -> list[Any] | None:
    """The place that was written for the same purpose, its parts of these kinds; None, the top, for anything else."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = json.loads(_cipher(purpose).decrypt(sealed, None))
    except (binascii.Error, ValueError, InvalidTag):
        return None
    # One that was written by an earlier version may look otherwise.
    is_ours = len(place) == len(kinds) and all(map(isinstance, place, kinds))
    return place if is_ours else None


@lru_cache(maxsize=16)
def _cipher(purpose: str) -> AESSIV:
    return AESSIV(hashlib.sha512(f"cursor|{purpose}|{settings.SECRET_KEY}".encode()).digest())


def beyond(column: str, value: object, pk: int, *, is_descending: bool = False) -> Q:
    """Rows that come after the place in an order by ``column`` and then the number.

    The bound on the column stands by itself, so that an index can begin there: the usual (a > x OR (a = x AND
    b > y)) makes both databases scan.
    """
    way = "lt" if is_descending else "gt"
    return Q(**{f"{column}__{way}e": value}) & (Q(**{f"{column}__{way}": value}) | Q(**{f"pk__{way}": pk}))


def page_of(
    found: QuerySet[Row], column: str, purpose: str, size: int, *, before: str = "", after: str = ""
) -> tuple[list[Row], str, str]:
    """The rows of a page in the order of a text ``column`` and then the number, and the cursors to what is before
    and after it, "" where there is nothing that way. A cursor that is not ours begins at the top. One query."""
    place = read_cursor(purpose, after or before, str, int)
    backwards = bool(before) and not after and place is not None
    if place is not None:
        found = found.filter(beyond(column, *place, is_descending=backwards))
    found = found.order_by(column, "pk")
    rows = list((found.reverse() if backwards else found)[: size + 1])
    has_more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return [], "", ""
    # Whoever came here by a cursor came from the other side, where at least one row was.
    has_before = has_more if backwards else place is not None
    has_after = True if backwards else has_more
    text_of = attrgetter(column.replace("__", "."))
    first, last = (write_cursor(purpose, text_of(row), row.pk) for row in (rows[0], rows[-1]))
    return rows, first if has_before else "", last if has_after else ""
