"""A real queue and real workers, killed in the middle: nobody is sent anything twice, and nothing is forgotten."""

from collections import Counter

import pytest

from families.models import JobState, RowState
from portal.audit.models import Command, State
from tests.audit.trails import holds
from tests.factories import ManagerFactory
from tests.families.jobs import INVITE, begun, email_of, reached_families, state_of, states
from tests.plugins.queue import kill, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
# Run by hand with 5,000 as well; docs/decisions/0019 has the figures.
ROWS = 200
SECONDS = 240
# A worker that was killed is known to be gone after a second, and its commands after their own deadline.
QUICK = {"UPSTREAM_DEADLINE_SECONDS": "2", "JOB_LEASE_SECONDS": "1"}


def test_a_worker_killed_twice_sends_nobody_anything_twice(simulator, celery, tmp_path):
    job = begun(ManagerFactory(), reached_families(simulator, 8), ROWS)
    simulator.fault(INVITE, "latency", seconds=0.05)
    celery("beat", "-s", str(tmp_path / "schedule"), "--loglevel", "WARNING", **QUICK)

    for share in (0.25, 0.6):
        worker = celery("worker", "-c", "2", "--loglevel", "WARNING", **QUICK)
        wait_until(lambda share=share: states(job).get(RowState.DONE, 0) >= ROWS * share, SECONDS)
        kill(worker)
        assert states(job).get(RowState.CLAIMED, 0) >= 1
    celery("worker", "-c", "2", "--loglevel", "WARNING", **QUICK)
    wait_until(lambda: state_of(job) == JobState.DONE, SECONDS)

    found = states(job)
    times = Counter(each["param"]["email"] for each in simulator.journal(INVITE))
    assert set(times.values()) == {1}
    for row in job.rows.select_related("command"):
        if row.state == RowState.DONE:
            assert times[email_of(row.number)] == 1
        else:
            assert row.state == RowState.UNKNOWN
            assert row.command.state == State.UNKNOWN
    # At most what was on its way in the threads when it was killed.
    assert found.get(RowState.UNKNOWN, 0) <= 2 * 4
    assert found.get(RowState.DONE, 0) >= ROWS - 2 * 4
    assert not Command.objects.filter(state__in=[State.INTENT, State.SENT]).exists()
    assert holds()
    print(f"{ROWS} rows: {len(times)} sent once, {found.get(RowState.UNKNOWN, 0)} unknown")
