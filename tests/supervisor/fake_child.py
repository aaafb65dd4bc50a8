"""A child that writes down what happens to it: ``fake_child.py NAME JOURNAL [option=value …]``."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    name, journal, *options = sys.argv[1:]
    wishes = dict(option.split("=", 1) for option in options)
    asked: list[int] = []

    def note(text: str) -> None:
        with Path(journal).open("a") as file:
            file.write(f"{name} {text}\n")

    if wishes.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    if wishes.get("with_child"):
        # One of its own, which does not hear TERM: only its group's end ends it.
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", code])
        note(f"has {child.pid}")
    time.sleep(float(wishes.get("ready_after", 0)))
    note(f"started {os.getpid()}")
    ends_at = time.monotonic() + float(wishes.get("ends_after", 60))
    while not asked and time.monotonic() < ends_at:
        time.sleep(0.02)
    if asked:
        time.sleep(float(wishes.get("works_on", 0)))
        note("stopped")
        return
    print("the last words of", name, flush=True)
    sys.exit(7)


if __name__ == "__main__":
    main()
