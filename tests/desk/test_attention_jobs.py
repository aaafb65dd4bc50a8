"""Bulk work that waits for somebody is on the dashboard, with what to do."""

import pytest

from families.models import Job, JobState, RowState
from portal.audit.models import State
from portal.desk.attention import list_attention
from tests.factories import AuditorFactory, CommandFactory, FamilyFactory, ManagerFactory
from tests.families.jobs import begun

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    return begun(ManagerFactory(), [FamilyFactory()], 3)


def titles(person):
    return [item.title for item in list_attention(person)]


def test_a_job_under_way_needs_nobody(job):
    assert titles(job.made_by) == []


def test_one_that_paused_itself_is_told_with_its_reason(job):
    Job.objects.update(state=JobState.PAUSED, pause_code="connection", pause_reason="It is signed out.")
    [item] = list_attention(job.made_by)
    assert (item.title, item.detail) == ("“3 residents” paused itself", "It is signed out.")
    assert item.url == f"/jobs/{job.public_id}/"


def test_one_that_a_person_paused_stands_with_whoever_made_it_alone(job):
    Job.objects.update(state=JobState.PAUSED)
    [item] = list_attention(job.made_by)
    assert item.title == "“3 residents” is paused"
    assert item.url == f"/jobs/{job.public_id}/"
    assert titles(ManagerFactory()) == []


def test_rows_that_nobody_knows_of_are_told_once_and_together(job):
    for row in job.rows.all()[:2]:
        command = CommandFactory(
            press=row.press, state=State.UNKNOWN, object_kind="invitation", actor=job.made_by
        )
        job.rows.filter(pk=row.pk).update(state=RowState.UNKNOWN, command=command)
    [item] = list_attention(ManagerFactory())
    assert item.title == "Nobody knows what became of 2 rows of “3 residents”"
    assert item.url.endswith("?state=unknown")


def test_it_is_nobodys_affair_who_may_not_see_the_job(job):
    Job.objects.update(state=JobState.PAUSED, pause_code="maker", pause_reason="Not any more.")
    for person in (AuditorFactory(), ManagerFactory(is_limited=True)):
        assert not any("paused itself" in title for title in titles(person))
