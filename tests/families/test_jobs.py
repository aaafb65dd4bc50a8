"""Work on jobs: each row is one command, sent once, whatever happens meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from families.models import JobRow, JobState, RowState, SyncState
from families.services import invitations, jobs
from families.services.jobs import running
from portal.audit.models import Command, Entry, State
from tests.audit.trails import holds
from tests.factories import ManagerFactory, MemberFactory
from tests.families.jobs import (
    CREATE,
    INVITE,
    RIGHTS,
    begun,
    draft,
    email_of,
    reached_families,
    sent,
    state_of,
    states,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_row_is_sent_once_as_its_maker_and_the_job_is_done(simulator):
    families = reached_families(simulator, 3)
    maker = ManagerFactory()
    job = begun(maker, families, 12)

    assert jobs.work(30) == 12

    assert states(job) == {RowState.DONE: 12}
    assert state_of(job) == JobState.DONE
    assert sorted(sent(simulator)) == sorted(email_of(number) for number in range(1, 13))
    journal = simulator.journal(INVITE)
    assert len(journal) == 12
    first = next(each for each in journal if each["param"]["email"] == email_of(1))
    assert first["param"] == {
        "residence_id": families[0].residence_id,
        "email": email_of(1),
        "auth": "guest",
    }
    row = JobRow.objects.get(job=job, number=1)
    assert row.command.press == row.press
    assert set(Command.objects.values_list("actor", "state")) == {(maker.pk, State.SUCCEEDED)}
    # One read of each family would be too many: nobody appears in it by an invitation.
    assert {each["command"] for each in simulator.journal()} == {INVITE}
    assert Entry.objects.filter(event="import.confirm", actor=maker).count() == 1
    assert holds()


def test_a_draft_is_not_sent(simulator):
    draft(ManagerFactory(), reached_families(simulator, 1), 2)

    assert jobs.work(2) == 0

    assert simulator.journal() == []


def test_rows_that_came_about_meanwhile_are_left_out_and_refused_ones_stop_nothing(simulator):
    family, other = reached_families(simulator, 2)
    job = begun(ManagerFactory(), [family, other], 6)
    MemberFactory(family=family, email=email_of(2).upper(), auth="user", first_name="Rui", last_name="Sá")
    simulator.fault(INVITE, "refuse", words="The family is full", times=1)

    assert jobs.work(30) == 6

    assert states(job) == {RowState.DONE: 4, RowState.LEFT_OUT: 1, RowState.REFUSED: 1}
    left_out = job.rows.get(state=RowState.LEFT_OUT)
    assert left_out.number == 2
    assert "Rui Sá is in this family already, as: Administrator. Nothing was sent." in left_out.words
    refused = job.rows.get(state=RowState.REFUSED)
    assert refused.words == "The family is full"
    assert len(simulator.journal(INVITE)) == 5
    assert state_of(job) == JobState.DONE


def test_somebody_invited_by_another_meanwhile_is_left_out(simulator):
    [family] = reached_families(simulator, 1)
    maker = ManagerFactory()
    invitations.invite_member(maker, family=family, email=email_of(1), auth="guest", press="by-hand")
    job = begun(maker, [family], 2)

    jobs.work(30)

    assert "Invited already" in job.rows.get(number=1).words
    assert sent(simulator).count(email_of(1)) == 1
    assert states(job) == {RowState.DONE: 1, RowState.LEFT_OUT: 1}


def test_an_unknown_row_waits_for_a_person_and_the_rest_goes_on(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 2), 8)
    simulator.fault(INVITE, "reset_after", times=1)

    assert jobs.work(30) == 8
    assert jobs.work(2) == 0

    assert states(job) == {RowState.DONE: 7, RowState.UNKNOWN: 1}
    assert "Look before sending it once more" in job.rows.get(state=RowState.UNKNOWN).words
    assert sorted(sent(simulator)) == sorted(email_of(number) for number in range(1, 9))
    assert len(simulator.journal(INVITE)) == 8
    assert state_of(job) == JobState.DONE


def test_rows_that_add_people_are_read_once_a_family_and_not_once_a_row(simulator):
    families = reached_families(simulator, 2)
    SyncState.objects.update(due_at=timezone.now() + timedelta(hours=1))
    job = begun(ManagerFactory(), families, 8, way="create")

    assert jobs.work(30) == 8

    assert states(job) == {RowState.DONE: 8}
    created = simulator.journal(CREATE)
    assert sorted(sent(simulator, CREATE)) == sorted(email_of(number) for number in range(1, 9))
    assert created[0]["param"].keys() == {"residence_id", "first_name", "last_name", "email", "auth"}
    assert len(simulator.journal()) == 8
    # The sync reads them within seconds.
    assert not SyncState.objects.filter(due_at__gt=timezone.now() + timedelta(seconds=5)).exists()


def test_an_added_person_without_an_answer_is_looked_up(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 1), 3, way="create")
    simulator.fault(CREATE, "reset_after", times=1)

    jobs.work(30)

    assert states(job) == {RowState.DONE: 3}
    assert len(simulator.journal(CREATE)) == 3


def test_rights_that_differ_are_changed_where_that_was_chosen(simulator, family):
    maker = ManagerFactory()
    guest = family.members.filter(auth="guest").first()
    rows = {"auth": "user", "member": guest.public_id, "email": guest.email}
    for changes_rights in (False, True):
        job = draft(maker, [family], 1, changes_rights=changes_rights)
        job.rows.update(mark="differs", values=rows)
        running.confirm(maker, job, timezone.now() + timedelta(hours=1))
        jobs.work(30)
        assert states(job) == {RowState.DONE if changes_rights else RowState.LEFT_OUT: 1}

    [asked] = simulator.journal(RIGHTS)
    assert asked["param"] == {
        "residence_id": family.residence_id,
        "account_id": guest.account_id,
        "auth": "user",
    }
