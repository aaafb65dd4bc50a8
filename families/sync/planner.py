"""Finds what is due and hands it out in chunks. Whatever it hands out is planned again should it be lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Q, QuerySet, When
from django.utils import timezone

from families.models import SyncState
from families.sync import states
from families.sync.source import calls_left
from portal.connections.models import Connection

# States in one message: at least ten times the threads that read them.
CHUNK = 250
# A message that nobody took within this time is taken for lost.
QUEUED_FOR = timedelta(seconds=60)
# What one turn looks at; at one turn a second that is more than any budget allows.
MOST_AT_ONCE = 1_500


def plan(send: Callable[[list[int]], None]) -> int:
    """Hand every state that is due, and that nobody has, to ``send`` in chunks of one connection; return how many.

    Oldest first, what somebody watches before that, and of each connection no more than its budget of this minute
    allows. Does no harm when it runs twice at once: each state is handed out by one of the two. Costs three
    queries when nothing is due, and no upstream call.
    """
    states.make_for_connections()
    now = timezone.now()
    left = _connections(now)
    if not left or not _due(now).exists():
        return 0
    chunks = _take(now, left)
    for chunk in chunks:
        try:
            send(chunk)
        except BaseException:
            # Nobody has the message: what it held is due still.
            SyncState.objects.filter(pk__in=chunk).update(queued_until=None)
            raise
    return sum(len(chunk) for chunk in chunks)


def _connections(now: datetime) -> dict[UUID, int]:
    """The connections that may be called now, with the calls they have left in this minute.

    One that rests is none of them, also when its pause is over: portal.connections.tasks looks whether it is back.
    """
    limits = dict(Connection.objects.callable_at(now).values_list("pk", "calls_per_minute"))
    return {pk: left for pk, left in calls_left(limits).items() if left > 0}


def _due(now: datetime) -> QuerySet[SyncState]:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    unqueued = Q(queued_until=None) | Q(queued_until__lt=now)
    return SyncState.objects.filter(free, unqueued, due_at__lte=now)


def _take(now: datetime, left: dict[UUID, int]) -> list[list[int]]:
    """Mark the due states as queued, and return them in chunks."""
    watched: dict[UUID, list[int]] = {}
    others: dict[UUID, list[int]] = {}
    is_watched = Case(When(wanted_until__gt=now, then=0), default=1)
    with transaction.atomic():
        rows = (
            _due(now)
            # Two planners at once: what one has locked, the other passes over (SQLite lets one in at a time).
            .select_for_update(skip_locked=True, of=("self",))
            .annotate(reader=states.reading_connection(left.keys()), order=is_watched)
            .filter(reader__isnull=False)
            .order_by("order", "due_at", "pk")
        )
        taken = []
        for pk, reader, order in rows.values_list("pk", "reader", "order")[:MOST_AT_ONCE]:
            if left[reader] <= 0:
                continue
            left[reader] -= 1
            (others if order else watched).setdefault(reader, []).append(pk)
            taken.append(pk)
        for some in states.pieces(taken):
            SyncState.objects.filter(pk__in=some).update(queued_until=now + QUEUED_FOR)
    # What is watched goes ahead in chunks of its own.
    return [
        list(chunk)
        for group in (watched, others)
        for ids in group.values()
        for chunk in states.pieces(ids, CHUNK)
    ]
