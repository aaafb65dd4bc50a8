"""The processes in the supervisor's care: started in an order, watched, stopped in the reverse order."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import complain, say
from portal.supervisor.trouble import ChildEnded, StopAsked, Trouble, how

LOOK_SECONDS = 0.05
WATCH_SECONDS = 0.2
# After a child has failed, nobody waits long for work that may not be able to end.
FAILURE_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Program:
    """What to start: a name for people and the log, the command, and how patient to be with it."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    stop_seconds: float = 20.0
    stop_signal: signal.Signals = signal.SIGTERM
    standard_input: str | None = None
    # False for what does one thing and ends; somebody then calls wait_until_done.
    runs_on: bool = True


class Children:
    """Children of one supervisor.

    Each lives in a session of its own, so that Ctrl-C reaches the supervisor alone, and is sent TERM by
    the system when the supervisor dies (where there is a setpriv). ``logs`` is the folder of their log
    files, or None: they then write where the supervisor writes. ``keep_open`` are descriptors they inherit.
    """

    def __init__(
        self,
        stop: StopRequest,
        *,
        environment: Mapping[str, str],
        folder: Path,
        logs: Path | None = None,
        keep_open: Collection[int] = (),
    ) -> None:
        self._stop = stop
        self._environment = dict(environment)
        self._folder = folder
        self._logs = logs
        self._keep_open = tuple(keep_open)
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop all, and before that say which child failed, while its last lines are what people look for."""
        if isinstance(error, ChildEnded):
            complain("\n    ".join([f"Gatehouse: {error}", *error.last_lines]))
        if self._running:
            say("Stopping …")
        self.stop_all(after_failure=error is not None and not isinstance(error, StopAsked))

    def start(self, program: Program) -> None:
        """Start a program, without waiting for it to be ready."""
        self._stop.check()
        log = self._open_log(program)
        try:
            process = subprocess.Popen(
                [*ends_with_us(), *program.command],
                stdin=subprocess.DEVNULL if program.standard_input is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT if log else None,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        except OSError as error:
            raise Trouble(f"{program.name} cannot be started: {error}") from None
        finally:
            if log:
                os.close(log)
        self._running.append((program, process))
        if program.standard_input is not None and process.stdin:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(program.standard_input.encode())

    def wait_until_ready(self, name: str) -> None:
        """Return when the child of that name answers.

        Raises StopAsked, ChildEnded when any child has ended, and Trouble when its time is over.
        """
        program = next(program for program, _ in self._running if program.name == name)
        end = time.monotonic() + program.ready_seconds
        while program.is_ready and not program.is_ready():
            self._stop.check()
            self._check_all_run()
            if time.monotonic() > end:
                last = "".join(f"\n    {line}" for line in self._last_lines(program))
                raise Trouble(f"{name} does not answer after {program.ready_seconds:.0f} s{last}")
            time.sleep(LOOK_SECONDS)

    def wait_until_done(self, name: str) -> None:
        """Return when the child of that name has ended well; raises ChildEnded when it has not."""
        program, process = next(pair for pair in self._running if pair[0].name == name)
        while process.poll() is None:
            self._stop.check()
            self._check_all_run()
            time.sleep(LOOK_SECONDS)
        self._check_all_run()
        self._running.remove((program, process))

    def watch(self) -> None:
        """Return when somebody asks to stop; raises ChildEnded when a child ends by itself."""
        while not self._stop.is_asked:
            self._check_all_run()
            time.sleep(WATCH_SECONDS)

    def stop_all(self, *, after_failure: bool = False) -> None:
        """Stop all children, the last started first, each when the one before has ended.

        A child is asked with its signal and given its time; then it and what it started are killed.
        """
        while self._running:
            program, process = self._running.pop()
            patience = (
                min(program.stop_seconds, FAILURE_STOP_SECONDS) if after_failure else program.stop_seconds
            )
            self._stop_one(program, process, patience)

    def _stop_one(self, program: Program, process: subprocess.Popen[bytes], patience_seconds: float) -> None:
        name = program.name
        began = time.monotonic()
        was_running = process.poll() is None
        process.send_signal(program.stop_signal)
        told = False
        while process.poll() is None:
            waited = time.monotonic() - began
            if waited > patience_seconds:
                break
            if waited > 3 and not told:
                say(f"  {name} is finishing its work (for up to {patience_seconds:.0f} s)")
                told = True
            time.sleep(LOOK_SECONDS)
        late = process.poll() is None
        # What the child itself left behind goes too; the group has its number.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        if was_running:
            ending = (
                f"killed after {patience_seconds:.0f} s"
                if late
                else f"stopped in {time.monotonic() - began:.1f} s"
            )
            say(f"  {name} {ending}" + ("" if late or code in (0, -signal.SIGTERM) else f", {how(code)}"))

    def _check_all_run(self) -> None:
        for program, process in self._running:
            if process.poll() is not None and (program.runs_on or process.returncode):
                raise ChildEnded(
                    program.name, process.returncode, self._last_lines(program), runs_on=program.runs_on
                )

    def _open_log(self, program: Program) -> int | None:
        if not self._logs:
            return None
        path = self._logs / f"{program.name}.log"
        try:
            with contextlib.suppress(FileNotFoundError):
                path.replace(path.with_suffix(".log.1"))
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise Trouble(f"{path} cannot be written: {error.strerror}") from None

    def _last_lines(self, program: Program) -> list[str]:
        if not self._logs:
            return []
        path = self._logs / f"{program.name}.log"
        with contextlib.suppress(OSError), path.open(errors="replace") as file:
            return [line.rstrip() for line in deque(file, maxlen=15)]
        return []


@functools.cache
def ends_with_us() -> tuple[str, ...]:
    """Words before a command that let the system end it when we die; none where there is no such program."""
    setpriv = shutil.which("setpriv")
    if not setpriv:
        return ()
    words = (setpriv, "--pdeathsig", "TERM", "--")
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else ()
