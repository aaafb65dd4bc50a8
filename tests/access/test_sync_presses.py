import threading
from datetime import timedelta

import pytest
from django.db import connections as databases
from django.utils import timezone

from access.models import Opening, Relay
from access.sync import presses, runs
from families.models import Kind, SyncState
from portal.audit import trail
from portal.audit.models import Command, Entry, State
from portal.audit.trail import By, Result
from portal.upstream.client import Client, StaticToken
from tests.factories import CommandFactory
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def relay(simulator):
    """A door whose device's name is the only one in its family, read with its history."""
    simulator.reset(families=3, open_row_seconds=0)
    read(connect(simulator))
    for relay in Relay.objects.select_related("device__family").order_by("pk"):
        if relay.device.family.devices.filter(name=relay.device.name).count() == 1 and relay.device.is_online:
            return relay
    raise LookupError


@pytest.fixture
def connection(relay):
    return relay.device.family.reaches.get().connection


def press(relay, **fields):
    """A press of this door as the portal notes it: answered just now unless said otherwise."""
    now = timezone.now()
    return CommandFactory(
        **{
            "name": "trigger_akuvox_remote_open_door",
            "event": "door.open",
            "family": relay.device.family,
            "object_kind": "relay",
            "object_id": relay.public_id,
            "sent_at": now,
            "answered_at": now,
            "upstream_clock_ms": round(now.timestamp() * 1000),
        }
        | fields
    )


def send(simulator, relay):
    Client(simulator.url, StaticToken(simulator.token)).trigger_akuvox_remote_open_door(
        residence_id=relay.device.family.residence_id, mac=relay.device.mac, relay_id=relay.relay_id
    )


def read_openings(connection, relay):
    return read(connection, Kind.OPENINGS, family=relay.device.family)


def had_their_time(**fields):
    """Let the presses, and what was read, lie further back."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Command.objects.update(sent_at=long_ago, answered_at=long_ago, **fields)


def test_a_press_is_tied_to_the_opening_it_caused(simulator, connection, relay):
    command = press(relay)
    send(simulator, relay)
    report = read_openings(connection, relay)
    assert report.counts["matched"] == 1
    opening = Opening.objects.get(command=command)
    assert (opening.device, opening.is_success) == (relay.device, True)
    command.refresh_from_db()
    assert command.state == State.SUCCEEDED
    assert not Entry.objects.filter(command_id=command.command_id).exists()
    assert read_openings(connection, relay).counts["matched"] == 0


def test_an_unknown_outcome_is_settled_by_the_history(simulator, connection, relay):
    command = press(relay, state=State.UNKNOWN, upstream_clock_ms=None)
    send(simulator, relay)
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.CONFIRMED_BY_HISTORY
    assert Opening.objects.get(command=command)
    entry = Entry.objects.get(command_id=command.command_id)
    assert (entry.phase, entry.outcome, entry.actor_kind) == ("settled", "confirmed_by_history", "system")


def test_an_unknown_outcome_leaves_no_trace_after_two_good_readings(simulator, connection, relay):
    command = press(relay, state=State.UNKNOWN)
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.UNKNOWN
    # Its history is wanted meanwhile.
    assert SyncState.objects.get(family=relay.device.family, kind=Kind.OPENINGS).wanted_until > timezone.now()
    SyncState.objects.update(last_good_at=timezone.now() - timedelta(minutes=20))
    had_their_time()
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.UNKNOWN
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.NO_TRACE
    assert Entry.objects.get(command_id=command.command_id).outcome == "no_trace"


def test_an_accepted_press_that_two_good_readings_did_not_show_is_marked_and_looked_for_on(
    simulator, connection, relay
):
    command = press(relay)
    SyncState.objects.update(last_good_at=timezone.now() - timedelta(minutes=20))
    had_their_time()
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.not_seen_at is None
    read_openings(connection, relay)
    command.refresh_from_db()
    assert (command.state, command.not_seen_at is not None) == (State.SUCCEEDED, True)
    assert not Entry.objects.filter(command_id=command.command_id).exists()
    # Its row comes late all the same.
    Command.objects.update(sent_at=timezone.now(), answered_at=timezone.now())
    send(simulator, relay)
    read_openings(connection, relay)
    assert Opening.objects.get(command=command)


def test_a_failed_reading_is_no_reading(simulator, connection, relay):
    command = press(relay, state=State.UNKNOWN)
    SyncState.objects.update(last_good_at=timezone.now() - timedelta(minutes=20))
    had_their_time()
    simulator.fault("get_akuvox_open_door_history", "refuse")
    for _ in range(3):
        read_openings(connection, relay)
    simulator.clear_faults()
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.UNKNOWN


@pytest.mark.parametrize(
    "state", [State.REFUSED, State.NOT_SENT, State.INTENT, State.SENT, State.NO_TRACE, State.CLOSED_BY_USER]
)
def test_a_press_that_did_not_open_takes_no_opening(simulator, connection, relay, state):
    press(relay, state=state)
    send(simulator, relay)
    read_openings(connection, relay)
    assert not Opening.objects.filter(command__isnull=False).exists()


def test_two_presses_and_one_opening_stay_apart(simulator, connection, relay):
    press(relay, state=State.UNKNOWN)
    press(relay)
    send(simulator, relay)
    read_openings(connection, relay)
    assert not Opening.objects.filter(command__isnull=False).exists()


def test_a_refused_opening_or_another_device_is_not_the_presss(simulator, connection, relay):
    press(relay)
    residence_id = relay.device.family.residence_id
    simulator.opening(residence_id=residence_id, device_name=relay.device.name, open_door=False)
    simulator.opening(residence_id=residence_id, device_name="Another")
    read_openings(connection, relay)
    assert not Opening.objects.filter(command__isnull=False).exists()


def test_the_upstreams_clock_may_be_an_hour_off(simulator, connection, relay):
    simulator.advance(3_600)
    now = timezone.now()
    known = press(relay, upstream_clock_ms=round((now.timestamp() + 3_600) * 1000))
    send(simulator, relay)
    read_openings(connection, relay)
    assert Opening.objects.get(command=known)
    Opening.objects.update(command=None)
    Command.objects.all().delete()
    # Without an answer of its own, the clock is known from the history's.
    unknown = press(relay, state=State.UNKNOWN, upstream_clock_ms=None)
    SyncState.objects.update(digest=None)
    read_openings(connection, relay)
    assert Opening.objects.get(command=unknown)


def test_a_run_that_was_killed_after_its_rows_were_written_ties_them_the_next_time(
    simulator, connection, relay
):
    send(simulator, relay)
    read_openings(connection, relay)
    command = press(relay)
    read_openings(connection, relay)
    assert Opening.objects.get(command=command)


def test_two_workers_tie_one_opening_once(simulator, connection, relay):
    command = press(relay, state=State.UNKNOWN)
    send(simulator, relay)
    state = SyncState.objects.get(family=relay.device.family, kind=Kind.OPENINGS)
    report = runs.run([state.pk], runs.KEEPERS, {connection.pk: connection}, is_forced=True)
    failures, gate = [], threading.Barrier(3)

    def work():
        try:
            gate.wait()
            presses.settle(report.readings)
        except BaseException as error:
            failures.append(error)
        finally:
            databases.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert Opening.objects.filter(command=command).count() == 1
    assert Entry.objects.filter(command_id=command.command_id).count() == 1


def test_a_press_of_a_process_that_died_is_looked_up_soon(simulator, connection, relay):
    SyncState.objects.update(due_at=timezone.now() + timedelta(hours=1), last_tried_at=None)
    over = timezone.now() - timedelta(seconds=1)
    command = press(relay, state=State.SENT, answered_at=None, upstream_clock_ms=None, deadline_at=over)
    trail.settle_overdue()
    presses.want_unknown()
    command.refresh_from_db()
    assert command.state == State.UNKNOWN
    due = SyncState.objects.filter(due_at__lte=timezone.now() + timedelta(seconds=2))
    assert [(state.family, state.kind) for state in due] == [(relay.device.family, Kind.OPENINGS)]


def test_what_a_person_closed_stays_closed(simulator, connection, relay):
    command = press(relay, state=State.UNKNOWN)
    send(simulator, relay)
    assert trail.conclude(command, By.system(), Result(State.CLOSED_BY_USER))
    read_openings(connection, relay)
    command.refresh_from_db()
    assert command.state == State.CLOSED_BY_USER
