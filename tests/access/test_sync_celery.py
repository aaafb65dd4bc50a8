import pytest
from django.utils import timezone

from access.models import Opening
from families.models import SyncState
from families.sync import states
from tests.plugins.queue import kill, wait_until
from tests.syncing import connect, empty, read, tables

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


def all_read():
    found = SyncState.objects.all()
    return found.count() == 6 * len(states.FAMILY_KINDS) + 1 and not found.filter(last_good_at=None).exists()


def test_beat_and_a_worker_keep_everything_in_step_and_a_killed_worker_loses_nothing(
    simulator, celery, tmp_path
):
    # A window in which nothing is pushed out, so that a later run is told as much.
    simulator.reset(families=6, window=5_000)
    connection = connect(simulator)
    simulator.fault("*", "latency", seconds=0.3)
    worker = celery("worker", "-c", "2", "--loglevel", "WARNING")
    beat = celery("beat", "-s", str(tmp_path / "schedule"), "--loglevel", "WARNING")
    wait_until(lambda: SyncState.objects.filter(kind="openings", lease_until__isnull=False).exists())
    wait_until(lambda: len(simulator.journal()) > 4)
    kill(worker)
    assert not all_read()
    simulator.clear_faults()
    # A message that the dead worker had taken comes again after a while, or its states are planned anew: let it pass.
    SyncState.objects.update(queued_until=timezone.now())
    worker = celery("worker", "-c", "2", "--loglevel", "WARNING")
    wait_until(all_read)
    opening = simulator.opening(account_name="While the worker works")
    wait_until(lambda: Opening.objects.filter(account_name=opening["account_name"]).exists())
    wait_until(lambda: Opening.objects.filter(picture="ready").exists())
    kill(beat)
    wait_until(lambda: not SyncState.objects.filter(queued_until__gt=timezone.now()).exists())
    wait_until(lambda: not SyncState.objects.filter(lease_until__isnull=False).exists())
    kill(worker)
    worked = tables("picture", "picture_tries")
    assert len(set(Opening.objects.values_list("family", "raw_time", "number"))) == Opening.objects.count()
    # Thumbnails are fetched by the worker only.
    empty()
    read(connection)
    assert tables("picture", "picture_tries") == worked
