"""What openings and calls have in common: the window of the last answer, the seconds to look at, gaps."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db.models import Q, QuerySet

from access.history import Findings, Row, Window, find_new, raw_text
from access.models import Gap
from families.sync.readings import Reading
from families.sync.states import pieces
from portal.upstream.times import parse_time

R = TypeVar("R", bound=Row)
V = TypeVar("V", covariant=True)

STATE_FIELDS = ("window_rows", "answer_oldest", "newest_known", "begins_after", "gap_until")
# A time as text that is longer than its column belongs to no row.
LONGEST_TIME = 64
# What one query may ask for.
MOST_SECONDS = 5_000
# Zones differ by less; what is further ahead was not told by a clock that is right.
AHEAD = timedelta(days=1)
# The cause of a gap: rows were pushed out of the window, or the times themselves went back.
WINDOW, CLOCK = "window", "clock"


def find(reading: Reading, rows: Sequence[R], stored: Mapping[str, Sequence[tuple[int, R]]]) -> Findings[R]:
    """What the answer adds; the window is written to the state, and the reading knows whether it brought news."""
    state = reading.state
    previous = Window(
        state.window_rows, state.answer_oldest, state.newest_known, state.begins_after, state.gap_until
    )
    found = find_new(
        stored,
        rows,
        previous,
        lateness=timedelta(seconds=settings.HISTORY_LATENESS_SECONDS),
        asked=raw_text((reading.asked_at + reading.clock_ahead).astimezone(reading.connection.zone)),
        unread=_count_rows(reading) - len(rows),
        window_rows=settings.HISTORY_WINDOW_ROWS or None,
    )
    state.window_rows, state.answer_oldest, state.newest_known = found.window[:3]
    state.begins_after, state.gap_until = found.window[3:]
    reading.is_busy = bool(found.new)
    return found


def begun(readings: Sequence[Reading], table: QuerySet[Any]) -> list[int]:
    """The families of which rows may be stored; a first sync does not look for them one by one."""
    fresh = [one.family_id for one in readings if not (one.state.window_rows or one.state.last_good_at)]
    if fresh and table.filter(family__in=fresh).exists():
        fresh = []
    return [one.family_id for one in readings if one.family_id not in fresh]


def moment_of(reading: Reading, raw: str) -> tuple[datetime, bool]:
    """When a raw text was in the history's zone, and whether that can be; else when we first saw it.

    A time more than a day ahead is the mistake of some clock: the row would stand on top of the log for years.
    """
    at = parse_time(raw, reading.connection.zone)
    if at is None or at > reading.answered_at + AHEAD:
        return reading.answered_at, False
    return at, True


def stored_in_same_seconds(table: QuerySet[Any, V], rows: Mapping[int, Sequence[Row]]) -> Iterator[V]:
    """The stored rows of the seconds of these answers, by the unique index; one query unless there are very many."""
    these, count = Q(pk__in=[]), 0
    for family_id, some in rows.items():
        for times in pieces(sorted({row.time for row in some}), MOST_SECONDS):
            if count + len(times) > MOST_SECONDS:
                yield from table.filter(these)
                these, count = Q(pk__in=[]), 0
            these |= Q(family=family_id, raw_time__in=times)
            count += len(times)
    if count:
        yield from table.filter(these)


def store_gaps(found: Sequence[tuple[Reading, Findings[R]]]) -> None:
    """Write the ranges in which rows may be missing. One that is there already came from an equal answer."""
    gaps = []
    for reading, findings in found:
        for gap in findings.gaps:
            begins_at, _ = moment_of(reading, gap.after)
            at, _ = moment_of(reading, gap.before)
            has_gone_back = findings.window.gap_until == gap.after != gap.before
            gaps.append(
                Gap(
                    family_id=reading.family_id,
                    kind=reading.state.kind,
                    raw_after=gap.after,
                    raw_before=gap.before,
                    begins_at=begins_at,
                    at=at,
                    cause=CLOCK if has_gone_back else WINDOW,
                    seen_at=reading.answered_at,
                )
            )
    Gap.objects.bulk_create(gaps, ignore_conflicts=True)


def _count_rows(reading: Reading) -> int:
    """How many rows the answer had, those set aside among them: they take up room in the window."""
    if not reading.answer.unread:
        return len(reading.answer.result)
    return len(msgspec.json.decode(reading.answer.raw, type=list[msgspec.Raw]))


def families_of(readings: Sequence[Reading]) -> list[int]:
    """The families that these answers are about."""
    return [reading.family_id for reading in readings]
