"""The states of what is kept in step: made, claimed by one worker, given back with the next time they are due.

Whoever claims a state raises its fence and may write only while the fence is what it was: a worker that slept
through its lease writes nothing. A state that was claimed by a process that died is free when its lease ends.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, UUIDField, Value, When
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.sync import bulk
from portal.connections.models import Connection

FAMILY_KINDS = (Kind.MEMBERS, Kind.DEVICES, Kind.OPENINGS, Kind.CALLS, Kind.TEMP_KEYS)
HISTORIES = frozenset({Kind.OPENINGS, Kind.CALLS})
# A history in which nothing happens is read ever more seldom, up to this many times its usual period.
QUIET_FACTOR = 6
# While somebody watches, or an outcome is unknown.
WATCHED = timedelta(seconds=2)
LONGEST_PAUSE_SECONDS = 600
# Few enough parameters for every database, few enough rows for a short transaction.
PIECE = 500

_chance = random.SystemRandom()


def make_for_connections() -> None:
    """See to it that each connection has the state of its list of families. Costs one query when all have."""
    mine = SyncState.objects.filter(connection=OuterRef("pk"), kind=Kind.FAMILIES)
    lacking = Connection.objects.there().filter(~Exists(mine)).values_list("pk", flat=True)
    SyncState.objects.bulk_create(
        [
            SyncState(kind=Kind.FAMILIES, connection_id=pk, interval_seconds=_base(Kind.FAMILIES))
            for pk in lacking
        ],
        ignore_conflicts=True,
    )


def make_for_families(families: Iterable[int]) -> None:
    """The states of each of these families, one of each kind; those that are there stay as they are."""
    SyncState.objects.bulk_create(
        [
            SyncState(kind=kind, family_id=family, interval_seconds=_base(kind))
            for family in families
            for kind in FAMILY_KINDS
        ],
        ignore_conflicts=True,
    )


def reading_connection(connections: Collection[uuid.UUID]) -> Case:
    """An expression on SyncState: which of these connections reads it; NULL where none reaches the family.

    A family is read by the organisation's only, never by a person's own, of which only its list is read; and by the
    first that reached it before later ones, so that its history is always told by the same account. Its passes are
    those of the account that acts in it: read through that one, or not at all.
    """
    reaches = Reach.objects.filter(
        family=OuterRef("family_id"), gone_at=None, connection__owner=None, connection__in=connections
    ).order_by("first_seen_at", "pk")
    first_to_act = Reach.objects.for_acting().filter(family=OuterRef(OuterRef("family_id")))
    acting = Reach.objects.filter(pk=Subquery(first_to_act.values("pk")[:1]), connection__in=connections)
    return Case(
        When(connection__in=connections, then=F("connection_id")),
        When(kind=Kind.TEMP_KEYS, then=Subquery(acting.values("connection_id")[:1])),
        When(family__isnull=False, then=Subquery(reaches.values("connection_id")[:1])),
        output_field=UUIDField(),
    )


def claim(
    ids: Collection[int], *, connections: Collection[uuid.UUID], is_forced: bool
) -> tuple[str, list[SyncState]]:
    """Take those of the states that are free, and due unless ``is_forced``: a name for the lease, and the states.

    Each comes with its family and, as ``reader``, the id of the connection that reads it. One update decides
    who has a state; another caller at the same moment gets none of them.
    """
    now = timezone.now()
    holder = uuid.uuid4().hex
    free = SyncState.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    if not is_forced:
        free = free.filter(due_at__lte=now)
    taken: list[SyncState] = []
    for some in pieces(sorted(ids)):
        with transaction.atomic():
            count = free.filter(pk__in=some).update(
                lease_until=_lease_end(now),
                lease_holder=holder,
                fence=F("fence") + 1,
                queued_until=None,
                last_tried_at=now,
            )
        if count:
            mine = SyncState.objects.filter(pk__in=some, lease_holder=holder).select_related("family")
            taken += mine.annotate(reader=reading_connection(connections)).order_by("due_at", "pk")
    return holder, taken


def renew(holder: str, states: Collection[int]) -> None:
    """Keep the lease for another while."""
    for some in pieces(sorted(states)):
        with transaction.atomic():
            SyncState.objects.filter(pk__in=some, lease_holder=holder).update(
                lease_until=_lease_end(timezone.now())
            )


def release_unchanged(holder: str, states: Sequence[SyncState], *, asked_at: datetime) -> None:
    """Give back states whose answer was the one that is known; costs an update for each period, at most four a kind."""
    now = timezone.now()
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for state in states:
        groups[period_after(state, is_busy=False)].append(state.pk)
    for seconds, ids in groups.items():
        for some in pieces(ids):
            with transaction.atomic():
                SyncState.objects.filter(pk__in=some, lease_holder=holder).update(
                    interval_seconds=seconds,
                    due_at=due_after(now, seconds),
                    **_good(asked_at),
                )


def release_written(states: Sequence[SyncState], *, asked_at: datetime, fields: Sequence[str]) -> None:
    """Give back states that are locked in the caller's transaction, with what was learnt for ``fields``.

    ``interval_seconds`` of each says how soon it is due again.
    """
    now = timezone.now()
    columns = [*fields, "digest", "not_understood"]
    rows = [[*(getattr(state, column) for column in columns), state.pk] for state in states]
    bulk.update(SyncState, columns, rows)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for state in states:
        groups[state.interval_seconds].append(state.pk)
    for seconds, ids in groups.items():
        SyncState.objects.filter(pk__in=ids).update(
            interval_seconds=seconds,
            due_at=due_after(now, seconds),
            **_good(asked_at),
        )


def release_failed(holder: str, state: SyncState, words: str) -> None:
    """Give back a state that could not be read; each failure in a row makes the pause longer, up to ten minutes."""
    now = timezone.now()
    longest = min(_base(state.kind) * 2 ** min(state.failures + 1, 10), LONGEST_PAUSE_SECONDS)
    seconds = _chance.uniform(0.75, 1.0) * longest
    with transaction.atomic():
        SyncState.objects.filter(pk=state.pk, lease_holder=holder).update(
            failures=F("failures") + 1,
            last_error=words[:1000],
            due_at=now + timedelta(seconds=seconds),
            lease_until=None,
            lease_holder="",
        )


def release_untried(holder: str, states: Collection[int], *, due_at: datetime | None = None) -> None:
    """Give back states as they were, due when they were or at ``due_at``."""
    changes: dict[str, Any] = {"lease_until": None, "lease_holder": ""}
    if due_at is not None:
        changes["due_at"] = due_at
    for some in pieces(sorted(states)):
        with transaction.atomic():
            SyncState.objects.filter(pk__in=some, lease_holder=holder).update(**changes)


def want(family: Family, kind: Kind, *, seconds: float) -> None:
    """Have a kind of this family read within two seconds, and again every two seconds for so long.

    Cheap enough to be called by every poll of a page that is being watched: it writes only when that changes
    anything that matters.
    """
    now = timezone.now()
    soon = Case(
        When(last_tried_at__gt=now - WATCHED, then=Value(now + WATCHED)),
        default=Value(now),
    )
    state = SyncState.objects.filter(family=family, kind=kind)
    late = Q(due_at__gt=now + WATCHED)
    ending = Q(wanted_until=None) | Q(wanted_until__lt=now + timedelta(seconds=seconds / 2))
    if not state.filter(late | ending).exists():
        return
    with transaction.atomic():
        state.filter(due_at__gt=now).update(due_at=soon)
        state.filter(ending).update(wanted_until=now + timedelta(seconds=seconds))


def period_after(state: SyncState, *, is_busy: bool) -> int:
    """How many seconds until it is read again: longer each time for a history in which nothing happens."""
    base = _base(state.kind)
    if is_busy or state.kind not in HISTORIES:
        return base
    return min(max(state.interval_seconds, base) * 2, base * QUIET_FACTOR)


def due_after(now: datetime, seconds: int) -> Case:
    """When a state is due after a good answer: soon while it is wanted, also if that was said meanwhile."""
    return Case(
        When(wanted_until__gt=now, then=Value(now + min(WATCHED, timedelta(seconds=seconds)))),
        default=Value(now + timedelta(seconds=seconds)),
    )


def pieces(things: Sequence[Any], size: int = PIECE) -> Iterator[Sequence[Any]]:
    """The things in lists of at most ``size``."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def _good(asked_at: datetime) -> dict[str, Any]:
    return {
        "last_good_at": asked_at,
        "failures": 0,
        "last_error": "",
        "lease_until": None,
        "lease_holder": "",
    }


def _base(kind: str) -> int:
    return int(settings.SYNC_SECONDS[str(kind)])


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.SYNC_LEASE_SECONDS)
