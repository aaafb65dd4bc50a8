"""manage.py jobs: everything works without a queue."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from families.models import JobState, RowState
from portal.audit.models import Entry
from tests.factories import ManagerFactory
from tests.families.jobs import INVITE, begun, email_of, reached_families, sent, state_of, states

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words):
    out = io.StringIO()
    call_command("jobs", *words, stdout=out)
    return out.getvalue()


def test_work_sends_everything_in_the_foreground(simulator):
    job = begun(ManagerFactory(name="Marta Reis"), reached_families(simulator, 2), 10)

    told = run("--work")

    assert states(job) == {RowState.DONE: 10}
    assert len(set(sent(simulator))) == 10
    assert f"{job.public_id}  10 residents: done, 10 of 10 through, 0 unknown, by Marta Reis" in told
    assert "No bulk work is under way." in run()
    assert job.public_id in run("--all")


def test_what_waits_for_a_person_is_an_exit_code(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 1), 3)
    simulator.fault(INVITE, "reset_after", times=1)
    with pytest.raises(CommandError, match=f"Waits for a person: {job.public_id}"):
        run("--work")
    assert states(job) == {RowState.DONE: 2, RowState.UNKNOWN: 1}


def test_json_says_how_it_stands_and_nothing_else(simulator):
    maker = ManagerFactory()
    job = begun(maker, reached_families(simulator, 1), 2)
    [told] = json.loads(run("--json"))["jobs"]
    assert (told["id"], told["state"], told["by"]) == (job.public_id, "running", maker.email)
    assert told["rows"] == {"waiting": 2}
    assert email_of(1) not in run("--json")


def test_the_operator_pauses_lets_it_go_on_and_stops_it(simulator):
    job = begun(ManagerFactory(), reached_families(simulator, 1), 2)
    for option, state in (
        ("--pause", JobState.PAUSED),
        ("--continue", JobState.RUNNING),
        ("--stop", JobState.STOPPED),
    ):
        run(option, job.public_id)
        assert state_of(job) == state
    with pytest.raises(CommandError, match="Nothing was done: the job is stopped"):
        run("--continue", job.public_id)
    with pytest.raises(CommandError, match="There is no job 'nothing'"):
        run("--stop", "nothing")
    steps = Entry.objects.filter(object_kind="job", actor_kind="operator").order_by("number")
    assert list(steps.values_list("event", flat=True)) == ["import.pause", "import.continue", "import.stop"]
    assert simulator.journal() == []
