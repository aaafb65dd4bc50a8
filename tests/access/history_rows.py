"""Rows, answers and what is kept of them, for the tests of the history."""

from datetime import timedelta

from access.history import OpeningRow
from tests.access.history_model import Tables, text_of

LATENESS = timedelta(seconds=300)
SIDE_BY_SIDE = "https://pictures.example/1.jpg"


def opening(second=0, account="tom", device="door", picture="", thumbnail="", *, kind="Face", at=None):
    return OpeningRow(text_of(second) if at is None else at, account, device, kind, True, picture, thumbnail)


def steady(first, count, apart=60):
    """So many openings, a minute apart: a window that reaches further back than any row may be late."""
    return [opening(first + number * apart, f"person {number}") for number in range(count)]


def tables(*answers, window_rows=None):
    kept = Tables(LATENESS, window_rows)
    for answer in answers:
        kept.apply(answer)
    return kept


def gaps(kept):
    return sorted(kept.gaps)
