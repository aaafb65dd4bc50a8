"""How long the work at hand may still wait for a lock of the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("waiting_ends", default=None)


@contextmanager
def until(ends: float) -> Iterator[None]:
    """Within it, no wait for a lock goes on after ``ends`` (of time.monotonic)."""
    earlier = _ends.get()
    token = _ends.set(ends if earlier is None else min(ends, earlier))
    try:
        yield
    finally:
        _ends.reset(token)


def seconds_left(usual: float) -> float:
    """The longest wait allowed now: ``usual``, or less where the work must be over sooner; never below 0."""
    ends = _ends.get()
    return usual if ends is None else max(0.0, min(usual, ends - time.monotonic()))
