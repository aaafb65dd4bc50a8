"""What a worker that was killed leaves, and what becomes of a row that a person decides about."""

import socket
import time
from datetime import timedelta

import pytest
from celery import current_app
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from families.models import JobState, RowState
from families.services import jobs
from families.services.jobs import claims, running, settling, waking
from families.services.jobs.running import JobMovedOn
from portal.audit.models import Actor, Command, Entry, State
from tests.factories import AuditorFactory, CommandFactory, ManagerFactory, MemberFactory
from tests.families.house import a_trail_that_refuses
from tests.families.jobs import (
    CREATE,
    INVITE,
    begun,
    draft,
    email_of,
    reached_families,
    sent,
    state_of,
    states,
)

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(minutes=1)


@pytest.fixture
def job(simulator):
    return begun(ManagerFactory(), reached_families(simulator, 1), 1)


def killed(job, command_state=None, **fields):
    """The row as a worker left it that was killed long ago, with its command in this state."""
    row = job.rows.get()
    past = timezone.now() - LONG_AGO
    job.rows.update(state=RowState.CLAIMED, claimed_by="dead", claimed_until=past)
    if command_state is not None:
        CommandFactory(
            press=row.press,
            state=command_state,
            created_at=past,
            deadline_at=past,
            actor=job.made_by,
            actor_kind=Actor.PERSON,
            family=row.family,
            **fields,
        )


def test_a_claim_whose_command_was_never_made_waits_again_under_the_same_press(simulator, job):
    killed(job)
    press = job.rows.get().press

    assert jobs.work(20) == 1

    assert sent(simulator) == [email_of(1)]
    assert Command.objects.get().press == press
    assert states(job) == {RowState.DONE: 1}


def test_a_claim_that_may_still_be_alive_is_left_alone(simulator, job):
    job.rows.update(
        state=RowState.CLAIMED, claimed_by="alive", claimed_until=timezone.now() + timedelta(seconds=20)
    )
    assert jobs.work(2) == 0
    assert states(job) == {RowState.CLAIMED: 1}
    assert simulator.journal() == []


def test_an_intent_past_its_deadline_was_not_sent_and_is_sent_by_the_next_attempt(simulator, job):
    killed(job, State.INTENT)

    assert jobs.work(20) == 1

    assert sent(simulator) == [email_of(1)]
    row = job.rows.get()
    assert (row.state, row.attempt) == (RowState.DONE, 2)
    assert sorted(Command.objects.values_list("state", flat=True)) == [State.NOT_SENT, State.SUCCEEDED]


@pytest.mark.parametrize(
    ("state", "of_row"),
    [(State.SENT, RowState.UNKNOWN), (State.SUCCEEDED, RowState.DONE), (State.REFUSED, RowState.REFUSED)],
)
def test_what_was_sent_is_read_from_its_command_and_not_sent_again(simulator, job, state, of_row):
    killed(job, state)

    jobs.work(2)

    assert states(job) == {of_row: 1}
    assert simulator.journal() == []
    assert state_of(job) == JobState.DONE


def test_a_command_that_is_on_its_way_is_waited_for(simulator, job):
    killed(job)
    row = job.rows.get()
    CommandFactory(press=row.press, state=State.SENT, deadline_at=timezone.now() + timedelta(seconds=10))

    jobs.work(1)

    row.refresh_from_db()
    assert row.state == RowState.CLAIMED
    assert row.claimed_until > timezone.now() + timedelta(seconds=8)
    assert simulator.journal() == []


def test_a_worker_that_slept_through_its_claim_changes_nothing(job):
    [row] = claims.claim(job, "sleeper", 1, ())
    killed(job)
    settling.tidy()
    [again] = claims.claim(job, "next", 1, ())

    assert not claims.is_still_mine(row, "sleeper")
    assert not claims.finish(row, claims.stopped(), "sleeper")
    assert claims.is_still_mine(again, "next")


def test_what_was_killed_in_a_job_that_was_stopped_since_is_not_sent(simulator, job):
    killed(job)
    running.stop(job.made_by, job)
    jobs.work(1)
    assert states(job) == {RowState.NOT_SENT: 1}
    assert simulator.journal() == []


class TestAPersonDecides:
    @pytest.fixture
    def row(self, simulator, job):
        simulator.fault(INVITE, "reset_before", times=1)
        jobs.work(20)
        row = job.rows.get()
        assert row.state == RowState.UNKNOWN
        return row

    def test_to_send_it_once_more(self, simulator, job, row):
        another = ManagerFactory()
        running.retry_row(another, row)
        assert state_of(job) == JobState.RUNNING

        assert jobs.work(20) == 1

        row.refresh_from_db()
        assert (row.state, row.attempt) == (RowState.DONE, 2)
        assert sent(simulator) == [email_of(1)]
        first, second = Command.objects.order_by("pk")
        assert (first.state, second.state) == (State.CLOSED_BY_USER, State.SUCCEEDED)
        # It is still sent as whoever made the job.
        assert second.actor == job.made_by
        assert Entry.objects.get(event="import.retry").actor == another
        assert state_of(job) == JobState.DONE

    def test_that_it_was_done(self, simulator, job, row):
        running.close_row(job.made_by, row)
        row.refresh_from_db()
        assert row.state == RowState.DONE
        assert f"{job.made_by} looked: it was done." in row.words
        assert Command.objects.get().state == State.CLOSED_BY_USER
        assert Entry.objects.filter(event="import.settle", actor=job.made_by).count() == 1
        with pytest.raises(JobMovedOn):
            running.close_row(job.made_by, row)
        assert len(simulator.journal(INVITE)) == 1

    def test_to_look_and_they_are_there(self, simulator, job, row):
        assert not running.look_at_row(job.made_by, row)
        MemberFactory(family=row.family, email=email_of(1), first_name="Ana", last_name="Sá")
        assert running.look_at_row(job.made_by, row)
        row.refresh_from_db()
        assert row.state == RowState.DONE
        assert row.words == "Read afterwards: Ana Sá is in the family now."

    def test_but_not_somebody_who_may_not(self, row):
        for person in (AuditorFactory(), ManagerFactory(is_limited=True), ManagerFactory(is_active=False)):
            for act in (running.retry_row, running.close_row, running.look_at_row):
                with pytest.raises(PermissionDenied):
                    act(person, row)

    def test_a_row_that_is_done_is_not_sent_once_more(self, simulator, job, row):
        running.close_row(job.made_by, row)
        row.refresh_from_db()
        with pytest.raises(JobMovedOn):
            running.retry_row(job.made_by, row)


def test_a_press_that_was_never_used_is_used_by_the_next_try(simulator, job):
    job.rows.update(state=RowState.NOT_SENT)
    running.retry_row(job.made_by, job.rows.get())
    # Whoever may still hold this attempt would send under the same press, so that only one of them sends.
    assert job.rows.get().attempt == 1


def test_an_added_person_whose_worker_was_killed_is_found_once_the_family_was_read(simulator):
    [family] = reached_families(simulator, 1)
    job = begun(ManagerFactory(), [family], 1, way="create")
    killed(job, State.SENT)
    jobs.work(1)
    assert states(job) == {RowState.UNKNOWN: 1}
    MemberFactory(family=family, email=email_of(1).upper())
    family.sync_states.update(last_good_at=timezone.now() + timedelta(seconds=1))

    jobs.work(1)

    assert states(job) == {RowState.DONE: 1}
    assert Command.objects.get().state == State.CONFIRMED_BY_HISTORY
    assert simulator.journal(CREATE) == []


def test_only_its_maker_confirms_a_draft_and_only_once(simulator):
    maker = ManagerFactory()
    job = draft(maker, reached_families(simulator, 1), 1)
    until = timezone.now() + timedelta(hours=1)
    with pytest.raises(PermissionDenied):
        running.confirm(ManagerFactory(), job, until)
    running.confirm(maker, job, until)
    with pytest.raises(JobMovedOn):
        running.confirm(maker, job, until)
    assert Entry.objects.filter(event="import.confirm").count() == 1


def test_a_kind_of_which_a_row_cannot_be_done_says_so_and_sends_nothing(simulator, job):
    job.rows.update(values={})
    jobs.work(5)
    row = job.rows.get()
    assert row.state == RowState.REFUSED
    assert "It could not be done (KeyError). Nothing was sent." in row.words
    assert simulator.journal() == []


def test_a_trail_that_takes_nothing_sends_nothing_and_is_tried_again(simulator, job):
    with a_trail_that_refuses():
        assert jobs.work(2) == 0
    assert simulator.journal() == []
    assert states(job) == {RowState.WAITING: 1}
    assert state_of(job) == JobState.RUNNING
    assert job.pause_reason == "The audit trail is not available."
    assert jobs.work(20) == 1
    assert sent(simulator) == [email_of(1)]


def test_a_queue_that_does_not_answer_holds_nobody_up(monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(current_app.conf, "broker_url", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        waking.wake()
        assert time.monotonic() - began < 3
