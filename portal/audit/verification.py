"""Walks the whole chain and says the first place where it does not hold."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from portal.audit.chain import SIGNED, canonical, key_ring, read_heads, sign
from portal.audit.models import Entry
from portal.audit.triggers import missing_triggers

CHUNK = 2_000


@dataclass(frozen=True)
class Verdict:
    """What a walk over the chain found. ``broken_at`` is the first bad number, ``reason`` how it is bad."""

    entries: int
    heads: int
    broken_at: int | None = None
    reason: str = ""
    unprotected: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.reason and not self.unprotected


def verify(on_progress: Callable[[int], None] = lambda count: None) -> Verdict:
    """Check every entry against its signature, its neighbour and the heads kept outside the database.

    A database behind the heads was cut or restored: broken. Heads behind the database are an honest crash
    between the commit and the line. Raises KeyMissing when a key is not in the file: then nothing can be said.
    """
    heads: dict[int, str] = {}
    for number, mac in read_heads():
        if heads.setdefault(number, mac) != mac:
            return Verdict(
                0, len(heads), number, "two different heads were kept for this number: history was rewritten"
            )
    checked, previous, expected = 0, "", 1
    columns = (*SIGNED, "canonical", "mac")
    key_place, number_place = SIGNED.index("key_id"), SIGNED.index("number")
    keys: dict[str, bytes] = {}
    for values in Entry.objects.order_by("number").values_list(*columns).iterator(chunk_size=CHUNK):
        signed, text, mac = values[:-2], values[-2], values[-1]
        number, key_id = signed[number_place], signed[key_place]
        if number != expected:
            return Verdict(
                checked, len(heads), expected, f"number {expected} is missing: the next one is {number}"
            )
        if canonical(signed) != text:
            return Verdict(checked, len(heads), number, "a column differs from what was signed")
        if key_id not in keys:
            keys[key_id] = key_ring.get(key_id)
        if not hmac.compare_digest(sign(keys[key_id], previous, text), mac):
            return Verdict(
                checked, len(heads), number, "the signature does not fit the entry and the one before it"
            )
        if heads.get(number, mac) != mac:
            return Verdict(checked, len(heads), number, "it differs from the head kept outside the database")
        previous, expected, checked = mac, number + 1, checked + 1
        if checked % CHUNK == 0:
            on_progress(checked)
    newest = max(heads, default=0)
    if newest > checked:
        return Verdict(
            checked,
            len(heads),
            checked + 1,
            f"the database ends at {checked}, but {newest} was written: its end was cut, or an old one was put back",
        )
    return Verdict(checked, len(heads), unprotected=tuple(missing_triggers(connection)))
