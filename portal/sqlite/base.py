"""Django's SQLite backend, with a fair queue in front of every write transaction.

SQLite lets one writer in at a time and leaves the order to luck: a web request may wait seconds while a
worker takes batch after batch. Here each transaction first takes a file lock beside the database, with
a deadline, through a turnstile: whoever waits at the front is next, even before the one who just left.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from portal import waiting

PAUSE_SECONDS = 0.002


class WriteQueue:
    """A lock among threads and processes, fair to those who wait, with a deadline."""

    def __init__(self, path: str) -> None:
        self._front = os.open(f"{path}.queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._writer = os.open(f"{path}.writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def enter(self, seconds: float) -> None:
        """Wait for the turn; raises OperationalError when it did not come within ``seconds``."""
        ends = time.monotonic() + seconds
        _lock(self._front, ends)
        try:
            _lock(self._writer, ends)
        finally:
            fcntl.flock(self._front, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Let the next one in."""
        fcntl.flock(self._writer, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files back; a lock still held goes with them."""
        os.close(self._front)
        os.close(self._writer)


def _lock(descriptor: int, ends: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                raise OperationalError("database is locked: another writer did not finish in time") from None
            time.sleep(PAUSE_SECONDS)
        else:
            return


class QueueingCursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction stand in the queue like a transaction of their own."""

    def __init__(self, connection: Any, wrapper: "DatabaseWrapper") -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        with self._wrapper.turn(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self._wrapper.turn(query):
            return super().executemany(query, param_list)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions stand in the queue."""

    _queue: WriteQueue | None = None
    _is_in_queue = False
    _busy_ms = -1

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        self._busy_ms = -1
        path = str(self.settings_dict["NAME"])
        if self._queue is None and ":memory:" not in path and "mode=memory" not in path:
            self._queue = WriteQueue(path)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=lambda connection: QueueingCursor(connection, self))

    @contextmanager
    def turn(self, query: str) -> Iterator[None]:
        """Stand in the queue for one statement, where it writes and no transaction is open."""
        if self._is_in_queue or self._queue is None or self.connection.in_transaction or not _writes(query):
            yield
            return
        self._enter_queue()
        try:
            yield
        finally:
            self._leave_queue()

    def _start_transaction_under_autocommit(self) -> None:
        if self._queue is None or self._is_in_queue:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        self._enter_queue()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave_queue()
            raise

    def _enter_queue(self) -> None:
        """Wait for the turn, and leave the rest of the time to wait for writers who know no queue."""
        seconds = waiting.seconds_left(self.settings_dict["OPTIONS"].get("timeout", 5))
        ends = time.monotonic() + seconds
        if self._queue is not None:
            self._queue.enter(seconds)
            self._is_in_queue = True
        busy_ms = max(1, round((ends - time.monotonic()) * 1000))
        # A statement of its own each time would cost more than the few milliseconds it is about.
        if abs(busy_ms - self._busy_ms) > 100:
            self.connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
            self._busy_ms = busy_ms

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._leave_queue_when_done()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave_queue_when_done()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave_queue()
            if self._queue is not None:
                self._queue.close()
                self._queue = None

    def _leave_queue_when_done(self) -> None:
        if self.connection is None or not self.connection.in_transaction:
            self._leave_queue()

    def _leave_queue(self) -> None:
        if self._is_in_queue and self._queue is not None:
            self._is_in_queue = False
            self._queue.leave()


def _writes(query: str) -> bool:
    return query.lstrip()[:7].upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))
