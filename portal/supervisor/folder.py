"""The DATA folder: what the supervisor keeps there, and that only one supervisor uses it at a time."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from portal.supervisor.redis import fits
from portal.supervisor.terminal import say
from portal.supervisor.trouble import Trouble

NEEDED_BYTES = 50_000_000
# So long the children of a supervisor that was killed may take to end.
ENDING_SECONDS = 60.0


class DataFolder:
    """Makes DATA and the folders in it; raises Trouble where that cannot be.

    run/ (private: lock, sockets), redis/ (the queue), logs/.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.run = self.path / "run"
        self.redis = self.path / "redis"
        self.logs = self.path / "logs"
        try:
            for folder in (self.path, self.run, self.redis, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.run.chmod(0o700)
            probe = self.run / f".probe-{os.getpid()}"
            probe.write_bytes(bytes(4096))
            probe.unlink()
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise Trouble(f"the data folder {self.path} cannot be used: {reason(error)}") from None
        if free < NEEDED_BYTES:
            raise Trouble(
                f"the data folder {self.path} has only {free // 1_000_000} MB left; make room or take another DATA"
            )

    @contextlib.contextmanager
    def lock(self, note: dict[str, object], *, patience_seconds: float = ENDING_SECONDS) -> Iterator[int]:
        """Hold the folder; the value is a descriptor that children are to inherit.

        They hold the folder too, so that after a supervisor's sudden death the next one waits until they are
        gone. Raises Trouble at once when a living supervisor has it.
        """
        path = self.run / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            end = time.monotonic() + patience_seconds
            told = False
            while not try_lock(descriptor):
                holder = read_note(path)
                if is_alive(holder.get("process")):
                    where = f" at {holder['url']}" if holder.get("url") else ""
                    raise Trouble(
                        f"the data folder {self.path} is in use: process {holder['process']} runs{where}; "
                        "stop it, or take another DATA"
                    )
                if time.monotonic() > end:
                    raise Trouble(f"processes of an earlier run still use {self.path}: see `fuser {path}`")
                if not told:
                    say("Waiting for the processes of an earlier run to end …")
                    told = True
                time.sleep(0.1)
            self.write_note(descriptor, note)
            yield descriptor
        finally:
            os.close(descriptor)

    def write_note(self, descriptor: int, note: dict[str, object]) -> None:
        """Tell whoever finds the folder locked who has it."""
        text = json.dumps({"process": os.getpid(), **note}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)

    @contextlib.contextmanager
    def socket_folder(self) -> Iterator[Path]:
        """A private folder whose path is short enough for a socket: run/, else one of its own, removed at the end."""
        if fits(self.run / "redis.sock"):
            yield self.run
            return
        short = Path(tempfile.mkdtemp(prefix="gatehouse-"))
        try:
            yield short
        finally:
            shutil.rmtree(short, ignore_errors=True)


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_note(path: Path) -> dict[str, object]:
    try:
        note = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def is_alive(process: object) -> bool:
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def reason(error: OSError) -> str:
    """The system's own words, without the numbers and names around them."""
    if error.errno == errno.EEXIST:
        return f"{error.filename} is not a folder"
    return error.strerror or str(error)
