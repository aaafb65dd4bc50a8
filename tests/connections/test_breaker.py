"""Five calls without an answer open a connection for every process; one read finds out when it is back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections import calling, health, probing
from portal.connections.calling import Action
from portal.connections.models import CallCount, Connection, Health
from portal.upstream import errors
from tests.audit.test_processes import start
from tests.connections.acting import OPEN, Door, at_once, pasted, signed_in
from tests.factories import ConnectionFactory
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)
LOOK = "get_family_list"


@pytest.fixture(autouse=True)
def short_deadline(settings: Any) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 2.0


@pytest.fixture
def door(simulator: SimulatorProcess) -> Door:
    return Door.of(simulator, pasted(simulator))


@pytest.fixture
def switched_off(simulator: SimulatorProcess, door: Door) -> Iterator[None]:
    simulator.stop()
    yield
    simulator.start()


def silence(about: str = "", times: int = health.FAILURES_THAT_OPEN) -> Connection:
    """The connection after so many calls that got no answer."""
    found = Connection.objects.get()
    for _ in range(times):
        health.note_failure(found, errors.OutcomeUnknown("time-out"), about=about)
    return Connection.objects.get()


def let_the_pause_pass() -> None:
    Connection.objects.update(open_until=timezone.now())


def is_open() -> bool:
    until = Connection.objects.get().open_until
    return until is not None and until > timezone.now()


# Opening


def test_the_fifth_call_without_an_answer_opens_it_and_the_next_press_is_told_at_once(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault("*", "reset_before")
    states = []
    for _ in range(4):
        states.append(door.press().command.state)
        assert not is_open()
    states.append(door.press().command.state)
    assert states == [State.UNKNOWN] * 5
    assert is_open()
    began = time.monotonic()
    refused = door.press().command
    assert time.monotonic() - began < 1
    assert (refused.state, refused.error) == (State.NOT_SENT, "resting")
    assert "has not answered since" in refused.words
    assert "tried again in" in refused.words
    assert len(simulator.journal(OPEN)) == 5
    assert simulator.journal(LOOK) == []


@pytest.mark.usefixtures("switched_off")
def test_an_upstream_that_is_off_opens_it_as_well(door: Door) -> None:
    for _ in range(5):
        assert door.press().command.error == "unreachable"
    assert is_open()
    assert Connection.objects.get().health == Health.FAILING


ANSWERS = {
    "refuse": {},
    "busy": {},
    "html": {},
    "truncated": {},
    "empty": {},
    "redirect": {},
    "unauthorized": {"times": 1},
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_what_was_answered_opens_nothing_whatever_it_says(
    simulator: SimulatorProcess, door: Door, kind: str
) -> None:
    for _ in range(6):
        simulator.clear_faults()
        simulator.fault(OPEN, kind, **ANSWERS[kind])
        door.press()
        Connection.objects.update(hold_until=None)
    found = Connection.objects.get()
    assert (found.open_until, found.failures, found.health) == (None, 0, Health.GOOD)


FAILURES = {"reset_before": {}, "reset_after": {}, "cut": {}, "status": {"status": 503}}


@pytest.mark.parametrize("kind", FAILURES)
def test_what_is_no_answer_counts(simulator: SimulatorProcess, door: Door, kind: str) -> None:
    simulator.fault(OPEN, kind, **FAILURES[kind])
    door.press()
    assert Connection.objects.get().failures == 1


def test_failures_further_apart_than_half_a_minute_open_nothing(door: Door) -> None:
    silence(times=4)
    found = Connection.objects.get()
    old = [[at - health.WITHIN_SECONDS, about] for at, about in found.recent_failures]
    Connection.objects.update(recent_failures=old)
    assert silence(times=4).open_until is None
    assert silence(times=1).open_until is not None


def test_an_answer_between_them_begins_the_count_anew(simulator: SimulatorProcess, door: Door) -> None:
    silence(times=4)
    assert door.press().command.state == State.SUCCEEDED
    found = Connection.objects.get()
    assert (found.failures, found.recent_failures) == (0, [])
    assert silence(times=4).open_until is None


def test_what_was_under_way_when_it_opened_makes_no_pause_longer(door: Door) -> None:
    opened = silence(about="1", times=4)
    opened = silence(about="2", times=1)
    assert silence(about="3", times=7).open_until == opened.open_until


# One family


def test_one_family_that_hangs_keeps_nobody_from_another(simulator: SimulatorProcess, door: Door) -> None:
    simulator.fault(OPEN, "hang", residence_id=door.residence_id, seconds=30)
    others = [
        (family["residence_id"], device["mac"], device["relays"][0]["relay_id"])
        for family in simulator.estate()["families"]
        for device in family["devices"][:1]
        if family["residence_id"] != door.residence_id and device["relays"] and device["online"]
    ]
    silence(about="the hanging one")
    found = Connection.objects.get()
    assert (found.health, is_open()) == (Health.GOOD, False)
    for residence_id, mac, relay_id in others[:2]:
        pressed = Door(door.connection, residence_id, mac, relay_id).press()
        assert pressed.command.state == State.SUCCEEDED
    # The first of them looked first; then nothing was left of it.
    assert len(simulator.journal(LOOK)) == 1
    assert Connection.objects.get().open_until is None


def test_five_failures_of_one_family_open_it_where_nothing_else_is_answered_either(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault("*", "reset_before")
    silence(about="the only one")
    assert door.press().command.error == "resting"
    assert is_open()
    assert (len(simulator.journal(OPEN)), len(simulator.journal(LOOK))) == (0, 1)


# Closing


def test_after_the_pause_a_press_looks_by_a_read_and_is_then_sent(
    simulator: SimulatorProcess, door: Door
) -> None:
    silence()
    let_the_pause_pass()
    assert door.press().command.state == State.SUCCEEDED
    assert [row["command"] for row in simulator.journal()] == [LOOK, OPEN]
    found = Connection.objects.get()
    assert (found.open_until, found.failures, found.health) == (None, 0, Health.GOOD)
    assert sum(CallCount.objects.values_list("calls", flat=True)) == 2


def test_a_press_whose_look_got_no_answer_is_not_sent_and_the_pauses_grow_up_to_a_minute(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault("*", "hang", seconds=30)
    silence()
    pauses = []
    for _ in range(5):
        let_the_pause_pass()
        began = time.monotonic()
        command = door.press().command
        assert time.monotonic() - began < 2.0
        assert (command.state, command.error) == (State.NOT_SENT, "resting")
        until = Connection.objects.get().open_until
        assert until is not None
        pauses.append(round((until - timezone.now()).total_seconds(), -1))
    assert pauses == [10, 20, 40, 60, 60]
    assert simulator.journal(OPEN) == []
    assert len(simulator.journal(LOOK)) == 5


def test_of_sixteen_at_once_one_looks(simulator: SimulatorProcess, door: Door) -> None:
    simulator.fault(LOOK, "reset_before", times=1)
    silence()
    let_the_pause_pass()
    told = at_once(16, lambda number: door.press().command.error)
    assert len(simulator.journal(LOOK)) == 1
    assert simulator.journal(OPEN) == []
    assert set(told) <= {"resting", "busy"}


LOOKS = """
from portal.connections import health
from portal.connections.models import Connection
connection = Connection.objects.get()
print("there", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
print(health.may_look(connection))
"""


def test_of_several_processes_one_may_look(door: Door, tmp_path: Path) -> None:
    silence()
    let_the_pause_pass()
    go = tmp_path / "go"
    others = [start(LOOKS, str(go)) for _ in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "there"
    go.touch()
    told = [other.communicate(timeout=30)[0].strip() for other in others]
    assert sorted(told) == ["False", "False", "True"]


def test_whoever_died_while_looking_holds_nobody_for_long(simulator: SimulatorProcess, door: Door) -> None:
    silence()
    let_the_pause_pass()
    assert health.may_look(Connection.objects.get())
    held = Connection.objects.get().open_until
    assert held is not None
    assert (held - timezone.now()).total_seconds() < 2.0 + 5
    assert door.press().command.error == "resting"
    let_the_pause_pass()
    assert door.press().command.state == State.SUCCEEDED


@pytest.mark.parametrize("kind", ["refuse", "html", "unauthorized"])
def test_a_look_that_is_answered_anyhow_closes_it(simulator: SimulatorProcess, door: Door, kind: str) -> None:
    simulator.fault(LOOK, kind, times=1)
    silence()
    let_the_pause_pass()
    assert door.press().command.state == State.SUCCEEDED


def test_a_look_that_is_told_to_wait_closes_it_and_everybody_waits(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault(LOOK, "busy", seconds=20, times=1)
    silence()
    let_the_pause_pass()
    assert door.press().command.error == "held"
    assert Connection.objects.get().open_until is None
    assert door.press().command.error == "held"
    assert simulator.journal(OPEN) == []


def test_a_question_from_the_console_waits_as_well(simulator: SimulatorProcess, door: Door) -> None:
    silence()
    action = Action("get_family_info", "upstream.read", About())

    def ask() -> Any:
        return calling.read(
            By.operator(),
            door.connection,
            action,
            lambda client, command_id: client.get_family_info(residence_id=door.residence_id),
            reveals=False,
        )

    with pytest.raises(errors.NotSent, match="tried again"):
        ask()
    assert simulator.journal() == []
    let_the_pause_pass()
    assert ask().result
    assert [row["command"] for row in simulator.journal()] == [LOOK, "get_family_info"]


# In the background


def test_the_background_finds_out_without_anybody_pressing(simulator: SimulatorProcess, door: Door) -> None:
    silence()
    assert probing.look_at_those_due() == 0
    assert simulator.journal() == []
    let_the_pause_pass()
    assert at_once(4, lambda number: probing.look_at_those_due()).count(1) == 1
    assert len(simulator.journal(LOOK)) == 1
    assert Connection.objects.get().open_until is None


def test_a_dead_upstream_is_asked_once_a_minute_and_not_more(
    simulator: SimulatorProcess, door: Door, time_machine: Any
) -> None:
    simulator.fault("*", "reset_before")
    silence()
    began = timezone.now()
    time_machine.move_to(began, tick=False)
    for second in range(0, 600, 5):
        time_machine.move_to(began + timezone.timedelta(seconds=second))
        probing.look_at_those_due()
        assert door.press().command.error == "resting"
    # 10, 20 and 40 seconds after one another, then every minute: eleven in ten minutes.
    assert len(simulator.journal()) == len(simulator.journal(LOOK)) <= 12
    assert len(simulator.journal(LOOK)) >= 9


def test_a_sign_in_that_is_over_is_asked_nothing(simulator: SimulatorProcess) -> None:
    ConnectionFactory(base_url=simulator.url, open_until=timezone.now(), health=Health.SIGNED_OUT)
    assert probing.look_at_those_due() == 0
    assert simulator.journal() == []


# What it costs


def test_a_call_that_is_answered_costs_no_query_for_it(simulator: SimulatorProcess, door: Door) -> None:
    door.press()
    with CaptureQueriesContext(database) as captured:
        health.mark_good(Connection.objects.get())
    assert len(captured) == 1  # the one that read it
    with CaptureQueriesContext(database) as captured:
        door.press()
    touching = [query["sql"] for query in captured if "connections_connection" in query["sql"]]
    # Read for the line, with its token; nothing is written.
    assert [sql.split()[0] for sql in touching] == ["SELECT"]


def test_a_renewed_token_is_asked_for_before_the_look(simulator: SimulatorProcess) -> None:
    connection = signed_in(simulator, expires_at=timezone.now())
    simulator.clear_journal()
    door = Door.of(simulator, connection)
    silence()
    let_the_pause_pass()
    simulator.fault("oauth2/token", "reset_before")
    assert door.press().command.state == State.NOT_SENT
    assert is_open()
    assert [row["command"] for row in simulator.journal()] == ["oauth2/token"]
    assert Command.objects.get().error == "unreachable"
