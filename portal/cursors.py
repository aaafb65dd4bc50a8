"""Cursors: where one page of a list ends and the next begins, sealed, and as a condition that an index can serve."""

import base64
import binascii
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.db.models import Q


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
