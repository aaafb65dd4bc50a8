"""I1 to I3: histories into the tables, from answers that have arrived: all new, unchanged, two new rows of 200."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access.models import HourlyCount, Opening
from access.sync.openings import Openings
from access.sync.windows import STATE_FIELDS
from families.models import Family, Kind, SyncState
from families.sync import states
from families.sync.engine import BATCH_FAMILIES, BATCH_ROWS, Reading, write_together
from portal import fingerprints
from portal.connections.models import Connection
from portal.upstream import types, wire
from portal.upstream.answers import Answer
from portal.upstream.commands import find_command
from tests.benchmarks.asking import queries
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.estate import insert, moment
from tests.benchmarks.histories import HISTORY_COMMAND, envelope, opening_rows
from tests.benchmarks.measuring import Variant
from tests.factories import ConnectionFactory

ROWS = 200
COLUMNS = (
    *(
        "family_id",
        "raw_time",
        "number",
        "at",
        "is_time_readable",
        "is_success",
        "account_name",
        "device_name",
    ),
    *("open_door_type", "thumbnail_url", "picture_url", "picture", "picture_tries", "seen_at"),
)
HOLDER = "benchmark"


@dataclass
class Histories:
    """Families with nothing but an answer each: what it was, and what it is with two rows more."""

    connection: Connection
    families: list[Family]
    told: dict[int, list[dict[str, Any]]]

    @classmethod
    def make(cls, count: int) -> "Histories":
        """So many families, their states, and 202 rows for each."""
        ends = datetime.now(UTC).replace(microsecond=0)
        first = Family.objects.count()
        families = Family.objects.bulk_create(
            [
                Family(residence_id=f"i{first + number:031x}", name=f"Ingest {number}")
                for number in range(count)
            ]
        )
        states.make_for_families([family.pk for family in families])
        told = {family.pk: opening_rows(ROWS + 2, ends=ends, family=family.pk) for family in families}
        return cls(ConnectionFactory(), families, told)

    def answers(self, *, is_later: bool = False) -> dict[int, bytes]:
        """What the upstream says of each family: the first 200 rows, or the same two rows later."""
        part = slice(0, ROWS) if is_later else slice(2, None)
        return {pk: envelope(rows[part]) for pk, rows in self.told.items()}

    def readings(self, answers: dict[int, bytes]) -> list[list[Reading]]:
        """The answers as they come from the threads, in the groups of one transaction that the engine makes."""
        now = timezone.now()
        found = []
        wanted = SyncState.objects.filter(family__in=list(answers), kind=Kind.OPENINGS)
        for state in wanted.select_related("family").order_by("pk"):
            answer = _answer(answers[state.family_id or 0])
            _ = answer.result
            found.append(Reading(state, self.connection, answer, now, now, state.fence, state.last_good_at))
        return list(_pieces(found, max(1, min(BATCH_FAMILIES, BATCH_ROWS // found[0].rows))))

    def forget(self) -> None:
        """As before the first answer."""
        pks = [family.pk for family in self.families]
        Opening.objects.filter(family__in=pks).delete()
        HourlyCount.objects.all().delete()
        SyncState.objects.filter(family__in=pks).update(
            digest=None,
            last_good_at=None,
            window_rows=0,
            answer_oldest="",
            newest_known="",
            begins_after="",
            gap_until="",
        )

    def rows(self, answers: dict[int, bytes]) -> list[dict[str, Any]]:
        """The rows of the answers as the peers take them: columns by name."""
        return [_columns(pk, row) for pk, body in answers.items() for row in _answer(body).result]


@benchmark("I1", "ingest, all rows new, beside get_or_create, bulk_create and the database's bulk insert")
def all_new(bench: Bench) -> None:
    made = Histories.make(bench.part(25, least=2))
    answers = made.answers()
    rows, few = made.rows(answers), made.rows({made.families[0].pk: answers[made.families[0].pk]})
    arrived: list[list[Reading]] = []

    def prepare() -> None:
        made.forget()
        arrived[:] = made.readings(answers)

    def ours() -> None:
        for group in arrived:
            write_together(Openings(), group)

    measured = bench.measure(
        Variant("ours", ours, units=len(rows), before=prepare),
        Variant("get_or_create", lambda: _get_or_create(few), units=len(few), before=made.forget),
        Variant("bulk_create", lambda: _bulk_create(rows), units=len(rows), before=made.forget),
        Variant("bulk insert", lambda: _insert(rows), units=len(rows), before=made.forget),
    )
    made.forget()
    bench.tell(
        measured,
        [
            Claim("ours / get_or_create", measured.ratio("get_or_create", "ours"), least=40),
            Claim("ours / bulk_create", measured.ratio("bulk_create", "ours"), least=3),
            Claim("share of the bulk insert", measured.ratio("bulk insert", "ours"), least=0.75),
        ],
        units="rows/s",
    )
    bench.say("the bulk insert is COPY on PostgreSQL, executemany on SQLite")


@benchmark("I2", "ingest, nothing new, for a family, beside get_or_create and hashing the bytes")
def unchanged(bench: Bench) -> None:
    made = Histories.make(bench.part(100, least=2))
    answers = made.answers()
    for group in made.readings(answers):
        write_together(Openings(), group)
    known = list(SyncState.objects.filter(family__in=list(answers), kind=Kind.OPENINGS))
    first = made.families[0].pk
    few = made.rows({first: answers[first]})

    def digest(body: bytes) -> bytes:
        return _answer(body).keyed_digest(fingerprints.digest_key(), made.connection.pk.bytes)

    def lease() -> None:
        SyncState.objects.filter(pk__in=[state.pk for state in known]).update(lease_holder=HOLDER)

    def ours() -> None:
        same = [
            state for state in known if bytes(state.digest or b"") == digest(answers[state.family_id or 0])
        ]
        assert len(same) == len(known)
        states.release_unchanged(HOLDER, same, asked_at=timezone.now())

    def hashing() -> None:
        for body in answers.values():
            hashlib.blake2b(body, digest_size=16).digest()

    measured = bench.measure(
        Variant("ours", ours, units=len(known), before=lease),
        Variant("get_or_create", lambda: _get_or_create(few)),
        Variant("hashing", hashing, units=len(known)),
    )
    lease()
    sent = len(queries(ours))
    made.forget()
    bench.tell(
        measured,
        [
            Claim("get_or_create / ours", measured.ratio("get_or_create", "ours"), least=1000),
            Claim("ours / hashing", measured.ratio("ours", "hashing"), most=100),
            Claim("queries a family", sent / len(known), most=0.05),
        ],
    )
    bench.say(f"{sent} statements for {len(known)} families together")


@benchmark("I3", "ingest, two new rows of 200, for a family, beside bulk_create and one read with one insert")
def two_new(bench: Bench) -> None:
    made = Histories.make(bench.part(25, least=2))
    before, later = made.answers(), made.answers(is_later=True)
    made.forget()
    for group in made.readings(before):
        write_together(Openings(), group)
    pks = [family.pk for family in made.families]
    windows = {state.pk: state for state in SyncState.objects.filter(family__in=pks, kind=Kind.OPENINGS)}
    newest = [row["open_door_time"] for row in made.told[pks[0]][:2]]
    rows = made.rows(later)
    new = [row for row in rows if row["raw_time"] in newest]
    arrived: list[list[Reading]] = []

    def restore() -> None:
        Opening.objects.filter(family__in=pks, raw_time__in=newest).delete()
        SyncState.objects.bulk_update(windows.values(), [*STATE_FIELDS, "digest", "last_good_at"])
        arrived[:] = made.readings(later)

    def ours() -> None:
        for group in arrived:
            write_together(Openings(), group)

    def limit() -> None:
        list(Opening.objects.filter(family__in=pks).values_list("family", "raw_time", "number"))
        _insert(new)

    measured = bench.measure(
        Variant("ours", ours, units=len(pks), before=restore),
        Variant("bulk_create", lambda: _bulk_create(rows), units=len(pks), before=restore),
        Variant("one read, one insert", limit, units=len(pks), before=restore),
    )
    restore()
    sent = len(queries(ours))
    assert Opening.objects.filter(family__in=pks, raw_time__in=newest).count() == 2 * len(pks)
    made.forget()
    bench.tell(
        measured,
        [
            Claim("bulk_create / ours", measured.ratio("bulk_create", "ours"), least=5),
            Claim("queries a family", sent / len(pks), most=0.3),
        ],
    )
    bench.say(f"{len(arrived)} transactions for {len(pks)} families")


def _answer(body: bytes) -> Answer[list[types.OpeningRow]]:
    return Answer(find_command(HISTORY_COMMAND), "c", wire.read_envelope(body, strict=False), 200)


def _columns(family: int, row: types.OpeningRow) -> dict[str, Any]:
    at = datetime.fromisoformat(row.open_door_time).replace(tzinfo=UTC)
    return {
        "family_id": family,
        "raw_time": row.open_door_time,
        "number": 1,
        "at": at,
        "is_time_readable": True,
        "is_success": row.open_door,
        "account_name": row.account_name,
        "device_name": row.device_name,
        "open_door_type": row.open_door_type,
        "thumbnail_url": row.capture_thumbnail_url,
        "picture_url": row.capture_picture_url,
        "picture": "wanted",
        "picture_tries": 0,
        "seen_at": at + timedelta(seconds=1),
    }


def _get_or_create(rows: Sequence[dict[str, Any]]) -> None:
    with transaction.atomic():
        for row in rows:
            key = {name: row[name] for name in ("family_id", "raw_time", "number")}
            Opening.objects.get_or_create(**key, defaults=row)


def _bulk_create(rows: Sequence[dict[str, Any]]) -> None:
    with transaction.atomic():
        Opening.objects.bulk_create([Opening(**row) for row in rows], ignore_conflicts=True, batch_size=500)


def _insert(rows: Sequence[dict[str, Any]]) -> None:
    times = {"at", "seen_at"}
    insert(
        Opening,
        COLUMNS,
        ([moment(row[name]) if name in times else row[name] for name in COLUMNS] for row in rows),
    )


def _pieces(readings: list[Reading], size: int) -> list[list[Reading]]:
    return [readings[start : start + size] for start in range(0, len(readings), size)]
