"""Walks the whole chain and says the first place where it does not hold."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from portal.audit.agreement import first_disagreement
from portal.audit.chain import SIGNED, canonical, key_ring, read_heads, sign
from portal.audit.models import Entry
from portal.audit.triggers import missing_triggers

CHUNK = 2_000
# So many entries at the end may be without a head: what a crash, or some writers at the same moment, can leave.
HEADS_BEHIND = 64
_MAC_BYTES = 32
_NUMBER, _KEY_ID = SIGNED.index("number"), SIGNED.index("key_id")


@dataclass(frozen=True)
class Verdict:
    """What a walk over the chain found. ``broken_at`` is the first bad number, ``reason`` how it is bad.

    ``broken_at`` is None with a reason where the fault has no number: a command that no entry speaks of.
    ``unprotected`` names the triggers that are missing or changed: the entries may hold, but nothing refuses to
    change them.
    """

    entries: int
    heads: int
    broken_at: int | None = None
    reason: str = ""
    unprotected: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether every entry holds and nothing could have changed one unnoticed."""
        return not self.reason and not self.unprotected


class Broken(Exception):
    """An entry does not hold: its number, and how."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"{number}: {reason}")
        self.number = number
        self.reason = reason


def verify(on_progress: Callable[[int], None] = lambda count: None) -> Verdict:
    """Check every entry against its signature, its neighbour and the heads kept outside the database.

    A database behind the heads was cut or restored: broken. Heads a little behind the database are an honest crash
    between the commit and the line; further behind, or none, the file was cut: broken. Then each command must
    agree with its entries. Raises KeyMissing when a key is not in the file: then nothing can be said. Counts the
    entries before it reads the heads, and those before the entries, so that what is written meanwhile is no false
    alarm. 32 bytes of memory for each entry, whatever the numbers say.
    """
    walk = _Walk()
    try:
        walk.read_heads()
        walk.read_entries(on_progress)
        walk.check_newest_head()
    except Broken as broken:
        return Verdict(walk.entries, walk.heads, broken.number, broken.reason)
    if differs := first_disagreement():
        return Verdict(walk.entries, walk.heads, *differs)
    return Verdict(walk.entries, walk.heads, unprotected=tuple(missing_triggers(connection)))


class _Walk:
    def __init__(self) -> None:
        self.entries = 0
        self.heads = 0
        self._newest_head = 0
        self._expected = 0
        self._kept = bytearray()

    def read_heads(self) -> None:
        """Remember the kept head of each number that the database has; one number with two heads is Broken."""
        # How many there are, not the largest number: that one may be anything in a database that was changed.
        self._expected = Entry.objects.count()
        self._kept = bytearray(_MAC_BYTES * self._expected)
        for number, mac in read_heads():
            self._newest_head = max(self._newest_head, number)
            if number > self._expected:
                continue
            self.heads += 1
            place = slice((number - 1) * _MAC_BYTES, number * _MAC_BYTES)
            if any(self._kept[place]) and self._kept[place] != mac:
                raise Broken(number, "two different heads were kept for this number: history was rewritten")
            self._kept[place] = mac

    def read_entries(self, on_progress: Callable[[int], None]) -> None:
        """Walk the entries in their order; Broken at the first that does not hold."""
        previous = ""
        keys: dict[str, bytes] = {}
        rows = Entry.objects.order_by("number").values_list(*SIGNED, "canonical", "mac")
        for values in rows.iterator(chunk_size=CHUNK):
            signed, text, mac = values[:-2], values[-2], values[-1]
            number, key_id = signed[_NUMBER], signed[_KEY_ID]
            _check_order(number, self.entries + 1)
            if canonical(signed) != text:
                raise Broken(number, "a column differs from what was signed")
            if key_id not in keys:
                keys[key_id] = key_ring.get(key_id)
            if not hmac.compare_digest(sign(keys[key_id], previous, text).encode(), mac.encode()):
                raise Broken(number, "the signature does not fit the entry and the one before it")
            self._check_head(number, mac)
            previous = mac
            self.entries += 1
            if self.entries % CHUNK == 0:
                on_progress(self.entries)
        if self._newest_head > self.entries:
            raise Broken(
                self.entries + 1,
                f"the database ends at {self.entries}, but {self._newest_head} was written: its end was cut, or "
                "an old one was put back",
            )

    def check_newest_head(self) -> None:
        """Broken when more entries have no head after the newest one than an honest end can leave."""
        # The first commit of all makes the file: only a crash right then leaves an entry and no head.
        allowed = HEADS_BEHIND if self._newest_head else 1
        behind = self._expected - self._newest_head
        if behind > allowed:
            raise Broken(
                self._newest_head + 1,
                f"the heads kept outside the database end at {self._newest_head}, {behind} entries later ones have "
                "none: the file was cut or replaced",
            )

    def _check_head(self, number: int, mac: str) -> None:
        kept = self._kept[(number - 1) * _MAC_BYTES : number * _MAC_BYTES]
        if any(kept) and kept.hex() != mac:
            raise Broken(number, "it differs from the head kept outside the database")


def _check_order(number: int, expected: int) -> None:
    if number > expected:
        raise Broken(expected, f"number {expected} is missing: the next one is {number}")
    if number < expected:
        raise Broken(number, "no entry can have this number")
