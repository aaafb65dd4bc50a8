"""A move-out that is interrupted anywhere ends as one that was not, sends nothing twice, and calls unknown what is."""

import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.utils import timezone

from access.models import ItemKind, MoveOutState
from access.services.moving import advancing
from portal.audit.models import Command, State
from portal.audit.trail import settle_overdue
from tests.access import moving
from tests.access.moving import begin, household, not_gone, record, states
from tests.factories import ConnectionFactory, GrantFactory, InvitedFactory, ManagerFactory
from tests.syncing import ROOT, process_environment

pytestmark = pytest.mark.django_db(transaction=True)

DELETE_PASSES = "batch_delete_akuvox_open_door_temp_key_config"
STEPS = [
    "grant.end",
    "session.end",
    "person.invite_revoke",
    "connection.pause",
    "pass.delete",
    "member.remove",
    "move_out.record",
]


@contextmanager
def a_trail_without(event):
    """The trail takes no entry of one event."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER refuses BEFORE INSERT ON audit_entry WHEN NEW.event = '{event}' "
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute(
                f"ALTER TABLE audit_entry ADD CONSTRAINT refuses CHECK (event <> '{event}') NOT VALID"
            )
    try:
        yield
    finally:
        with database.cursor() as cursor:
            if database.vendor == "sqlite":
                cursor.execute("DROP TRIGGER refuses")
            else:
                cursor.execute("ALTER TABLE audit_entry DROP CONSTRAINT refuses")


def populated(simulator):
    """A household with everything in it that a move-out ends."""
    home = household(simulator)
    person = home.admin_of(home.members[0])
    ConnectionFactory(owner=person, name="Of their own")
    GrantFactory(person=InvitedFactory(role="family_admin"), family=home.family)
    return home


@pytest.mark.parametrize("event", STEPS)
def test_broken_off_before_any_step_it_goes_on_and_ends_the_same(simulator, event):
    home = populated(simulator)
    begun = begin(home)
    with a_trail_without(event):
        stopped = advancing.advance(begun, seconds=30)
    assert stopped.state == MoveOutState.RUNNING
    assert not stopped.readings.exists()

    done = advancing.advance(stopped, seconds=30)

    assert home.accounts() == {home.own: "admin"}
    assert home.passes() == 0
    assert set(states(done).values()) == {"gone"}
    assert moving.live_grants(home.family) == 0
    assert [each["command"] for each in home.sent()] == [DELETE_PASSES, moving.REMOVE_MANY]
    assert record(done).number == 1


@pytest.mark.parametrize("command", [DELETE_PASSES, moving.REMOVE_MANY])
@pytest.mark.parametrize("fault", ["hang", "latency"])
def test_killed_inside_a_command_nothing_is_sent_twice_and_the_record_tells_what_is_true(
    simulator, command, fault
):
    home = populated(simulator)
    # An upstream that is killed on carries the command out (latency) or never does (hang).
    simulator.fault(command, fault, seconds=3)
    kill_when_sent(home, command)
    simulator.clear_faults()
    time.sleep(3.5 if fault == "latency" else 0)

    done = continued(home)

    assert len(simulator.journal(command)) == 1
    is_done = fault == "latency"
    kind = ItemKind.PASS if command == DELETE_PASSES else ItemKind.MEMBER
    assert set(states(done, kind).values()) == {"gone" if is_done else "left"}
    assert home.passes() == (0 if is_done or command != DELETE_PASSES else moving.PASSES)
    assert (
        Command.objects.get(press__startswith=f"move-{done.public_id}", name=command).state == State.UNKNOWN
    )
    assert done.state == MoveOutState.ENDED
    assert bool(not_gone(done)) is not is_done


def test_killed_while_everything_is_read_back_the_next_one_reads_it(simulator):
    home = populated(simulator)
    simulator.fault(moving.REMOVE_MANY, "latency", seconds=0.1)
    kill_when_sent(home, moving.REMOVE_MANY, then=moving.INFO)
    simulator.clear_faults()

    done = continued(home)

    assert len(simulator.journal(moving.REMOVE_MANY)) == 1
    assert not_gone(done) == []


def kill_when_sent(home, command, *, then=""):
    """Begin it in a process of its own, and kill that when the command has arrived (``then``: this one after it)."""
    manager = ManagerFactory()
    words = ["move_out", home.family.residence_id, "--by", manager.email, "--owner", "own", "--yes"]
    home.simulator.clear_journal()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=process_environment(UPSTREAM_DEADLINE_SECONDS="8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 30
    try:
        while time.monotonic() < ends and process.poll() is None:
            told = [each["command"] for each in home.simulator.journal()]
            if command in told and (not then or then in told[told.index(command) :]):
                break
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
    finally:
        process.kill()
        process.communicate()


def continued(home):
    """What the worker makes of it a while later."""
    from access.models import MoveOut

    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        settle_overdue()
        assert advancing.advance_all(seconds=30) == 1
    return MoveOut.objects.get()
