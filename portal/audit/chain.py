"""The chain of entries: how one is signed and appended, and the head that is kept outside the database."""

import fcntl
import hmac
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from portal import waiting
from portal.audit.models import Entry
from portal.keys import KeyRing

ADVISORY_LOCK = 0x6761_7465  # "gate": one writer of the chain at a time on PostgreSQL
# Every column but the signature itself, in the order in which they are signed.
SIGNED = tuple(
    field.attname for field in Entry._meta.concrete_fields if field.attname not in {"canonical", "mac"}
)

key_ring = KeyRing(settings.AUDIT_KEYS_FILE)
_HEAD = re.compile(rb"([1-9][0-9]{0,18}) ([0-9a-f]{64})\n")
# Longer than any head: a line without an end is never read at once.
_LINE_BYTES = 256
# Longer than anybody should hold the chain; an action that must be over sooner waits less.
LOCK_SECONDS = 5.0


class HeadNotKept(OSError):
    """The entry is committed, but its head could not be written beside the database."""


def append(entry: Entry) -> Entry:
    """Number, sign and save ``entry`` at the end of the chain, inside the caller's transaction.

    The number is the last one and one, so that none is ever missing. The lock is taken in a statement of its
    own, before the last number is read: a statement that waited would read with the snapshot it began with.
    After the commit the new head is written to ``DATA/audit-heads``; HeadNotKept is raised when that fails.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # 0 would mean without end.
                longest = max(1, round(waiting.seconds_left(LOCK_SECONDS) * 1000))
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{longest}ms"])
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        last = Entry.objects.order_by("-number").values_list("number", "mac").first() or (0, "")
        entry.number = last[0] + 1
        entry.key_id, key = key_ring.newest()
        entry.canonical = canonical(tuple(getattr(entry, name) for name in SIGNED))
        entry.mac = sign(key, last[1], entry.canonical)
        entry.save(force_insert=True)
        transaction.on_commit(lambda: keep_head(entry.number, entry.mac))
    return entry


def canonical(values: tuple[Any, ...]) -> str:
    """The text that is signed: the columns in their order as JSON, times in UTC to the microsecond."""
    plain = [_instant(value) if isinstance(value, datetime) else value for value in values]
    return json.dumps(plain, ensure_ascii=True, separators=(",", ":"))


def sign(key: bytes, previous: str, text: str) -> str:
    """The signature in hex of an entry's text that follows the entry signed ``previous`` ("" for the first)."""
    return hmac.digest(key, f"{previous}|{text}".encode(), "sha256").hex()


def keep_head(number: int, mac: str) -> None:
    """Append the head to the file outside the database: a cut tail or an old database is found by it."""
    line = f"{number} {mac}\n".encode()
    path = settings.AUDIT_HEADS_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.write(descriptor, line) != len(line):
                raise HeadNotKept(f"{path.name} could not be written whole")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise HeadNotKept(*error.args) from error


def read_heads() -> Iterator[tuple[int, bytes]]:
    """The heads that were kept, as they stand in the file; a line cut by a crash is passed over."""
    try:
        file = settings.AUDIT_HEADS_FILE.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(_LINE_BYTES):
            found = _HEAD.fullmatch(line)
            if found:
                yield int(found[1]), bytes.fromhex(found[2].decode())


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
