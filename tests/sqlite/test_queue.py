"""Writers of SQLite stand in a fair queue with a deadline, and one that dies leaves it free."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections, transaction

from portal import waiting
from portal.sqlite.base import WriteQueue
from tests.factories import PropertyFactory

HOLDS = """
import sys, time
from portal.sqlite.base import WriteQueue
WriteQueue(sys.argv[1]).enter(5)
print("there", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "database")


@pytest.fixture
def queue(path: str) -> Iterator[WriteQueue]:
    queue = WriteQueue(path)
    yield queue
    queue.close()


def test_one_is_in_at_a_time(path: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def write() -> None:
        queue = WriteQueue(path)
        for _ in range(20):
            queue.enter(20)
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.0005)
            inside.pop()
            queue.leave()
        queue.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 160


def test_whoever_waits_is_next_before_the_one_who_just_left(path: str, queue: WriteQueue) -> None:
    """One writer that takes batch after batch without a pause does not keep another out."""
    stop = threading.Event()

    def batches() -> None:
        greedy = WriteQueue(path)
        while not stop.is_set():
            greedy.enter(20)
            time.sleep(0.02)
            greedy.leave()
        greedy.close()

    thread = threading.Thread(target=batches)
    thread.start()
    waits = []
    try:
        time.sleep(0.05)
        for _ in range(20):
            began = time.monotonic()
            queue.enter(10)
            waits.append(time.monotonic() - began)
            queue.leave()
    finally:
        stop.set()
        thread.join()
    # One batch that is on its way, and a little.
    assert sorted(waits)[-2] < 0.15


def test_the_wait_ends_at_its_deadline(path: str, queue: WriteQueue) -> None:
    other = WriteQueue(path)
    other.enter(1)
    began = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        queue.enter(0.3)
    assert 0.3 <= time.monotonic() - began < 0.3 + 3
    other.leave()
    queue.enter(0.3)
    other.close()


def test_a_waiter_that_gives_up_blocks_nobody_behind(path: str, queue: WriteQueue) -> None:
    other, third = WriteQueue(path), WriteQueue(path)
    other.enter(1)
    with pytest.raises(OperationalError):
        queue.enter(0.05)
    other.leave()
    third.enter(0.5)
    third.close()
    other.close()


def test_a_killed_writer_leaves_the_queue_free(path: str, queue: WriteQueue) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, path], stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "there"
        with pytest.raises(OperationalError):
            queue.enter(0.2)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        queue.enter(1)


needs_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="the queue of SQLite")


@needs_sqlite
@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    def test_a_transaction_holds_its_place_until_it_ends(self) -> None:
        watcher = WriteQueue(connection.settings_dict["NAME"])
        with transaction.atomic():
            with pytest.raises(OperationalError):
                watcher.enter(0.05)
            with transaction.atomic():
                PropertyFactory()
            with pytest.raises(OperationalError):
                watcher.enter(0.05)
        watcher.enter(0.5)
        watcher.close()

    @pytest.mark.parametrize("how", ["raise", "break"])
    def test_a_transaction_that_fails_gives_its_place_up(self, how: str) -> None:
        watcher = WriteQueue(connection.settings_dict["NAME"])
        with pytest.raises((RuntimeError, OperationalError)), transaction.atomic():
            fail(how)
        watcher.enter(0.5)
        watcher.close()

    def test_a_single_statement_waits_for_its_turn(self) -> None:
        made = PropertyFactory()
        holder = WriteQueue(connection.settings_dict["NAME"])
        holder.enter(1)
        began = time.monotonic()
        with pytest.raises(OperationalError), waiting.until(began + 0.3):
            made.save()
        assert time.monotonic() - began < 0.8 + 3
        assert type(made).objects.count() == 1  # reading waits for nobody
        holder.leave()
        made.save()
        holder.enter(0.5)
        holder.close()

    def test_threads_that_write_at_once_all_succeed(self) -> None:
        failed: list[BaseException] = []

        def write() -> None:
            try:
                for _ in range(10):
                    PropertyFactory().save()
                    with transaction.atomic():
                        PropertyFactory()
            except BaseException as error:
                failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []

    def test_a_closed_connection_leaves_no_place_taken(self) -> None:
        watcher = WriteQueue(connection.settings_dict["NAME"])

        def begin_and_close() -> None:
            connection.set_autocommit(False)
            connection.close()

        thread = threading.Thread(target=begin_and_close)
        thread.start()
        thread.join()
        watcher.enter(0.5)
        watcher.close()

    def test_what_is_written_is_on_the_disk(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (2,)


def fail(how: str) -> None:
    PropertyFactory()
    if how == "raise":
        raise RuntimeError
    connection.cursor().execute("SELECT * FROM nothing_of_that_name")
