"""What can keep the supervisor from its work; each is told to the person in one line."""


class Trouble(Exception):
    """Something the person can put right: the text says what, in one line; the exit code is 1."""


class ChildEnded(Exception):
    """A child ended that should run on, or failed: the rest is stopped and the exit code is 1."""

    def __init__(self, name: str, code: int, last_lines: list[str], *, runs_on: bool = True) -> None:
        super().__init__(f"{name} {'ended by itself' if runs_on else 'failed'} ({how(code)})")
        self.last_lines = last_lines


class StopAsked(Exception):
    """Somebody pressed Ctrl-C, or sent TERM or HUP, while something was waited for."""


def how(code: int) -> str:
    """How a process ended, in words: its exit code, or the signal that ended it."""
    return f"signal {-code}" if code < 0 else f"exit {code}"
