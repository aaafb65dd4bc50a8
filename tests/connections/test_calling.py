"""A command goes out once, behind its intent, within its time; and its outcome is told as it is known."""

import random
import subprocess
import time
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from portal.audit import trail
from portal.audit.models import Command, Entry, State
from portal.audit.trail import About, AuditUnavailable, By, OutcomeNotRecorded
from portal.audit.verification import verify
from portal.connections import calling
from portal.connections.calling import Action
from portal.connections.models import CallCount, Connection, Health
from portal.upstream import errors
from tests.audit.test_processes import start
from tests.audit.test_trail import deaf_trail as deaf_trail
from tests.audit.trails import deaf
from tests.connections.acting import OPEN, Door, at_once, pasted, signed_in
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def door(simulator: SimulatorProcess) -> Door:
    return Door.of(simulator, pasted(simulator))


@pytest.fixture(autouse=True)
def short_deadline(settings: Any) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 2.0


def executed(simulator: SimulatorProcess) -> int:
    return sum(row["executed"] for row in simulator.journal(OPEN))


def test_a_command_is_sent_behind_its_intent(simulator: SimulatorProcess, door: Door) -> None:
    performed = door.press()
    assert performed.command.state == State.SUCCEEDED
    assert performed.answer is not None
    assert [row["id"] for row in simulator.journal(OPEN)] == [performed.command.command_id]
    assert list(Entry.objects.order_by("number").values_list("phase", flat=True)) == [
        "intent",
        "sent",
        "outcome",
    ]
    assert Entry.objects.get(phase="outcome").upstream_status == 200
    assert verify().is_valid


FAULTS = {
    "reset_before": State.UNKNOWN,
    "reset_after": State.UNKNOWN,
    "hang": State.UNKNOWN,
    "drip": State.UNKNOWN,
    "drip_headers": State.UNKNOWN,
    "truncated": State.UNKNOWN,
    "redirect": State.UNKNOWN,
    "empty": State.UNKNOWN,
    "html": State.UNKNOWN,
    "huge": State.UNKNOWN,
    "refuse": State.REFUSED,
    "busy": State.REFUSED,
    "unauthorized": State.REFUSED,
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_comes_back_is_told_as_it_is(simulator: SimulatorProcess, door: Door, kind: str) -> None:
    options = {"seconds": 30} if kind in {"drip", "drip_headers", "hang"} else {}
    simulator.fault(OPEN, kind, **options)
    began = time.monotonic()
    performed = door.press()
    assert time.monotonic() - began < 2.0 + 5
    assert performed.command.state == FAULTS[kind]
    assert Command.objects.get().state == FAULTS[kind]
    assert len(simulator.journal(OPEN)) == 1
    assert executed(simulator) <= 1
    assert verify().is_valid


@pytest.mark.parametrize("status", [500, 502, 503, 302])
def test_a_status_that_says_nothing_of_the_outcome_leaves_it_unknown(
    simulator: SimulatorProcess, door: Door, status: int
) -> None:
    simulator.fault(OPEN, "status", status=status)
    assert door.press().command.state == State.UNKNOWN


def test_an_upstream_that_is_off_was_sent_nothing(simulator: SimulatorProcess, door: Door) -> None:
    simulator.stop()
    try:
        performed = door.press()
    finally:
        simulator.start()
    assert performed.command.state == State.NOT_SENT
    assert Connection.objects.get().health == Health.FAILING


@pytest.mark.usefixtures("deaf_trail")
def test_without_an_intent_nothing_is_sent(simulator: SimulatorProcess, door: Door) -> None:
    with pytest.raises(AuditUnavailable):
        door.press()
    assert simulator.journal() == []


def test_a_trail_that_fails_after_the_intent_stops_the_command(
    simulator: SimulatorProcess, door: Door
) -> None:
    with deaf("NEW.phase = 'sent'"), pytest.raises(AuditUnavailable):
        door.press()
    assert simulator.journal() == []
    assert Command.objects.get().state == State.INTENT


@pytest.mark.usefixtures("deaf_trail")
def test_without_an_intent_no_secret_is_shown(simulator: SimulatorProcess, door: Door) -> None:
    command = "get_akuvox_open_door_private_key_config"
    action = Action(command, "upstream.reveal", About())
    with pytest.raises(AuditUnavailable):
        calling.read(
            By.operator(),
            door.connection,
            action,
            lambda client, command_id: client.call(command, {"residence_id": door.residence_id}),
            reveals=True,
        )
    assert simulator.journal() == []


def test_twenty_equal_presses_are_sent_once(simulator: SimulatorProcess, door: Door) -> None:
    made = at_once(20, lambda number: door.press("the same"))
    assert len(simulator.journal(OPEN)) == 1
    assert sum(not performed.is_repeat for performed in made) == 1
    assert Command.objects.count() == 1
    assert door.press("the same").command.state == State.SUCCEEDED


def test_a_hanging_upstream_holds_four_and_tells_the_others_at_once(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault(OPEN, "hang", seconds=30)

    def press(number: int) -> tuple[str, float]:
        began = time.monotonic()
        return door.press().command.error, time.monotonic() - began

    told = at_once(16, press)
    assert len(simulator.journal(OPEN)) == 4
    assert sorted(error for error, _ in told) == ["busy"] * 12 + ["no_answer"] * 4
    assert max(seconds for _, seconds in told) < 2.0 + 1.0
    assert Command.objects.filter(state=State.NOT_SENT).count() == 12


def test_the_look_at_what_became_of_it_stays_within_the_time(simulator: SimulatorProcess, door: Door) -> None:
    simulator.fault(OPEN, "reset_after")
    simulator.fault("get_family_info", "hang", seconds=30)
    began = time.monotonic()
    performed = door.press(
        settle=lambda client: bool(client.get_family_info(residence_id=door.residence_id).result)
    )
    assert time.monotonic() - began < 2.0 + 5
    assert performed.command.state == State.UNKNOWN
    assert len(simulator.journal("get_family_info")) >= 1


@pytest.mark.parametrize(
    ("found", "state"), [(True, State.SUCCEEDED), (False, State.REFUSED), (None, State.UNKNOWN)]
)
def test_a_look_can_settle_what_is_unknown(
    simulator: SimulatorProcess, door: Door, found: bool | None, state: str
) -> None:
    simulator.fault(OPEN, "reset_after")
    assert door.press(settle=lambda client: found).command.state == state


def test_what_was_sent_and_cannot_be_written_down_is_an_error_of_its_own(
    simulator: SimulatorProcess, door: Door
) -> None:
    with deaf("NEW.phase = 'outcome'"), pytest.raises(OutcomeNotRecorded) as caught:
        door.press()
    assert caught.value.result.state == State.SUCCEEDED
    assert executed(simulator) == 1
    assert Command.objects.get().state == State.SENT
    Command.objects.update(deadline_at=timezone.now())
    assert trail.settle_overdue() == 1
    assert Command.objects.get().state == State.UNKNOWN


@pytest.mark.parametrize("mistake", [ZeroDivisionError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("is_sent", [True, False])
def test_a_mistake_of_ours_is_told_by_whether_anything_was_sent(
    simulator: SimulatorProcess, door: Door, mistake: type[BaseException], is_sent: bool
) -> None:
    def send(client: Any, command_id: str) -> Any:
        if is_sent:
            door.send(client, command_id)
        raise mistake

    with pytest.raises(mistake):
        door.press(send=send)
    assert Command.objects.get().state == (State.UNKNOWN if is_sent else State.NOT_SENT)
    assert executed(simulator) == is_sent


def test_parameters_that_are_none_are_not_sent(simulator: SimulatorProcess, door: Door) -> None:
    with pytest.raises(ValueError, match="residence_id"):
        door.press(send=lambda client, command_id: client.call(OPEN, {"mac": 1}))
    assert Command.objects.get().state == State.NOT_SENT
    assert simulator.journal(OPEN) == []


@pytest.mark.parametrize("why", ["paused", "signed_out", "held", "budget", "gone"])
def test_a_connection_that_cannot_be_used_sends_nothing(
    simulator: SimulatorProcess, door: Door, why: str
) -> None:
    mine = Connection.objects.filter(pk=door.connection.pk)
    now = timezone.now()
    if why == "paused":
        mine.update(paused_at=now)
    elif why == "signed_out":
        mine.update(health=Health.SIGNED_OUT)
    elif why == "held":
        mine.update(hold_until=now + timezone.timedelta(seconds=30))
    elif why == "budget":
        mine.update(calls_per_minute=3)
    else:
        mine.delete()
        with pytest.raises(AuditUnavailable):
            door.press()
        assert simulator.journal() == []
        return
    performed = door.press()
    assert (performed.command.state, performed.command.error) == (State.NOT_SENT, why)
    assert performed.command.words
    assert simulator.journal() == []


def test_the_budget_counts_what_was_sent(simulator: SimulatorProcess, door: Door) -> None:
    door.press()
    assert sum(CallCount.objects.values_list("calls", flat=True)) == 1


def test_busy_is_obeyed_by_the_next_press(simulator: SimulatorProcess, door: Door) -> None:
    simulator.fault(OPEN, "busy", seconds=20, times=1)
    assert door.press().command.error == "busy"
    second = door.press()
    assert (second.command.state, second.command.error) == (State.NOT_SENT, "held")
    assert len(simulator.journal(OPEN)) == 1


def test_a_refused_token_is_renewed_and_the_press_sent_again(simulator: SimulatorProcess) -> None:
    door = Door.of(simulator, signed_in(simulator))
    simulator.expire_tokens()
    assert door.press().command.state == State.SUCCEEDED
    assert executed(simulator) == 1


def test_a_pasted_token_that_is_refused_signs_the_connection_out(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.expire_tokens()
    performed = door.press()
    assert (performed.command.state, performed.command.error) == (State.REFUSED, "signed_out")
    assert Connection.objects.get().health == Health.SIGNED_OUT
    assert door.press().command.state == State.NOT_SENT


def test_a_read_is_on_the_trail_with_its_outcome(simulator: SimulatorProcess, door: Door) -> None:
    for residence_id, reveals in ((door.residence_id, True), (door.residence_id, False), ("nobody", False)):
        action = Action(
            "get_family_info", "upstream.read", About(), parameters={"residence_id": residence_id}
        )

        def send(client: Any, command_id: str, residence_id: str = residence_id) -> Any:
            return client.get_family_info(residence_id=residence_id, command_id=command_id)

        if residence_id == "nobody":
            with pytest.raises(errors.UpstreamRejected):
                calling.read(By.operator(), door.connection, action, send, reveals=reveals)
        else:
            assert calling.read(By.operator(), door.connection, action, send, reveals=reveals).result
    assert list(Entry.objects.order_by("number").values_list("phase", "outcome")) == [
        ("intent", ""),
        ("outcome", "succeeded"),
        ("", "succeeded"),
        ("", "refused"),
    ]


def test_whatever_happens_a_press_is_carried_out_at_most_once(
    simulator: SimulatorProcess, door: Door, settings: Any
) -> None:
    """Sixty presses, each made twice at once, each met by a fault of its own."""
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    Connection.objects.update(calls_per_minute=100_000)
    chance = random.Random(7)
    kinds = ["reset_before", "reset_after", "truncated", "html", "empty", "refuse", "status", "cut", ""]
    for number in range(60):
        kind = chance.choice(kinds)
        simulator.clear_faults()
        Connection.objects.update(open_until=None, failures=0, recent_failures=[])
        if kind:
            simulator.fault(OPEN, kind, **({"status": 502} if kind == "status" else {}))
        at_once(2, lambda turn, number=number: door.press(f"press {number}"))
    journal = simulator.journal(OPEN)
    assert len(journal) == len({row["id"] for row in journal}) == Command.objects.count() == 60
    done = {row["id"] for row in journal if row["executed"]}
    for command in Command.objects.all():
        if command.state == State.SUCCEEDED:
            assert command.command_id in done
        elif command.state == State.REFUSED:
            assert command.command_id not in done
        else:
            assert command.state == State.UNKNOWN
    assert verify().is_valid


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has no server to lose")
def test_a_database_that_was_lost_during_the_call_is_reached_anew(
    simulator: SimulatorProcess, door: Door
) -> None:
    def send(client: Any, command_id: str) -> Any:
        answer = door.send(client, command_id)
        mine = database.connection.info.backend_pid
        other = database.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [mine])
        other.close()
        return answer

    assert door.press(send=send).command.state == State.SUCCEEDED
    assert Command.objects.get().state == State.SUCCEEDED
    assert verify().is_valid


PRESSES = """
from portal.connections.models import Connection
from portal.connections import calling
connection = Connection.objects.get()
print("there", flush=True)
calling.perform(
    By.operator(), connection, calling.Action("x", "door.open", About(), "the press"),
    lambda client, command_id: client.trigger_akuvox_remote_open_door(
        residence_id=sys.argv[1], mac=sys.argv[2], relay_id=sys.argv[3], command_id=command_id))
"""


def test_a_process_killed_while_it_waits_for_the_answer_sends_nothing_again(
    simulator: SimulatorProcess, door: Door
) -> None:
    simulator.fault(OPEN, "hang", seconds=30)
    process = start(PRESSES, door.residence_id, door.mac, door.relay_id)
    wait_for(lambda: simulator.journal(OPEN), process)
    process.kill()
    process.communicate()
    simulator.clear_faults()
    assert Command.objects.get().state == State.SENT
    Command.objects.update(deadline_at=timezone.now())
    assert trail.settle_overdue() == 1
    assert Command.objects.get().state == State.UNKNOWN
    assert door.press("the press").command.state == State.UNKNOWN  # the same press again
    assert len(simulator.journal(OPEN)) == 1
    assert verify().is_valid


def wait_for(wanted: Any, process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 30
    while not wanted():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.skipif(database.vendor != "sqlite", reason="a lock of SQLite")
def test_a_locked_database_stops_the_press_in_time(
    simulator: SimulatorProcess, door: Door, settings: Any
) -> None:
    import sqlite3

    stranger = sqlite3.connect(database.settings_dict["NAME"], isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    try:
        began = time.monotonic()
        with pytest.raises(AuditUnavailable):
            door.press()
        assert time.monotonic() - began < 2.0 + 5
    finally:
        stranger.execute("ROLLBACK")
        stranger.close()
    assert simulator.journal() == []
    assert door.press().command.state == State.SUCCEEDED
