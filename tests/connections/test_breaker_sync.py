"""The sync leaves an upstream alone that does not answer: what is due stays due, and nothing is spent."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.sync import runs
from families.models import Kind, SyncState
from families.sync import planner, states
from portal.connections import health, tasks
from portal.connections.models import CallCount, Connection, Health
from portal.upstream import errors
from tests.connections.acting import at_once
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)
LOOK = "get_family_list"
KINDS = len(states.FAMILY_KINDS)


@pytest.fixture
def connection(simulator: SimulatorProcess, settings: Any) -> Connection:
    """It reaches twelve families, which were read a moment ago and are due again."""
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    settings.SYNC_THREADS = 4
    simulator.reset(families=12)
    made = connect(simulator)
    read(made)
    SyncState.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    simulator.clear_journal()
    return made


def due() -> int:
    return SyncState.objects.filter(due_at__lte=timezone.now(), lease_until=None, queued_until=None).count()


def plan() -> int:
    return planner.plan(runs.run_chunk)


def rest(connection: Connection, seconds: float = 60) -> None:
    for _ in range(5):
        health.note_failure(connection, errors.NotSent("refused"))
    Connection.objects.filter(pk=connection.pk).update(open_until=timezone.now() + timedelta(seconds=seconds))


def test_while_it_rests_nothing_is_planned_sent_or_spent_and_everything_stays_due(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    rest(connection)
    spent = sum(CallCount.objects.values_list("calls", flat=True))
    before = due()
    assert before == 12 * KINDS + 1
    assert plan() == 0
    runs.run_chunk(list(SyncState.objects.filter(kind=Kind.OPENINGS).values_list("pk", flat=True)))
    assert simulator.journal() == []
    assert sum(CallCount.objects.values_list("calls", flat=True)) == spent
    assert not SyncState.objects.filter(failures__gt=0).exists()
    assert not SyncState.objects.filter(lease_until__isnull=False).exists()


def test_a_sync_by_hand_says_so_and_sends_nothing(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    rest(connection)
    report = read(connection, Kind.OPENINGS)
    assert len(report.failures) == 12
    assert {failure.words for failure in report.failures} == {
        "the door system does not answer; it is tried again by itself"
    }
    assert simulator.journal() == []
    assert due() == 12 * KINDS + 1


def test_a_round_opens_it_after_a_few_and_the_rest_stays_due(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    simulator.fault("*", "hang", seconds=30)
    plan()
    found = Connection.objects.get()
    assert found.open_until is not None
    assert found.health == Health.FAILING
    # Five failures of four threads: two turns of them at most.
    assert 5 <= len(simulator.journal()) <= 8
    failed = SyncState.objects.filter(failures__gt=0).count()
    assert due() == 12 * KINDS + 1 - failed
    simulator.clear_journal()
    plan()
    assert simulator.journal() == []


def test_workers_at_once_stop_as_one(simulator: SimulatorProcess, connection: Connection) -> None:
    simulator.fault("*", "hang", seconds=30)
    ids = list(SyncState.objects.filter(family__isnull=False).values_list("pk", flat=True))
    at_once(3, lambda number: runs.run_chunk(ids[number * 16 : (number + 1) * 16]))
    # What was under way in the other two when the first found out, and no more.
    assert len(simulator.journal()) <= 3 * 8
    assert not SyncState.objects.filter(lease_until__isnull=False).exists()


def test_when_it_is_back_one_look_finds_out_and_everything_is_read(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    rest(connection, seconds=-1)
    assert plan() == 0
    tasks.look_after_connections()
    assert [row["command"] for row in simulator.journal()] == [LOOK]
    plan()
    assert due() == 0
    assert Connection.objects.get().health == Health.GOOD


def test_a_sync_by_hand_looks_first_too(simulator: SimulatorProcess, connection: Connection) -> None:
    rest(connection, seconds=-1)
    assert not read(connection, Kind.OPENINGS).failures
    journal = [row["command"] for row in simulator.journal()]
    assert journal[0] == LOOK
    assert journal.count(LOOK) == 1


def test_one_family_that_hangs_keeps_no_other_from_being_read(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    hanging = SyncState.objects.filter(kind=Kind.MEMBERS).select_related("family").first()
    assert hanging is not None
    assert hanging.family is not None
    simulator.fault("*", "hang", residence_id=hanging.family.residence_id, seconds=30)
    for _ in range(3):
        SyncState.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        plan()
        # Five failures of one family: somebody looks first, which the background does within five seconds.
        tasks.look_after_connections()
    found = Connection.objects.get()
    assert (found.open_until, found.health) == (None, Health.GOOD)
    failing = SyncState.objects.filter(failures__gt=0).values_list("family", flat=True)
    assert set(failing) == {hanging.family_id}
    # What was not tried again when the fifth failed stays due.
    assert SyncState.objects.filter(failures__gte=2).count() == KINDS


def test_a_family_that_another_connection_reaches_is_read_through_that_one(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    other = connect(simulator, name="Other", access_token=simulator.another_token())
    read(other, Kind.FAMILIES)
    rest(connection)
    simulator.clear_journal()
    SyncState.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    plan()
    # Passes are those of the account that acts: nobody else's are read in their place.
    assert len(simulator.journal()) == 12 * (KINDS - 1) + 1
    assert due() == 12 + 1  # the other one's own list of families
    assert Connection.objects.get(pk=connection.pk).health == Health.FAILING


def test_a_budget_that_is_changed_holds_from_the_next_call_on(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    CallCount.objects.all().delete()
    Connection.objects.update(calls_per_minute=10)
    assert plan() == 9
    assert sum(CallCount.objects.values_list("calls", flat=True)) <= 9
    Connection.objects.update(calls_per_minute=20)
    SyncState.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert plan() <= 9
    assert sum(CallCount.objects.values_list("calls", flat=True)) <= 18
    assert len(simulator.journal()) <= 18
