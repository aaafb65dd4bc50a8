"""Keeps the hourly counts in step with the rows, in the transactions that change those or move a family.

Design decision: the counts are kept for the estate and for each property, not for each family. A family opens a door
about once in an hour in which it opens one at all: its counts would be as many as its openings, and summing them
no quicker. What moves with a family is counted from its rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from access.models import Call, HourlyCount, Opening
from families.models import Family
from families.services.placements import Move
from families.sync.states import pieces

AT_ONCE = 100
# (opened, refused, calls)
Sums = Counter[str]


class Hours:
    """Counts to be added, in the transaction that adds the rows, which holds the families locked."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[int, datetime], Sums] = defaultdict(Counter)

    def add(self, family_id: int, at: datetime, column: str, count: int = 1) -> None:
        """Count a row that happened at ``at``; less than nothing takes one away."""
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._counts[(family_id, hour)][column] += count

    def store(self) -> None:
        """Add the counts up for the estate and for the families' properties: the last of a transaction's writes but
        for its states, since every other sync of the same hour waits for it from here on.
        """
        families = {family_id for family_id, _ in self._counts}
        places = dict(Family.objects.filter(pk__in=families).values_list("pk", "property"))
        sums: defaultdict[tuple[int | None, datetime], Sums] = defaultdict(Counter)
        for (family_id, hour), counts in self._counts.items():
            for place in {None, places[family_id]}:
                sums[(place, hour)].update(counts)
        _add(sums)


def follow(move: Move) -> None:
    """Take what is known of the families out of the properties they leave, and add it to the one they come to."""
    left = {family.pk: family.property_id for family in move.families}
    target = move.target.pk if move.target else None
    sums: defaultdict[tuple[int | None, datetime], Sums] = defaultdict(Counter)
    for some in pieces(sorted(left), AT_ONCE):
        for family_id, hour, column, count in _counted(some):
            if left[family_id] is not None:
                sums[(left[family_id], hour)][column] -= count
            if target is not None:
                sums[(target, hour)][column] += count
    _add(sums)


def _counted(families: Sequence[int]) -> Iterator[tuple[int, datetime, str, int]]:
    """How many rows these families have: family, hour, column, count."""
    told = {True: "opened", False: "refused"}
    for family_id, hour, is_success, count in _grouped(Opening, families, ", is_success"):
        yield family_id, hour, told[bool(is_success)], count
    for family_id, hour, count in _grouped(Call, families):
        yield family_id, hour, "calls", count


def _grouped(table: type[Opening | Call], families: Sequence[int], by: str = "") -> Iterable[Any]:
    # In SQL, since Django's TruncHour calls Python for each row on SQLite.
    hour = "substr(at, 1, 13)" if connection.vendor == "sqlite" else "date_trunc('hour', at, 'UTC')"
    places = ", ".join(["%s"] * len(families))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT family_id, {hour}{by}, COUNT(*) FROM {table._meta.db_table} "  # noqa: S608 - names of ours
            f"WHERE family_id IN ({places}) GROUP BY family_id, {hour}{by}",
            families,
        )
        for family_id, at, *rest in cursor.fetchall():
            moment = datetime.fromisoformat(f"{at}:00") if isinstance(at, str) else at
            yield family_id, moment.replace(tzinfo=UTC), *rest


def _add(sums: Mapping[tuple[int | None, datetime], Sums]) -> None:
    """In one order, so that two who add wait for each other and not in a circle; first the estate's, then by property."""
    estate = sorted(key for key in sums if key[0] is None)
    _upsert([(key, sums[key]) for key in estate], "(hour) WHERE property_id IS NULL")
    placed = sorted((place, hour) for place, hour in sums if place is not None)
    _upsert([(key, sums[key]) for key in placed], "(property_id, hour) WHERE property_id IS NOT NULL")


def _upsert(counted: Sequence[tuple[tuple[int | None, datetime], Sums]], target: str) -> None:
    """In SQL, since an update on conflict that adds is not to be said otherwise."""
    table = HourlyCount._meta.db_table
    with connection.cursor() as cursor:
        for some in pieces(counted, AT_ONCE):
            values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(some))
            parameters = [
                value
                for (place, hour), counts in some
                for value in (
                    place,
                    connection.ops.adapt_datetimefield_value(hour),
                    counts["opened"],
                    counts["refused"],
                    counts["calls"],
                )
            ]
            cursor.execute(
                f"INSERT INTO {table} (property_id, hour, opened, refused, calls) VALUES {values} "  # noqa: S608
                f"ON CONFLICT {target} DO UPDATE SET "
                f"opened = {table}.opened + excluded.opened, "
                f"refused = {table}.refused + excluded.refused, "
                f"calls = {table}.calls + excluded.calls",
                parameters,
            )
