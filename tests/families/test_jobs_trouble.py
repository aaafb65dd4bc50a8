"""Work on jobs when something is wrong: what can go on does, the rest says why it waits."""

import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connections as databases
from django.utils import timezone

from families.models import Job, JobState, RowState
from families.services import jobs
from families.services.jobs import running
from families.services.jobs.working import Turn
from portal.accounts.models import User
from portal.audit.models import Command, Entry
from portal.connections.models import CallCount, Connection, Health
from tests.audit.trails import holds
from tests.factories import ManagerFactory, PropertyFactory, PropertyLimitFactory
from tests.families.jobs import (
    INVITE,
    begun,
    email_of,
    reached_families,
    sent,
    state_of,
    states,
    the_connection,
)

pytestmark = pytest.mark.django_db(transaction=True)


def after(count, act):
    """Does something once, when so many rows have been tried."""
    seen = []

    def on_row(attempt):
        seen.append(attempt)
        if len(seen) == count:
            act()

    return on_row


def everybody(count):
    return sorted(email_of(number) for number in range(1, count + 1))


def works_through(job, seconds=40):
    """As the beat would: again and again, until it is done."""
    ends = time.monotonic() + seconds
    while state_of(job) != JobState.DONE:
        assert time.monotonic() < ends, (states(job), job.state, job.pause_reason)
        jobs.work(5)
        time.sleep(0.2)


def test_signed_out_in_the_middle_it_pauses_and_goes_on_once_it_is_renewed(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 2), 20)

    jobs.work(30, on_row=after(4, lambda: simulator.expire_tokens(refresh_too=True)))

    assert state_of(job) == JobState.PAUSED
    assert job.pause_code == "connection"
    assert "The connection “Estate” is signed out" in job.pause_reason
    found = states(job)
    assert found.keys() == {RowState.DONE, RowState.WAITING}
    assert jobs.work(2) == 0
    asked = len(simulator.journal())
    connection = the_connection()
    connection.access_token, connection.health = simulator.another_token(), Health.GOOD
    connection.save()

    works_through(job)

    assert states(job) == {RowState.DONE: 20}
    assert sorted(sent(simulator)) == everybody(20)
    assert len(simulator.journal()) == asked + found[RowState.WAITING]
    told = Entry.objects.filter(event__in=["import.pause", "import.continue"]).order_by("number")
    assert list(told.values_list("event", "actor_kind")) == [
        ("import.pause", "system"),
        ("import.continue", "system"),
    ]
    assert holds()


def test_asked_to_wait_it_waits_as_long_as_it_was_told_and_sends_each_once(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 2), 12)
    simulator.fault(INVITE, "busy", seconds=2, times=3)

    jobs.work(10)

    assert state_of(job) == JobState.RUNNING
    assert "door system" in job.pause_reason
    assert states(job)[RowState.WAITING] >= 1
    held = Connection.objects.get().hold_until
    assert held
    assert held > timezone.now()
    works_through(job)
    assert sorted(sent(simulator)) == everybody(12)
    assert not job.pause_reason


def test_an_upstream_that_is_switched_off_pauses_it_until_it_answers_again(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 2), 12)

    jobs.work(30, on_row=after(2, simulator.stop))
    for _turn in range(8):
        jobs.work(1)

    assert state_of(job) == JobState.PAUSED
    assert job.pause_code == "connection"
    simulator.start()
    Connection.objects.update(open_until=timezone.now())
    works_through(job)
    delivered = sent(simulator)
    # Whatever was under way as it was switched off waits for a person; nothing went out twice.
    assert len(delivered) == len(set(delivered))
    assert set(states(job)) <= {RowState.DONE, RowState.UNKNOWN}


def test_its_budget_used_up_it_waits_and_leaves_the_people_their_share(simulator):
    families = reached_families(simulator, 1, calls_per_minute=100)
    job = begun(ManagerFactory(), families, 4)
    now = timezone.now().replace(second=0, microsecond=0)
    for minute in (now, now + timedelta(minutes=1)):
        CallCount.objects.create(connection=the_connection(), minute=minute, calls=80)

    assert jobs.work(2) == 0

    assert state_of(job) == JobState.RUNNING
    assert "budget of calls of “Estate” is used up" in job.pause_reason
    assert simulator.journal() == []
    assert not Command.objects.exists()
    CallCount.objects.all().delete()
    assert jobs.work(20) == 4
    assert not Job.objects.get().pause_reason


def test_a_maker_who_is_switched_off_midway_sends_nothing_more(simulator):
    maker = ManagerFactory(name="Marta Reis")
    job = begun(maker, reached_families(simulator, 2), 30)

    jobs.work(30, on_row=after(3, lambda: User.objects.filter(pk=maker.pk).update(is_active=False)))

    assert state_of(job) == JobState.PAUSED
    assert job.pause_code == "maker"
    assert "Marta Reis, who began it, may not do this any more" in job.pause_reason
    delivered = len(sent(simulator))
    assert states(job) == {RowState.DONE: delivered, RowState.WAITING: 30 - delivered}
    assert delivered < 30
    # It does not go on by itself, whoever switches them on again.
    User.objects.filter(pk=maker.pk).update(is_active=True)
    assert jobs.work(2) == 0
    running.go_on(ManagerFactory(), job)
    works_through(job)
    assert sorted(sent(simulator)) == everybody(30)


def test_families_withdrawn_midway_are_refused_and_the_others_go_on(simulator):
    tower = PropertyFactory()
    maker = PropertyLimitFactory(property=tower, person=ManagerFactory(is_limited=True)).person
    first, second, third = families = reached_families(simulator, 3)
    for family in families:
        family.property = tower
        family.save()
    job = begun(maker, families, 30)

    def withdraw():
        second.property = None
        second.save()
        third.gone_at = timezone.now()
        third.save()

    jobs.work(30, on_row=after(1, withdraw))

    assert states(job) == {RowState.DONE: 10, RowState.REFUSED: 20}
    assert {each["residence_id"] for each in simulator.journal(INVITE)} == {first.residence_id}
    assert "may not act in this family any more" in job.rows.get(number=20).words
    assert "The family is not there any more" in job.rows.get(number=30).words


def test_two_workers_at_once_send_each_row_once(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 3), 60)
    simulator.fault(INVITE, "latency", seconds=0.02)

    def work(name):
        try:
            # As if each believed that the other was gone. Both share the places of this one process, so that a row
            # may find none: nothing is sent then, and the turn ends.
            while job.rows.filter(state__in=[RowState.WAITING, RowState.CLAIMED]).exists():
                Turn(Job.objects.get(pk=job.pk), name, time.monotonic() + 60).run()
                time.sleep(0.05)
        finally:
            databases.close_all()

    workers = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert states(job) == {RowState.DONE: 60}
    assert sorted(sent(simulator)) == everybody(60)
    assert len(simulator.journal(INVITE)) == 60


def test_a_job_that_somebody_is_at_is_left_alone(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 1), 2)
    Job.objects.update(worked_by="another", worked_until=timezone.now() + timedelta(seconds=10))
    assert jobs.work(1) == 0
    Job.objects.update(worked_until=timezone.now() - timedelta(seconds=1))
    assert jobs.work(20) == 2
    assert state_of(job) == JobState.DONE


@pytest.mark.parametrize("is_paused", [False, True])
def test_after_its_time_nothing_is_sent_any_more(simulator, is_paused):
    maker = ManagerFactory()
    job = begun(maker, reached_families(simulator, 1), 3)
    if is_paused:
        running.pause(maker, job)
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert jobs.work(2) == 0
    assert states(job) == {RowState.TOO_LATE: 3}
    assert state_of(job) == JobState.DONE
    assert simulator.journal() == []


def test_answers_that_cannot_be_used_pause_it_for_a_person(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 2), 40)
    simulator.fault(INVITE, "html")

    jobs.work(30)

    assert state_of(job) == JobState.PAUSED
    assert job.pause_code == "doubt"
    found = states(job)
    assert 5 <= found[RowState.UNKNOWN] <= 13
    simulator.clear_faults()
    assert jobs.work(2) == 0
    running.go_on(job.made_by, job)
    works_through(job)
    # What went out was carried out once, also where nobody knew it.
    assert sorted(sent(simulator)) == everybody(40)


def test_a_persons_pause_stays_and_stopping_leaves_the_rest_unsent(simulator):
    maker = ManagerFactory()
    job = begun(maker, reached_families(simulator, 2), 40)

    jobs.work(30, on_row=after(2, lambda: running.pause(maker, job)))

    assert state_of(job) == JobState.PAUSED
    assert states(job)[RowState.WAITING] > 20
    assert jobs.work(1) == 0
    running.stop(maker, job)
    found = states(job)
    assert found.keys() == {RowState.DONE, RowState.NOT_SENT}
    assert len(simulator.journal(INVITE)) == found[RowState.DONE]
    assert "Stopped before its turn" in job.rows.filter(state=RowState.NOT_SENT).first().words
    assert jobs.work(1) == 0
