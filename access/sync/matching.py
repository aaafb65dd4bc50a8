"""Pairs presses in the portal with the openings they caused; plain Python.

The history names neither the person nor the press: only a device, a time in whole seconds, and whether it opened. A
pair is made only where there is no other way to explain as many presses: everything else stays open.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BEFORE = timedelta(seconds=5)
AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Press:
    """A press that may have opened a door: sent, and answered or given up at ``over_at``, by our clock.

    ``clock_ahead`` is how far the upstream's clock is ahead of ours.
    """

    id: int
    place: tuple[int, str]
    sent_at: datetime
    over_at: datetime
    clock_ahead: timedelta = timedelta(0)

    @property
    def begins(self) -> datetime:
        """The earliest time, by the upstream's clock, at which its opening may stand in the history."""
        # The history knows whole seconds only: an opening at 9.9 s stands there as 9.
        return (self.sent_at + self.clock_ahead - BEFORE).replace(microsecond=0)

    @property
    def ends(self) -> datetime:
        """The latest such time."""
        return self.over_at + self.clock_ahead + AFTER


@dataclass(frozen=True)
class Opened:
    """A door that did open, in the history: family and device name, and when."""

    id: int
    place: tuple[int, str]
    at: datetime


def match(presses: Iterable[Press], openings: Iterable[Opened]) -> dict[int, int]:
    """The opening of each press that has one beyond doubt: press id to opening id, one to one.

    Beyond doubt is a pair that stands in every way of pairing as many presses as possible. So two presses of one
    door with one opening within reach of both stay open, as do two that could be the other way round.
    """
    by_place: defaultdict[tuple[int, str], list[Opened]] = defaultdict(list)
    for opening in openings:
        by_place[opening.place].append(opening)
    fitting = {
        press.id: [
            opening.id for opening in by_place[press.place] if press.begins <= opening.at <= press.ends
        ]
        for press in presses
    }
    found = _pair(fitting)
    certain = {}
    for press_id, opening_id in found.items():
        without = {
            each: [one for one in ids if (each, one) != (press_id, opening_id)]
            for each, ids in fitting.items()
        }
        if len(_pair(without)) < len(found):
            certain[press_id] = opening_id
    return certain


def _pair(fitting: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """One way of pairing as many as possible (augmenting paths; a door has a handful of presses at a time)."""
    taken: dict[int, int] = {}

    def place(press_id: int, seen: set[int]) -> bool:
        for opening_id in fitting[press_id]:
            if opening_id in seen:
                continue
            seen.add(opening_id)
            if opening_id not in taken or place(taken[opening_id], seen):
                taken[opening_id] = press_id
                return True
        return False

    for press_id in fitting:
        place(press_id, set())
    return {press_id: opening_id for opening_id, press_id in taken.items()}
