"""The wish to stop: Ctrl-C, TERM and HUP, once or many times, are one wish."""

import os
import signal
from pathlib import Path
from types import FrameType

from portal.supervisor.trouble import StopAsked

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether somebody asked to stop. Once asked it stays asked; more signals change nothing.

    Takes the signals over when made, also SIGINT where it is ignored: a shell script starts what it
    puts into the background so.
    """

    def __init__(self) -> None:
        self._asked = False
        self._make = parent_make()
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    @property
    def is_asked(self) -> bool:
        """True from the first signal on."""
        if not self._asked and self._make and holds_back_an_interrupt(self._make):
            self._asked = True
        return self._asked

    def check(self) -> None:
        """Raise StopAsked when somebody asked."""
        if self.is_asked:
            raise StopAsked


def parent_make() -> int | None:
    """The process id of the make that started us; None when something else did."""
    parent = os.getppid()
    try:
        is_make = Path(f"/proc/{parent}/comm").read_text().strip() in {"make", "gmake"}
    except OSError:
        return None
    return parent if is_make and not holds_back_an_interrupt(parent) else None


def holds_back_an_interrupt(process: int) -> bool:
    """Whether a make has got a SIGINT for itself alone.

    It does not pass it on but waits, SIGINT blocked meanwhile, until its child ends: without this
    look `kill -INT` of make alone would wait for ever. Linux only; elsewhere False.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    blocked = next((line for line in status.splitlines() if line.startswith("SigBlk:")), "SigBlk: 0")
    return bool(int(blocked.split()[1], 16) & 1 << (signal.SIGINT - 1))
