"""Django's SQLite backend, with a fair queue in front of every write transaction.

SQLite lets one writer in at a time and leaves the order to luck: a web request may wait seconds while a
worker takes batch after batch. Here each transaction first takes a file lock beside the database, with
a deadline, through a turnstile: whoever waits at the front is next, even before the one who just left.
"""

import fcntl
import os
import time
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


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions stand in the queue."""

    _queue: WriteQueue | None = None
    _is_in_queue = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        path = str(self.settings_dict["NAME"])
        if self._queue is None and ":memory:" not in path and "mode=memory" not in path:
            self._queue = WriteQueue(path)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        if self._queue is None or self._is_in_queue:
            super()._start_transaction_under_autocommit()
            return
        self._queue.enter(waiting.seconds_left(self.settings_dict["OPTIONS"].get("timeout", 5)))
        self._is_in_queue = True
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._leave_queue()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()
        finally:
            self._leave_queue_when_done()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._leave_queue_when_done()

    def _close(self) -> None:
        try:
            super()._close()
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
