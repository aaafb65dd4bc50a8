"""The chain under many writers, and what a process that dies leaves behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from portal.audit.models import Command, Entry, State
from portal.audit.verification import verify
from tests.syncing import process_environment

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
PROLOGUE = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import django; django.setup()
from django.db import transaction
from portal.audit import trail
from portal.audit.trail import About, By, Result
"""


def start(script: str, *words: str) -> subprocess.Popen[str]:
    """Another process of the portal, which prints a line when it has got where the test wants it."""
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + script, *words],
        env=process_environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


WRITER = """
for number in range(15):
    try:
        with transaction.atomic():
            trail.record("made.up", By.operator(), parameters={"writer": sys.argv[1], "n": number})
            if number % 5 == 4:
                raise RuntimeError
    except RuntimeError:
        pass
print("done")
"""


def test_eight_writers_leave_one_chain_without_a_gap() -> None:
    writers = [start(WRITER, str(number)) for number in range(8)]
    for writer in writers:
        assert writer.communicate(timeout=90)[0].strip() == "done"
    assert list(Entry.objects.order_by("number").values_list("number", flat=True)) == list(
        range(1, 8 * 12 + 1)
    )
    verdict = verify()
    assert (verdict.is_valid, verdict.entries, verdict.heads) == (True, 96, 96)


HALFWAY = """
command, _ = trail.intend("trigger_akuvox_remote_open_door", "door.open", By.operator(), About(), press="p",
                          command_id="c1", connection_name="Riverside", parameters={})
if sys.argv[1] == "claimed":
    trail.claim(command, By.operator())
print("there", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("step", "outcome"), [("intended", State.NOT_SENT), ("claimed", State.UNKNOWN)])
def test_a_process_killed_between_intent_and_answer_leaves_an_outcome(
    settings: Any, step: str, outcome: str
) -> None:
    from portal.audit import trail

    killed = start(HALFWAY, step)
    assert killed.stdout is not None
    assert killed.stdout.readline().strip() == "there"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    command = Command.objects.get()
    assert command.is_open
    assert trail.settle_overdue() == 0  # its time is not over yet
    Command.objects.update(deadline_at=command.created_at)
    assert trail.settle_overdue() == 1
    command.refresh_from_db()
    assert (command.state, command.error) == (outcome, "interrupted")
    assert not trail.claim(command, trail.By.operator())
    assert Entry.objects.order_by("-number")[0].outcome == outcome
    assert verify().is_valid


def test_the_time_of_a_dead_command_is_over_within_a_minute() -> None:
    from portal.audit import trail

    command, _ = trail.intend(
        "x",
        "x",
        trail.By.operator(),
        trail.About(),
        press="p",
        command_id="c",
        connection_name="",
        parameters={},
    )
    assert (command.deadline_at - command.created_at).total_seconds() < 50


HOLDER = """
with transaction.atomic():
    trail.record("held", By.operator())
    print("there", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def test_a_writer_that_never_ends_keeps_nobody_longer_than_their_deadline() -> None:
    from portal import waiting
    from portal.audit import trail

    holder = start(HOLDER, "30")
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "there"
    try:
        began = time.monotonic()
        with pytest.raises(trail.AuditUnavailable), waiting.until(began + 1.0):
            trail.record_first("waits", trail.By.operator())
        assert 0.8 < time.monotonic() - began < 1 + 3
    finally:
        holder.kill()
        holder.communicate()
    trail.record_first("free again", trail.By.operator())
    assert Entry.objects.count() == 1
    connections.close_all()
