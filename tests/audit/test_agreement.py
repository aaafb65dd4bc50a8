"""Whatever is changed in a command, from which the log draws, is found; honest ones never are."""

from typing import Any

import pytest
from django.db import connection

from portal.audit import trail
from portal.audit.agreement import first_disagreement
from portal.audit.models import Command, Entry, State
from portal.audit.trail import About, By, Result
from portal.audit.verification import Verdict, verify
from tests.audit.trails import OPERATOR, tamper
from tests.consoles import run
from tests.factories import CommandFactory

pytestmark = pytest.mark.django_db
UNKNOWN = Result(State.UNKNOWN)


def press(number: int, *results: Result, claimed: bool = True) -> Command:
    """A command that came as far as ``results`` say."""
    command, _ = trail.intend(
        "trigger_akuvox_remote_open_door",
        "door.open",
        OPERATOR,
        About(None, "Casa Núñez", "relay", "r1", "Front \u202e door"),
        press=f"p{number}",
        command_id=f"c{number}",
        connection_name="Riverside",
        parameters={"mac": "0C1105000001"},
        reason="locked out",
    )
    if claimed:
        assert trail.claim(command, OPERATOR)
    for result in results:
        assert trail.conclude(command, By.system(), result)
    return command


@pytest.fixture
def pressed(django_capture_on_commit_callbacks: Any) -> None:
    """Commands in every state: the intents are the entries 1, 2, 4, 7, 10, 14 and 18."""
    with django_capture_on_commit_callbacks(execute=True):
        press(1, claimed=False)
        press(2)
        press(3, Result(State.SUCCEEDED))
        press(4, UNKNOWN)
        press(5, UNKNOWN, Result(State.CONFIRMED_BY_HISTORY))
        press(6, UNKNOWN, Result(State.CLOSED_BY_USER))
        press(7, Result(State.NOT_SENT), claimed=False)


def found() -> Verdict:
    verdict = verify()
    assert not verdict.is_valid
    return verdict


def test_what_is_written_beside_the_steps_of_a_command_is_no_step(
    pressed: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        trail.record("pass.adopt", By.system(), command=Command.objects.get(press="p3"))
    assert verify().is_valid


def test_honest_commands_agree(pressed: None) -> None:
    assert Entry.objects.count() == 19
    assert verify().is_valid


def test_a_secret_that_was_read_has_an_intent_and_no_command(
    pressed: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        trail.record("pin.reveal", OPERATOR, phase=State.INTENT, command_id="read")
    assert verify().is_valid


@pytest.mark.parametrize(
    "column",
    ["event", "actor_kind", "actor_name", "family_name", "object_kind", "object_id", "object_name", "reason"],
)
def test_a_command_that_says_something_else_is_found(pressed: None, column: str) -> None:
    tamper(f"UPDATE audit_command SET {column} = 'else' WHERE command_id IN ('c4', 'c3')")
    verdict = found()
    assert verdict.broken_at == 4
    assert "command c3 differs" in verdict.reason


@pytest.mark.parametrize("column", ["actor_id", "family_id"])
def test_a_command_given_to_somebody_else_is_found(pressed: None, column: str) -> None:
    tamper(f"UPDATE audit_command SET {column} = 4321 WHERE command_id = 'c3'")
    assert found().broken_at == 4
    tamper(f"UPDATE audit_command SET {column} = NULL WHERE command_id = 'c3'")
    assert verify().is_valid


@pytest.mark.parametrize(
    ("command", "state", "number"),
    [
        ("c1", State.SENT, 1),
        ("c2", State.INTENT, 2),
        ("c2", State.NOT_SENT, 2),
        ("c3", State.REFUSED, 4),
        ("c3", State.SENT, 4),
        ("c4", State.NO_TRACE, 7),
        ("c5", State.UNKNOWN, 10),
        ("c7", State.SUCCEEDED, 18),
    ],
)
def test_a_state_that_its_last_entry_does_not_tell_is_found(
    pressed: None, command: str, state: State, number: int
) -> None:
    tamper("UPDATE audit_command SET state = %s WHERE command_id = %s", state, command)
    verdict = found()
    assert verdict.broken_at == number
    assert f"command {command} says “{state}”" in verdict.reason


def test_a_command_without_entries_is_named(pressed: None) -> None:
    CommandFactory(command_id="forged")
    verdict = found()
    assert (verdict.broken_at, verdict.reason) == (None, "command forged has no intent entry")
    ran = run("audit_verify")
    assert (ran.code, ran.is_one_line_of_trouble) == (1, True)
    assert "Broken: command forged has no intent entry" in ran.err


def test_a_command_under_another_id_is_found(pressed: None) -> None:
    tamper("UPDATE audit_command SET command_id = 'other' WHERE command_id = 'c3'")
    assert "command other has no intent entry" in found().reason


def test_a_removed_command_is_found(pressed: None) -> None:
    tamper("DELETE FROM audit_command WHERE command_id IN ('c3', 'c5')")
    verdict = found()
    assert (verdict.broken_at, verdict.reason) == (5, "command c3 was claimed, and is not there any more")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's plan depends on its statistics")
def test_a_command_is_compared_with_its_own_entries_only(
    pressed: None, django_assert_max_num_queries: Any
) -> None:
    """By the index of the command id in each part: by that of the event, a large trail would never be through."""
    with django_assert_max_num_queries(2) as asked:
        assert first_disagreement() is None
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked.captured_queries[0]['sql']}")
        searched = [row[3] for row in cursor.fetchall() if row[3].startswith(("SEARCH", "SCAN"))]
    assert searched.pop(0) == "SCAN audit_command"
    assert searched
    assert {text.partition(" USING ")[2] for text in searched} == {"INDEX audit_entry_command (command_id=?)"}
