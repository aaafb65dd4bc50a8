"""Intent, claim, outcome: each step once, each with an entry, none when it cannot be written."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from portal.audit import trail
from portal.audit.chain import key_ring
from portal.audit.models import Command, Entry, State
from portal.audit.trail import About, AuditUnavailable, By, Result
from portal.audit.verification import verify
from portal.keys import replace
from tests.audit.trails import deaf

pytestmark = pytest.mark.django_db(transaction=True)


def intend(press: str = "press") -> tuple[Command, bool]:
    return trail.intend(
        "trigger_akuvox_remote_open_door",
        "door.open",
        By.operator(),
        About(name="Front door"),
        press=press,
        command_id=f"c-{threading.get_ident()}-{timezone.now().timestamp()}",
        connection_name="Riverside",
        parameters={"a": "\x00"},
    )


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """What ``work`` returned in that many threads that began together."""
    gate = threading.Barrier(count)

    def one() -> Any:
        try:
            gate.wait()
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(one) for _ in range(count)]]


@pytest.fixture
def deaf_trail() -> Iterator[None]:
    """A database that takes no entry of the trail."""
    with deaf():
        yield


def test_twenty_equal_presses_are_one_command() -> None:
    made = at_once(20, intend)
    assert sum(is_new for _, is_new in made) == 1
    assert len({command.pk for command, _ in made}) == 1
    assert Entry.objects.filter(phase="intent").count() == 1


def test_one_of_twenty_may_send() -> None:
    command, _ = intend()
    claims = at_once(20, lambda: trail.claim(Command.objects.get(pk=command.pk), By.operator()))
    assert sum(claims) == 1
    assert Entry.objects.filter(phase="sent").count() == 1


def test_one_of_twenty_outcomes_counts() -> None:
    command, _ = intend()
    trail.claim(command, By.operator())
    told = at_once(
        20,
        lambda: trail.conclude(
            Command.objects.get(pk=command.pk), By.operator(), Result(State.SUCCEEDED, status=200)
        ),
    )
    assert sum(told) == 1
    assert Entry.objects.filter(phase="outcome").count() == 1
    assert verify().is_valid


def test_a_claim_after_the_deadline_is_refused() -> None:
    command, _ = intend()
    Command.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    assert not trail.claim(command, By.operator())


def test_a_claim_and_the_end_of_its_time_cannot_both_win() -> None:
    for number in range(5):
        command, _ = intend(f"press{number}")
        ends = timezone.now() + timedelta(milliseconds=30)
        Command.objects.filter(pk=command.pk).update(deadline_at=ends)
        command.refresh_from_db()
        won = at_once(2, lambda c=command: (trail.claim(c, By.operator()), trail.settle_overdue()))
        command.refresh_from_db()
        claimed = any(claim for claim, _ in won)
        assert (command.state == State.NOT_SENT) <= (not claimed)


@pytest.mark.usefixtures("deaf_trail")
def test_without_a_trail_nothing_is_intended() -> None:
    with pytest.raises(AuditUnavailable):
        intend()
    assert not Command.objects.exists()


def test_without_a_trail_nothing_is_claimed(request: pytest.FixtureRequest) -> None:
    command, _ = intend()
    request.getfixturevalue("deaf_trail")
    with pytest.raises(AuditUnavailable):
        trail.claim(command, By.operator())
    assert Command.objects.get().state == State.INTENT


def test_without_its_key_nothing_is_intended() -> None:
    text = key_ring.path.read_text()
    try:
        replace(key_ring.path, "no key at all\n")
        with pytest.raises(AuditUnavailable):
            intend()
    finally:
        replace(key_ring.path, text)
    assert not Command.objects.exists()


def test_without_a_place_for_the_head_nothing_is_intended() -> None:
    settings.AUDIT_HEADS_FILE.mkdir()
    try:
        with pytest.raises(AuditUnavailable):
            intend()
    finally:
        settings.AUDIT_HEADS_FILE.rmdir()


def test_a_claim_whose_head_cannot_be_kept_is_not_sent() -> None:
    command, _ = intend()
    heads = settings.AUDIT_HEADS_FILE.read_bytes()
    settings.AUDIT_HEADS_FILE.unlink()
    settings.AUDIT_HEADS_FILE.mkdir()
    try:
        with pytest.raises(AuditUnavailable):
            trail.claim(command, By.operator())
        assert Command.objects.get().state == State.NOT_SENT
    finally:
        settings.AUDIT_HEADS_FILE.rmdir()
        settings.AUDIT_HEADS_FILE.write_bytes(heads)
    assert verify().is_valid


def test_unknown_is_settled_later_and_once() -> None:
    command, _ = intend()
    trail.claim(command, By.operator())
    trail.conclude(command, By.operator(), Result(State.UNKNOWN))
    assert not trail.conclude(command, By.operator(), Result(State.SUCCEEDED))
    assert trail.conclude(command, By.system(), Result(State.CONFIRMED_BY_HISTORY))
    assert not trail.conclude(command, By.system(), Result(State.NO_TRACE))
    command.refresh_from_db()
    assert command.state == State.CONFIRMED_BY_HISTORY
    assert list(Entry.objects.order_by("number").values_list("phase", flat=True)) == [
        "intent",
        "sent",
        "outcome",
        "settled",
    ]


def test_what_is_done_is_never_settled() -> None:
    command, _ = intend()
    trail.claim(command, By.operator())
    trail.conclude(command, By.operator(), Result(State.SUCCEEDED))
    assert not trail.conclude(command, By.system(), Result(State.NO_TRACE))
