"""Presses by the hundred while the upstream does everything that an upstream may do: never two commands for one
press, and nothing is called what it was not.

The suite presses 300 times; GATEHOUSE_PRESSES=1000 says another number, GATEHOUSE_PRESSES_SEED throws the dice anew.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connections as databases

from families.models import Kind, Reach
from portal.audit import trail
from portal.audit.models import Command, Entry, State
from portal.audit.verification import verify
from tests.access.credentials import SET_BLE, SET_NFC
from tests.access.making import CREATE
from tests.access.passing import DELETE
from tests.connections.acting import OPEN
from tests.house.pressing import Desk, Told, settled
from tests.plugins.simulator import SimulatorProcess

PRESSES = int(os.environ.get("GATEHOUSE_PRESSES", "300"))
SEED = int(os.environ.get("GATEHOUSE_PRESSES_SEED", "20261122"))
# As many as may be inside an upstream call at once.
WORKERS = 4
DEADLINE_SECONDS = 1.5
# Nothing was sent; of an intent that waited too long for the database the settling says so later.
HELD_BACK = {State.NOT_SENT, State.INTENT}
# What nobody can read anything from: for a door, unknown. A look may find out more of what can be looked at.
NO_ANSWER = {
    "status 500", "status 503", "html", "empty", "redirect 302", "redirect 307", "reset_before", "reset_after",
    "truncated", "cut", "wrong_type", "drip", "drip_headers", "hang",
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(90 + PRESSES)
def test_no_press_is_two_commands_and_none_is_called_what_it_was_not(
    simulator: SimulatorProcess, settings: Any, record_property: Any, caplog: pytest.LogCaptureFixture
) -> None:
    # Every second answer is one of trouble, which is meant.
    caplog.set_level("CRITICAL", "django.request")
    settings.UPSTREAM_DEADLINE_SECONDS = DEADLINE_SECONDS
    # What one person may do in an hour has tests of its own.
    for limit in ("OPENS_PER_PERSON", "OPENS_PER_FAMILY", "PASSES_PER_PERSON", "PASSES_PER_FAMILY"):
        setattr(settings, f"{limit}_AN_HOUR", 0)
    simulator.reset(open_row_seconds=0)
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        desk = Desk(simulator, SEED, WORKERS)
        told: list[Told] = []
        while len(told) < PRESSES:
            now = press_everything(desk, PRESSES - len(told))
            for press in now:
                check_what_was_said(press)
            told += now
            desk.later(clock)
            trail.settle_overdue()
            desk.read(Kind.OPENINGS, Kind.TEMP_KEYS)
            # What two good readings do not show has left no trace.
            desk.read(Kind.OPENINGS)
        settled(told)
        for press in told:
            check_the_count(press)
            check_the_claim(press)
            check_what_is_shown(desk, press)
    assert Command.objects.count() == len(told) == PRESSES
    check_the_trail(told)
    # Held back by us, as where the database took too long: few, or nothing was tried here.
    assert sum(press.said in HELD_BACK for press in told) < PRESSES / 4
    record_property("presses", count(told))
    # Shown by `pytest -s`, for the report of a longer run.
    print(count(told))


def press_everything(desk: Desk, most: int) -> list[Told]:
    """One round: each worker goes through the families of its connection, at most ``most`` presses among them."""
    desk.sign_in()
    by_connection: defaultdict[Any, list[Reach]] = defaultdict(list)
    for reach in Reach.objects.select_related("family", "connection").order_by("pk"):
        by_connection[reach.connection_id].append(reach)
    shares = [most // WORKERS + (number < most % WORKERS) for number in range(WORKERS)]

    def work(reaches: list[Reach], share: int) -> list[Told]:
        try:
            return list(press_in(desk, reaches, share))
        finally:
            databases.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        return [press for some in pool.map(work, by_connection.values(), shares) for press in some]


def press_in(desk: Desk, reaches: Iterable[Reach], most: int) -> Iterable[Told]:
    for reach in reaches:
        for which, (command, look, make) in enumerate(desk.forms(reach)):
            if most == 0:
                return
            press = desk.press(reach, which, command, look, make)
            if press is not None:
                most -= 1
                yield press


def check_what_was_said(press: Told) -> None:
    """At once, before any history or list was read again."""
    assert all(status < 500 or status in (502, 503) for status in press.statuses), press
    if press.said in HELD_BACK:
        assert not press.journal, press
    elif press.said == State.SENT:
        # Its outcome could not be written down in time: the answer said that nobody knows.
        assert 503 in press.statuses, press
    elif press.command_name == OPEN:
        assert press.said in what_a_door_is_told(press), press
    elif press.command_name == CREATE:
        # Its list is compared with that of before, at once and at the next readings.
        assert press.said != State.REFUSED or press.executed == 0, press
    elif press.fault in NO_ANSWER:
        looked = press.said in {State.SUCCEEDED, State.REFUSED} and press.command.error == "read_back"
        # A success is one also where the code beside it cannot be read.
        reads_code = press.fault == "wrong_type" and press.command_name in {SET_NFC, SET_BLE}
        assert looked or press.said == (State.SUCCEEDED if reads_code else State.UNKNOWN), press
    if press.said in HELD_BACK | {State.SENT}:
        return
    is_doubtful = any("We do not know" in text for text in press.texts)
    if press.command_name == DELETE:
        # Of a pass the list that was read afterwards tells, which may know more than the answer.
        gone = any("1 pass deleted" in text for text in press.texts)
        assert press.executed == 1 or not gone, press
        assert press.executed == 0 or not any("Still there" in text for text in press.texts), press
    else:
        assert is_doubtful == (press.said == State.UNKNOWN), press


def what_a_door_is_told(press: Told) -> set[str]:
    if press.fault in NO_ANSWER:
        return {State.UNKNOWN}
    if press.fault == "unauthorized" and press.can_renew:
        # It is renewed, and the press is sent again, unless it was renewed moments ago.
        return {State.SUCCEEDED, State.REFUSED}
    return {State.REFUSED if press.fault else State.SUCCEEDED}


def check_the_count(press: Told) -> None:
    """The upstream was asked once: what it turned away for its token or for want of time was not carried out."""
    assert press.taken <= 1, press
    assert press.executed <= 1, press
    if press.command_name == OPEN:
        assert len(press.journal) <= (2 if press.fault == "unauthorized" else 1), press


def check_the_claim(press: Told) -> None:
    """What is said in the end is so, or is called unknown."""
    match press.state:
        case State.SUCCEEDED | State.CONFIRMED_BY_HISTORY:
            assert press.executed == 1, press
        case State.REFUSED | State.NO_TRACE:
            assert press.executed == 0, press
        case State.NOT_SENT:
            assert press.journal == [], press
        case state:
            assert state == State.UNKNOWN, press
            # Each door was pressed once in a round, so that its history leaves no doubt.
            assert press.command_name != OPEN, press


def check_what_is_shown(desk: Desk, press: Told) -> None:
    """A press of a door has a page of its own, which says what is known by now."""
    if press.page is None or press.said != State.UNKNOWN:
        return
    shown = desk.get(press.page(press.command))
    wanted = "Seen in the log" if press.state == State.CONFIRMED_BY_HISTORY else "no trace of it"
    assert wanted in shown, press


def check_the_trail(told: list[Told]) -> None:
    """The chain holds, and tells one intent, at most one sending and one outcome of each press."""
    assert verify().is_valid
    phases = Counter(Entry.objects.exclude(command_id="").values_list("command_id", "phase"))
    assert set(phases.values()) == {1}
    for press in told:
        assert phases[(press.command.command_id, "outcome")] == 1, press


def count(told: list[Told]) -> str:
    """For the report of a run."""
    said, states = Counter(press.said for press in told), Counter(press.state for press in told)
    faults = Counter(press.fault or "none" for press in told)
    return f"{len(told)} presses; at once {dict(said)}; in the end {dict(states)}; faults {dict(faults)}"
