"""Work on jobs: each row is one command, sent once, whatever happens meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from families.models import JobRow, JobState, RowState
from families.services import jobs
from portal.audit.models import Command, Entry, State
from tests.audit.trails import holds
from tests.factories import ManagerFactory
from tests.families.jobs import INVITE, begun, draft, email_of, reached_families, sent, state_of, states

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
