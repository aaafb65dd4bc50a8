"""`make test`: the checks and the whole suite on both databases.

``python -m tests.run [--complete | --lint] [words for pytest …]``; with words for pytest only the suite runs.
The servers are private, in a folder of this run, and gone at the end, however it ends.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from portal.supervisor.children import Children, ends_with_us
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import complain, say
from portal.supervisor.trouble import ChildEnded, StopAsked, Trouble
from tests import services, steps

INTERRUPTED = 130
# A step that was interrupted says what it knows until then; after so long it is ended.
GRACE_SECONDS = 15.0
# A run of everything leaves less than a gigabyte; Docker's own is too small for it.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 3 * 2**30


def main() -> int:
    """0 when all passed; 1 when something failed, or was left out and nothing may be; 130 when stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.run", epilog="Other words go to pytest.")
    parser.add_argument("--complete", action="store_true", help="anything left out is a failure")
    parser.add_argument("--lint", action="store_true", help="only the checks that do not run the suite")
    options, for_pytest = parser.parse_known_args()
    stop = StopRequest()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-", dir=roomy_memory()))
    try:
        run = Run(stop, folder)
        if not for_pytest:
            for step in steps.checks(folder / "production"):
                run.take(step)
        if not options.lint:
            run_suite(run, for_pytest)
        return run.sum_up(complete=options.complete)
    except StopAsked:
        complain("\nStopped.")
        return INTERRUPTED
    except Trouble as trouble:
        complain(f"The tests cannot run: {trouble}")
        return 1
    except ChildEnded:
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def roomy_memory(folder: Path = MEMORY) -> Path | None:
    """The folder that is kept in memory, where there is one with room for a run; None is where temporary files go.

    Half of what a test that commits takes is waiting for a disk, and what is kept is gone at the end anyhow.
    """
    if not os.access(folder, os.W_OK | os.X_OK) or shutil.disk_usage(folder).free < MEMORY_BYTES:
        return None
    return folder


class Run:
    """The steps taken so far, and what was left out."""

    def __init__(self, stop: StopRequest, folder: Path) -> None:
        self.stop = stop
        self.folder = folder
        # PostgreSQL's account has to pass through it.
        folder.chmod(0o711)
        for name in ("data", "tmp"):
            (folder / name).mkdir(mode=0o700)
        self.environment = services.without_ours(os.environ) | {
            "GATEHOUSE_ENV": "development",
            "DATA": str(folder / "data"),
            "TMPDIR": str(folder / "tmp"),
        }
        self.left_out: list[services.Needed] = []
        self._results: list[tuple[str, str, float]] = []

    def take(self, step: steps.Step) -> None:
        """Take one step; its output is the reader's, unchanged. Raises StopAsked."""
        say(f"\n== {step.name}")
        began = time.monotonic()
        code = run_command(self.stop, step.command, {**self.environment, **step.environment})
        seconds = time.monotonic() - began
        self._results.append(("passed" if code == 0 else "FAILED", step.name, seconds))
        say(f"== {step.name}: {'passed' if code == 0 else 'FAILED'} in {seconds:.1f} s")

    def sum_up(self, *, complete: bool) -> int:
        """Say how each step ended and what was left out; the exit code."""
        say()
        for outcome, name, seconds in self._results:
            say(f"  {outcome:<9}{name:<30}{seconds:>7.1f} s")
        for one in self.left_out:
            say(f"  LEFT OUT {one.without_it}: no {one.name} here. To have it: apt install {one.package}")
        failed = any(outcome == "FAILED" for outcome, _, _ in self._results)
        if self.left_out and complete:
            say("Nothing may be left out in a complete run.")
        return 1 if failed or (self.left_out and complete) else 0


def run_suite(run: Run, words: list[str]) -> None:
    """The suite on SQLite, then on PostgreSQL, with as much of Redis and Chromium as there is."""
    run.left_out = find_or_install()
    missing = {one.name for one in run.left_out}
    with Children(run.stop, environment=run.environment, folder=run.folder, logs=run.folder) as servers:
        if "Redis" not in missing:
            run.environment |= services.start_redis(servers, run.folder)
        run.take(steps.suite("pytest on SQLite", words, missing, {}))
        if "PostgreSQL" not in missing:
            database = services.start_postgresql(servers, run.folder)
            run.take(steps.suite("pytest on PostgreSQL", words, missing, database))


def find_or_install() -> list[services.Needed]:
    """The programs that are missing, after an attempt to install them."""
    missing = [one for one in services.NEEDED if not one.is_here()]
    if missing:
        services.install([one.package for one in missing])
    return [one for one in missing if not one.is_here()]


def run_command(stop: StopRequest, command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    """Run a command to its end and return its exit code; raises StopAsked after having ended it."""
    stop.check()
    process = subprocess.Popen(
        [*ends_with_us(), *command], env=environment, cwd=steps.ROOT, start_new_session=True
    )
    try:
        while process.poll() is None:
            if stop.is_asked:
                interrupt(process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    finally:
        # What it started and left behind goes with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    stop.check()
    return process.returncode


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask the way Ctrl-C does, so that fixtures are torn down and pytest sums up; then insist."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()


if __name__ == "__main__":
    sys.exit(main())
