"""One run of the sync: for the worker a chunk of what is due, for the command line everything now."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from access.sync import presses, unmatched
from access.sync.calls import Calls
from access.sync.devices import Devices
from access.sync.openings import Openings
from access.sync.passes import TempKeys
from families.models import Family, Kind, Reach, SyncState
from families.sync import states
from families.sync.engine import run
from families.sync.lists import FamilyLists
from families.sync.members import Members
from families.sync.readings import Keeper
from families.sync.reports import Report
from portal.connections.models import Connection

KEEPERS: dict[str, Keeper] = {
    Kind.FAMILIES: FamilyLists(),
    Kind.MEMBERS: Members(),
    Kind.DEVICES: Devices(),
    Kind.OPENINGS: Openings(),
    Kind.CALLS: Calls(),
    Kind.TEMP_KEYS: TempKeys(),
}
LOOK_AGAIN_SECONDS = 0.2


def run_chunk(ids: Collection[int]) -> Report:
    """Read those of these states that are due and free. Running it again, or late, or twice at once, does no harm."""
    connections = {connection.pk: connection for connection in Connection.objects.callable_at(timezone.now())}
    return _run(ids, connections, is_forced=False)


@dataclass
class Progress:
    """How far a run is; told at each step to whoever shows it."""

    total: int = 0
    done: int = 0
    waiting_for: str = ""
    tell: Callable[["Progress"], None] = field(default=lambda progress: None, repr=False)

    def step(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        self.tell(self)


def read_now(
    connections: Sequence[Connection],
    *,
    residence_id: str = "",
    kinds: Collection[str] = tuple(Kind.values),
    progress: Progress | None = None,
) -> Report:
    """Read the lists of families, then what is in them, whether due or not; return when all was tried.

    What another run holds is waited for and counted with what that run found; where a budget or the upstream asks
    for a pause, it is waited for too. Cost: an upstream call for each list, and for each family and kind.
    """
    progress = progress or Progress()
    by_id = Connection.objects.in_bulk([connection.pk for connection in connections])
    report = Report()
    states.make_for_connections()
    if Kind.FAMILIES in kinds:
        lists = SyncState.objects.filter(connection__in=by_id, kind=Kind.FAMILIES).order_by("pk")
        report.add(_read_to_the_end(list(lists.values_list("pk", flat=True)), by_id, progress))
    # Doors before histories: the openings then find their devices at once. Members before passes: they say which
    # account acts in a family.
    for some in ((Kind.MEMBERS, Kind.DEVICES), (Kind.OPENINGS, Kind.CALLS, Kind.TEMP_KEYS)):
        wanted = [kind for kind in some if kind in kinds]
        ids = _states_of_families(by_id.keys(), wanted, residence_id)
        report.add(_read_to_the_end(ids, by_id, progress))
    return report


def find_family(connections: Collection[UUID], residence_id: str) -> Family | None:
    """The family of this residence that one of the connections reaches, or None."""
    reached = Reach.objects.filter(
        connection__in=connections, gone_at=None, family__residence_id=residence_id
    )
    found = reached.select_related("family").first()
    return found.family if found else None


def _run(
    ids: Collection[int],
    connections: dict[UUID, Connection],
    *,
    is_forced: bool,
    progress: Progress | None = None,
) -> Report:
    report = run(
        ids,
        KEEPERS,
        connections,
        is_forced=is_forced,
        on_progress=progress.step if progress else lambda done: None,
    )
    report.counts["matched"] += presses.settle(report.readings)
    report.counts["adopted"] += unmatched.settle(report.readings)
    return report


def _states_of_families(
    connections: Collection[UUID], kinds: Collection[str], residence_id: str
) -> list[int]:
    reached = Reach.objects.filter(connection__in=connections, gone_at=None)
    if residence_id:
        reached = reached.filter(family__residence_id=residence_id)
    found = SyncState.objects.filter(family__in=reached.values("family"), kind__in=kinds)
    # The passes of a family in which an account of another connection acts are that one's to read.
    told = found.annotate(reader=states.reading_connection(connections))
    ours = told.filter(~Q(kind=Kind.TEMP_KEYS) | Q(reader__isnull=False))
    return list(ours.order_by("kind", "pk").values_list("pk", flat=True))


def _read_to_the_end(ids: Sequence[int], connections: dict[UUID, Connection], progress: Progress) -> Report:
    began = timezone.now()
    report = Report()
    progress.total += len(ids)
    progress.tell(progress)
    left = list(ids)
    while left:
        again: list[int] = []
        for some in states.pieces(left):
            part = _run(some, connections, is_forced=True, progress=progress)
            again += [*part.held, *part.postponed]
            part.held, pauses = [], list(part.postponed.values())
            part.postponed = {}
            report.add(part)
            if pauses:
                progress.waiting_for = "the upstream's pause or the budget of calls"
                progress.tell(progress)
                time.sleep(max(0.0, (min(pauses) - timezone.now()).total_seconds()))
        left = again
        if left:
            progress.waiting_for = "another run"
            left = _wait_for_others(left, began, report, progress)
        progress.waiting_for = ""
    return report


def _wait_for_others(ids: Sequence[int], began: datetime, report: Report, progress: Progress) -> list[int]:
    """Wait until nobody holds the states; those that another run has read meanwhile are counted, the rest come back."""
    waiting = list(ids)
    while True:
        found = []
        for some in states.pieces(waiting):
            found += list(SyncState.objects.filter(pk__in=some).select_related("family"))
        now = timezone.now()
        read = [state for state in found if state.last_good_at and state.last_good_at >= began]
        report.good += read
        progress.step(len(read))
        done = {state.pk for state in read}
        left = [state for state in found if state.pk not in done]
        free = [state.pk for state in left if state.lease_until is None or state.lease_until < now]
        if free or not left:
            return [state.pk for state in left]
        waiting = [state.pk for state in left]
        time.sleep(LOOK_AGAIN_SECONDS)
