import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.utils import timezone

from access.models import Opening
from families.models import SyncState
from tests import services
from tests.syncing import ROOT, connect, empty, process_environment, read, tables

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def redis_url():
    """A Redis of this test's own: what other tests queue is none of ours."""
    program = services.find_redis()
    if program is None:
        pytest.skip("NO REDIS: install redis-server to see the worker work")
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-redis-"))
    socket = folder / "redis.sock"
    words = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert server.poll() is None
        time.sleep(0.02)
    yield f"redis+socket://{socket}"
    server.kill()
    server.wait()
    shutil.rmtree(folder)


@pytest.fixture
def celery(redis_url, tmp_path):
    """Starts Celery's processes in sessions of their own, and ends what is left of them."""
    started = []

    def start(*words):
        with (tmp_path / f"{words[0]}{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "portal", *words],
                cwd=ROOT,
                env=process_environment(REDIS_URL=redis_url),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)


def kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition, seconds=60):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.1)


def all_read():
    found = SyncState.objects.all()
    return found.count() == 6 * 4 + 1 and not found.filter(last_good_at=None).exists()


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
