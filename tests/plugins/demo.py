"""The whole demo as a fixture: simulator, web, worker, beat and Redis as `make demo` starts them.

It brings its own database, folder and Redis, whatever the run of the tests uses. Tests that share one carry
``pytest.mark.xdist_group("demo")``, so that one worker has them all and one demo is started.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
# The demo brings its own database, Redis and folder, whatever this run of the tests uses.
OUTSIDE = {
    name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "DATA"}
}


@dataclass
class Demo:
    """A running demo: where it is, who signs in with which password, and its simulator's control."""

    url: str
    data: Path
    people: dict[str, dict[str, str]]
    simulator_url: str

    def simulator(self, method: str, endpoint: str, **fields: object) -> object:
        """Ask or tell the simulator something: ``simulator("POST", "faults", command="*", kind="latency")``."""
        body = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(f"{self.simulator_url}/_simulator/{endpoint}", body, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            told = json.load(answer)
        if (method, endpoint) == ("DELETE", "faults"):
            self.let_it_answer()
        return told

    def let_it_answer(self) -> None:
        """End the pause that an upstream gets which did not answer, and wait until the portal knows that it does."""
        ends = time.monotonic() + 60
        with closing(sqlite3.connect(self.data / "gatehouse.sqlite3", timeout=20)) as database:
            while database.execute(
                "SELECT 1 FROM connections_connection WHERE open_until IS NOT NULL"
            ).fetchone():
                assert time.monotonic() < ends, "the connection still rests"
                with database:
                    database.execute(
                        "UPDATE connections_connection SET open_until = datetime('now') "
                        "WHERE open_until > datetime('now', '+15 seconds')"
                    )
                time.sleep(0.2)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A management command beside the running demo."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=OUTSIDE | {"DATA": str(self.data), "PUBLIC_URL": self.url},
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo in a folder of its own, stopped by an interrupt at the end."""
    with running_demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """A demo that keeps everything in ``folder``, up when it says so and stopped in order."""
    port = free_port()
    output = folder / "output"
    words = [
        sys.executable,
        "-m",
        "portal.supervisor",
        "demo",
        "--port",
        str(port),
        "--data",
        str(folder / "var"),
    ]
    with output.open("w") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=OUTSIDE, stdout=log, stderr=subprocess.STDOUT)
    try:
        ends = time.monotonic() + START_SECONDS
        while "Ctrl-C stops it." not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < ends, output.read_text()
            time.sleep(0.1)
        people = json.loads((folder / "var" / "sign-ins.json").read_text())
        simulator_port = json.loads((folder / "var" / "demo.json").read_text())["simulator_port"]
        yield Demo(f"http://127.0.0.1:{port}", folder / "var", people, f"http://127.0.0.1:{simulator_port}")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, output.read_text()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
