import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class House:
    """A running supervisor, its output and its children's journal."""

    def __init__(self, folder: Path, children: tuple[str, ...], *, ignores_interrupts: bool) -> None:
        self.folder = folder

        def ignore() -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.supervisor.house", str(folder), *children],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=ignore if ignores_interrupts else None,
        )

    def wait_for(self, line: str) -> None:
        assert self.process.stdout
        seen = []
        for text in self.process.stdout:
            seen.append(text)
            if line in text:
                return
        raise AssertionError(f"never said “{line}” but {seen}")

    def signal_group(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output

    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def events(self) -> list[str]:
        return [" ".join(line.split()[:2]) for line in self.journal()]

    def ids(self) -> list[int]:
        return [int(line.split()[2]) for line in self.journal() if len(line.split()) == 3]


Make = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Make]:
    made: list[House] = []

    def make(*children: str, folder: Path | None = None, ignores_interrupts: bool = False) -> House:
        made.append(House(folder or tmp_path / "data", children, ignores_interrupts=ignores_interrupts))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        if one.process.stdout:
            one.process.stdout.close()
        for process in one.ids():
            if is_running(process):
                os.kill(process, signal.SIGKILL)


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def all_gone(ids: list[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while any(is_running(one) for one in ids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_children_start_in_order_and_stop_in_the_reverse_order(house: Make) -> None:
    running = house("queue:ready_after=0.3", "web", "clock")
    running.wait_for("all are there")
    running.process.send_signal(signal.SIGINT)
    code, output = running.end()
    assert code == 0
    assert running.events() == [
        *("queue started", "web started", "clock started"),
        *("clock stopped", "web stopped", "queue stopped"),
    ]
    assert [line.split()[0] for line in output.splitlines() if "stopped" in line] == ["clock", "web", "queue"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_stops_in_order(house: Make, number: int) -> None:
    running = house("queue", "clock")
    running.wait_for("all are there")
    running.signal_group(number)
    assert running.end()[0] == 0
    assert running.events()[2:] == ["clock stopped", "queue stopped"]


def test_a_second_interrupt_changes_nothing(house: Make) -> None:
    running = house("queue", "worker:works_on=1")
    running.wait_for("all are there")
    for _ in range(4):
        running.signal_group(signal.SIGINT)
        time.sleep(0.2)
    assert running.end()[0] == 0
    assert running.events()[2:] == ["worker stopped", "queue stopped"]


def test_an_interrupt_is_heard_where_it_was_ignored_at_the_start(house: Make) -> None:
    running = house("queue", ignores_interrupts=True)
    running.wait_for("all are there")
    running.signal_group(signal.SIGINT)
    assert running.end()[0] == 0
    assert running.events() == ["queue started", "queue stopped"]


def test_an_interrupt_while_starting_stops_what_is_there(house: Make) -> None:
    running = house("queue", "slow:ready_after=15")
    wait_until(lambda: "queue started" in running.events())
    running.process.send_signal(signal.SIGINT)
    assert running.end()[0] == 0
    assert "slow started" not in running.events()
    assert running.events()[-1] == "queue stopped"


def test_a_child_that_ends_is_named_with_its_last_words_and_the_rest_stops_in_order(house: Make) -> None:
    running = house("queue", "web", "weak:ends_after=0.5", "clock")
    code, output = running.end()
    assert code == 1
    assert "weak ended by itself (exit 7)" in output
    assert "the last words of weak" in output
    assert running.events()[-3:] == ["clock stopped", "web stopped", "queue stopped"]


def test_a_child_that_ends_before_it_is_ready_is_named(house: Make) -> None:
    running = house("queue", "weak:ready_after=0.1:ends_after=0", "clock:ready_after=2")
    code, output = running.end()
    assert code == 1
    assert "weak ended by itself" in output
    assert running.events()[-1] == "queue stopped"


def test_a_child_that_does_not_stop_is_killed_with_its_own_children(house: Make) -> None:
    running = house("queue", "stubborn:deaf=1:with_child=1")
    running.wait_for("all are there")
    ids = running.ids()
    assert len(ids) == 3
    running.process.send_signal(signal.SIGTERM)
    code, output = running.end()
    assert code == 0
    assert "stubborn killed after 1 s" in output
    assert all_gone(ids, 2)


def test_what_an_orderly_child_leaves_behind_ends_too(house: Make) -> None:
    running = house("worker:with_child=1")
    running.wait_for("all are there")
    ids = running.ids()
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[0] == 0
    assert all_gone(ids, 2)


def test_a_killed_supervisor_leaves_no_orphan(house: Make) -> None:
    running = house("queue", "web", "clock")
    running.wait_for("all are there")
    running.process.kill()
    running.process.wait()
    assert len(running.ids()) == 3
    assert all_gone(running.ids())


def test_a_second_supervisor_of_the_same_folder_is_refused_in_one_line(house: Make) -> None:
    running = house("queue")
    running.wait_for("all are there")
    code, output = house("other").end()
    assert code == 1
    assert output.count("\n") == 1
    assert f"is in use: process {running.process.pid}" in output
    assert "other started" not in running.events()


def test_after_a_killed_supervisor_the_next_one_waits_for_its_children(house: Make) -> None:
    running = house("worker:works_on=1.5")
    running.wait_for("all are there")
    running.process.kill()
    running.process.wait()
    following = house("queue")
    following.wait_for("all are there")
    assert following.events() == ["worker started", "worker stopped", "queue started"]
    following.process.send_signal(signal.SIGINT)
    assert following.end()[0] == 0


def test_a_reader_that_went_away_does_not_keep_it_from_stopping(house: Make) -> None:
    running = house("queue", "clock")
    running.wait_for("all are there")
    assert running.process.stdout
    running.process.stdout.close()
    running.process.send_signal(signal.SIGHUP)
    assert running.process.wait(20) == 0
    assert running.events()[2:] == ["clock stopped", "queue stopped"]


def test_an_interrupt_of_make_alone_is_heard(tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"all:\n\t@exec {sys.executable} -m tests.supervisor.house {tmp_path}/data queue\n")
    process = subprocess.Popen(
        ["make", "-f", str(makefile)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    try:
        assert any("all are there" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert "queue stopped" in output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_redis_has_accepted_is_there_after_the_next_start(house: Make, how: int) -> None:
    with tempfile.TemporaryDirectory() as short:
        path = Path(short) / "data" / "run" / "redis.sock"
        first = house("redis", folder=Path(short) / "data")
        first.wait_for("all are there")
        assert ask(path, "RPUSH celery task-1 task-2") == ":2"
        first.process.send_signal(how)
        first.process.wait(20)
        second = house("redis", folder=Path(short) / "data")
        second.wait_for("all are there")
        assert ask(path, "LLEN celery") == ":2"
        second.process.send_signal(signal.SIGINT)
        assert second.end()[0] == 0


def ask(path: Path, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(100).decode().strip()


def wait_until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
