"""Management commands run as from a shell: exit code, standard output, standard error."""

import io
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import execute_from_command_line
from django.db import connections


@dataclass
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def is_one_line_of_trouble(self) -> bool:
        """Whether it failed with one line on standard error and nothing on standard output."""
        return (
            self.code != 0
            and not self.out
            and len(self.err.splitlines()) == 1
            and "Traceback" not in self.err
        )


class Input(io.StringIO):
    """Standard input that is no terminal."""

    def isatty(self) -> bool:
        return False

    @property
    def buffer(self) -> io.BytesIO:
        """The same as bytes."""
        return io.BytesIO(self.getvalue().encode())


def _close_unless_of(kept: threading.Thread) -> Callable[[], None]:
    close_all = connections.close_all
    return lambda: None if threading.current_thread() is kept else close_all()


def run(*words: str, stdin: str = "") -> Ran:
    """Run ``manage.py`` with these words in this process, with its own streams."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "stdin", Input(stdin))
        # A command closes its connection when it ends; the test goes on with it. Its threads close theirs.
        patch.setattr(connections, "close_all", _close_unless_of(threading.current_thread()))
        code = 0
        try:
            execute_from_command_line(["manage.py", *words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
            if isinstance(ended.code, str):
                err.write(ended.code)
    return Ran(code, out.getvalue(), err.getvalue())
