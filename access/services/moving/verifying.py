"""Checks a move-out's records against the trail: that each is what was signed, and that the part of the chain it lies in holds."""

import hmac
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from access.models import ItemState, MoveOut, MoveOutItem, MoveOutReading
from access.services.moving.reading import digest_of
from portal.audit.chain import SIGNED, canonical, key_ring, read_heads, sign
from portal.audit.models import Entry

CHUNK = 1_000
RECORDS = ("move_out.record", "move_out.checked", "move_out.noticed")
_NUMBER, _KEY_ID = SIGNED.index("number"), SIGNED.index("key_id")


@dataclass(frozen=True)
class Proof:
    """What a check found: ``reason`` says how something does not hold, "" where all does; ``entries`` were walked."""

    records: int
    entries: int
    first: int
    last: int
    reason: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.reason


class _Broken(Exception):
    """Something does not hold; the words say what."""


def verify(move_out: MoveOut) -> Proof:
    """Check every record of a move-out, and each entry of the trail from its begin to its last record.

    Each entry is held against its columns, its signature, the one before it and the head kept outside the database. Raises
    KeyMissing where a key is not in the file: then nothing can be said. That nothing was cut from the chain's end is asked of the
    whole of it (portal.audit.verification).
    """
    readings = list(MoveOutReading.objects.filter(move_out=move_out).order_by("number"))
    first = move_out.entry or 0
    last = max([first, *(reading.entry for reading in readings)])
    walked = 0
    try:
        if not first:
            raise _Broken("no entry of the trail tells of its begin")
        _check_begin(move_out, first)
        before = ""
        for number, one in enumerate(readings, 1):
            _check_record(move_out, one, number, before)
            before = one.digest
        _check_count(move_out, len(readings))
        for _entry in _walk(first, last):
            walked += 1
    except _Broken as broken:
        return Proof(len(readings), walked, first, last, str(broken))
    return Proof(len(readings), walked, first, last)


def list_entries(move_out: MoveOut, among: QuerySet[Entry]) -> list[Entry]:
    """Those ``among`` the entries of the trail that tell of a move-out and of what it did, in their order. Two queries."""
    items = list(MoveOutItem.objects.filter(move_out=move_out).values_list("entry", "command__command_id"))
    numbers = {entry for entry, _command in items if entry}
    commands = {command for _entry, command in items if command}
    of_itself = Q(object_kind="move_out", object_id=move_out.public_id, family=move_out.family_id)
    found = among.filter(of_itself | Q(number__in=numbers) | Q(command_id__in=commands))
    return list(found.order_by("number"))


def _check_begin(move_out: MoveOut, number: int) -> None:
    entry = Entry.objects.filter(number=number).first()
    if entry is None or entry.event != "move_out.begin" or entry.object_id != move_out.public_id:
        raise _Broken(f"entry {number} does not tell of its begin")


def _check_record(move_out: MoveOut, one: MoveOutReading, number: int, before: str) -> None:
    if one.number != number:
        raise _Broken(f"record {number} is missing")
    if digest_of(one.text) != one.digest:
        raise _Broken(f"record {number} differs from its digest")
    said = json.loads(one.text)
    columns = {
        "move_out": move_out.public_id,
        "record": one.number,
        "at": one.at.isoformat(timespec="microseconds"),
        "by": one.by_name,
        "members_read": one.has_members,
        "passes_read": one.has_passes,
        "record_before": before,
        # What the page says above the record.
        "family": move_out.family.public_id,
        "family_name": move_out.family_name,
        "made_by": move_out.made_by_name,
        "made_at": move_out.made_at.isoformat(timespec="microseconds"),
        "reason": move_out.reason,
        "who": "everybody" if move_out.is_whole else "some",
        "new_owner": move_out.new_owner_name,
    }
    for name, value in columns.items():
        if said.get(name) != value:
            raise _Broken(f"record {number} differs from its text: {name}")
    entry = Entry.objects.filter(number=one.entry).first()
    if entry is None or entry.event not in RECORDS or entry.object_id != move_out.public_id:
        raise _Broken(f"entry {one.entry} does not tell of record {number}")
    signed = json.loads(entry.parameters)
    if (signed.get("record"), signed.get("digest")) != (one.number, one.digest):
        raise _Broken(f"record {number} is not the one that entry {one.entry} tells of")
    states = Counter(item["state"] for item in said["items"])
    gone, left = states[ItemState.GONE], states[ItemState.LEFT]
    if (one.gone, one.left, one.unknown) != (gone, left, len(said["items"]) - gone - left):
        raise _Broken(f"record {number} differs from its text: what is gone, left and unknown")


def _check_count(move_out: MoveOut, records: int) -> None:
    told = Entry.objects.filter(
        event__in=RECORDS, object_kind="move_out", object_id=move_out.public_id
    ).count()
    if told != records:
        raise _Broken(f"the trail tells of {told} records, and {records} are there")


def _walk(first: int, last: int) -> Iterator[int]:
    """Each number from the first to the last entry, once it was found to hold; raises _Broken at the first that does not."""
    heads: dict[int, str] = {}
    for number, mac in read_heads():
        if first <= number <= last and heads.setdefault(number, mac.hex()) != mac.hex():
            raise _Broken(f"two different heads were kept for entry {number}")
    previous = Entry.objects.filter(number=first - 1).values_list("mac", flat=True).first() or ""
    if first > 1 and not previous:
        raise _Broken(f"entry {first - 1} is missing")
    rows = Entry.objects.filter(number__gte=first, number__lte=last).order_by("number")
    keys: dict[str, bytes] = {}
    expected = first
    for values in rows.values_list(*SIGNED, "canonical", "mac").iterator(chunk_size=CHUNK):
        signed, text, mac = values[:-2], values[-2], values[-1]
        number, key_id = signed[_NUMBER], signed[_KEY_ID]
        if number != expected:
            raise _Broken(f"entry {expected} is missing")
        if canonical(signed) != text:
            raise _Broken(f"a column of entry {number} differs from what was signed")
        if key_id not in keys:
            keys[key_id] = key_ring.get(key_id)
        if not hmac.compare_digest(sign(keys[key_id], previous, text).encode(), mac.encode()):
            raise _Broken(f"the signature of entry {number} does not fit it and the one before it")
        if heads.get(number, mac) != mac:
            raise _Broken(f"entry {number} differs from the head kept outside the database")
        previous = mac
        expected += 1
        yield number
    if expected != last + 1:
        raise _Broken(f"entry {expected} is missing")
