"""What the supervisor says on the terminal."""

import contextlib
import sys


def say(text: str = "") -> None:
    """Print a line at once. A terminal that has gone away must not keep anything from stopping."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print a line on standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
