"""A queue and its workers as fixtures: a Redis of the test's own, and Celery's processes, which may be killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import services

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def redis_url() -> Iterator[str]:
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
def celery(redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts Celery's processes in sessions of their own, and ends what is left of them.

    ``celery("worker", "-c", "2", UPSTREAM_DEADLINE_SECONDS="2")``: its words, and what it finds in its environment.
    """
    # Not before the settings stand: the module reads them.
    from tests.syncing import ROOT, process_environment

    started = []

    def start(*words: str, **environment: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / f"{words[0]}{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "portal", *words],
                cwd=ROOT,
                env=process_environment(REDIS_URL=redis_url, **environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.1)
