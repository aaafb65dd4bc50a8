"""What the upstream refuses once is asked about again before a sign-in counts as lost; and a dead one is left alone."""

import time
from typing import Any

import pytest
from django.utils import timezone

from access.sync import runs
from families.models import Kind, SyncState
from families.sync import planner, states
from portal.audit.models import State
from portal.connections import tasks
from portal.connections.models import CallCount, Connection, Health
from tests.connections.acting import OPEN, Door, at_once, pasted, signed_in
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import read

pytestmark = pytest.mark.django_db(transaction=True)
LOOK = "get_family_list"
TOKEN = "oauth2/token"


@pytest.fixture
def door(simulator: SimulatorProcess) -> Door:
    """Reached by a pasted token, which nothing can renew."""
    return Door.of(simulator, pasted(simulator))


def test_one_refusal_of_a_pasted_token_ends_nothing(simulator: SimulatorProcess, door: Door) -> None:
    simulator.fault(OPEN, "unauthorized", times=1)
    command = door.press().command
    assert (command.state, command.error) == (State.REFUSED, "refused")
    assert [row["command"] for row in simulator.journal()] == [OPEN, LOOK]
    assert Connection.objects.get().health == Health.GOOD
    assert door.press().command.state == State.SUCCEEDED


def test_two_refusals_that_agree_end_it_within_the_action(
    simulator: SimulatorProcess, door: Door, settings: Any
) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 2.0
    simulator.expire_tokens()
    began = time.monotonic()
    command = door.press().command
    assert time.monotonic() - began < 2.0
    assert (command.state, command.error) == (State.REFUSED, "signed_out")
    assert [row["command"] for row in simulator.journal()] == [OPEN, LOOK]
    assert Connection.objects.get().health == Health.SIGNED_OUT
    assert sum(CallCount.objects.values_list("calls", flat=True)) == 2


@pytest.mark.parametrize("kind", ["hang", "reset_before", "status", "busy"])
def test_a_second_look_without_an_answer_ends_nothing(
    simulator: SimulatorProcess, door: Door, settings: Any, kind: str
) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.5
    simulator.fault(OPEN, "unauthorized")
    simulator.fault(LOOK, kind, **({"status": 503} if kind == "status" else {"seconds": 30}))
    began = time.monotonic()
    assert door.press().command.state == State.REFUSED
    assert time.monotonic() - began < 1.5 + 1
    assert Connection.objects.get().health == Health.GOOD


def test_a_look_that_the_budget_does_not_allow_ends_nothing(simulator: SimulatorProcess, door: Door) -> None:
    Connection.objects.update(calls_per_minute=4)
    simulator.expire_tokens()
    assert door.press().command.state == State.REFUSED
    assert Connection.objects.get().health == Health.GOOD
    assert simulator.journal(LOOK) == []


def test_many_that_are_refused_at_once_look_once(simulator: SimulatorProcess, door: Door) -> None:
    simulator.expire_tokens()
    told = at_once(4, lambda number: door.press().command.error)
    assert told == ["signed_out"] * 4
    assert len(simulator.journal(LOOK)) == 1
    Connection.objects.update(health=Health.GOOD, access_token=None)
    renewed = Connection.objects.get()
    renewed.access_token = simulator.another_token()
    renewed.save()
    simulator.clear_journal()
    simulator.fault(OPEN, "unauthorized", times=4)
    told = at_once(4, lambda number: door.press().command.error)
    assert told == ["refused"] * 4
    assert len(simulator.journal(LOOK)) == 1


def test_a_command_that_is_always_refused_costs_no_renewal_each_time(simulator: SimulatorProcess) -> None:
    connection = signed_in(simulator)
    door = Door.of(simulator, connection)
    simulator.clear_journal()
    simulator.fault(OPEN, "unauthorized")
    for _ in range(4):
        assert door.press().command.state == State.REFUSED
    assert len(simulator.journal(TOKEN)) == 1
    assert Connection.objects.get().health == Health.GOOD


def test_one_family_that_is_refused_as_if_the_token_were_bad_keeps_no_other_from_being_read(
    simulator: SimulatorProcess,
) -> None:
    simulator.reset(families=6)
    connection = pasted(simulator)
    read(connection, Kind.FAMILIES)
    refused = SyncState.objects.filter(kind=Kind.MEMBERS).select_related("family").first()
    assert refused is not None
    assert refused.family is not None
    simulator.fault("get_family_info", "unauthorized", residence_id=refused.family.residence_id)
    report = read(connection, Kind.MEMBERS)
    assert [failure.state.pk for failure in report.failures] == [refused.pk]
    assert len(report.good) == 5
    assert Connection.objects.get().health == Health.GOOD


@pytest.mark.parametrize("how", ["pasted", "signed in"])
def test_nothing_hammers_a_sign_in_that_is_over(
    simulator: SimulatorProcess, time_machine: Any, how: str
) -> None:
    """Five minutes of beat, presses among them, on a sign-in that ended at once with all it had."""
    simulator.reset(families=6)
    connection = pasted(simulator) if how == "pasted" else signed_in(simulator)
    read(connection)
    door = Door.of(simulator, connection)
    simulator.expire_tokens(refresh_too=True)
    simulator.clear_journal()
    began = timezone.now()
    time_machine.move_to(began, tick=True)
    for second in range(0, 300, 5):
        time_machine.move_to(began + timezone.timedelta(seconds=second), tick=True)
        planner.plan(runs.run_chunk)
        tasks.look_after_connections()
        tasks.tell_lost_sign_ins()
        if second % 30 == 0:
            door.press()
        if second >= 60:
            # It is red within a minute, and from then on nobody asks.
            assert Connection.objects.get().health == Health.SIGNED_OUT
    journal = [row["command"] for row in simulator.journal()]
    assert journal.count(TOKEN) == (1 if how == "signed in" else 0)
    assert len(journal) <= 6 * len(states.FAMILY_KINDS) + 3
    simulator.clear_journal()
    planner.plan(runs.run_chunk)
    tasks.look_after_connections()
    assert simulator.journal() == []
