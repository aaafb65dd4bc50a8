"""The demo as people start it, with its real processes."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 100


class Demo:
    def __init__(self, data: Path, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.supervisor", "demo", "--data", str(data), "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until_it_answers(self) -> str:
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if "Ctrl-C stops it" in line:
                return said
        raise AssertionError(said)

    def end(self) -> tuple[int, list[str]]:
        output, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, [
            line.split()[0] for line in output.splitlines() if " stopped in " in line
        ]


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    started: list[Demo] = []
    yield started
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
        demo.process.communicate(timeout=SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def processes_with(text: str) -> list[str]:
    """The command lines of what runs with that text in its words or its environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
            if words and text.encode() in words + (folder / "environ").read_bytes():
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.timeout(300)
def test_the_demo_starts_stops_in_order_and_starts_again_with_the_same_people(tmp_path, demos):
    data = tmp_path / "a folder with spaces"
    demos.append(Demo(data, free_port()))
    said = demos[0].until_it_answers()
    connection = http.client.HTTPConnection("127.0.0.1", demos[0].port, timeout=10)
    connection.request("GET", "/account/login/")
    assert connection.getresponse().status == 200
    connection.close()
    assert f"http://127.0.0.1:{demos[0].port}/" in said
    people = json.loads((data / "sign-ins.json").read_text())
    assert set(people) == {"manager", "auditor", "family-admin"}
    assert all(person["email"] in said and person["password"] in said for person in people.values())
    assert (data / "sign-ins.json").stat().st_mode & 0o777 == 0o600

    second = subprocess.run(
        [sys.executable, "-m", "portal.supervisor", "demo", "--data", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert re.fullmatch(rf"Gatehouse: .* is in use: .*:{demos[0].port};.*\n", second.stderr)

    os.killpg(demos[0].process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.killpg(demos[0].process.pid, signal.SIGINT)
    assert demos[0].end() == (0, ["beat", "worker", "web", "simulator", "redis"])
    assert processes_with(str(data)) == []

    began = time.monotonic()
    demos.append(Demo(data, free_port()))
    again = demos[1].until_it_answers()
    # Meant to take less than 8 s on two idle cores; here others may be at work.
    assert time.monotonic() - began < 30
    assert all(person["password"] in again for person in people.values())
    assert json.loads((data / "sign-ins.json").read_text()) == people
    demos[1].process.terminate()
    assert demos[1].end()[0] == 0
