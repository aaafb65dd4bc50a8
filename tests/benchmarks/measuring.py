"""Times variants in rotated rounds beside a calibration loop that tells whether the machine was calm enough to judge."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# A round whose calibration took so much longer than it would alone says nothing about ratios.
MOST_VARIATION = 0.25
# Within a round a quick variant is repeated for so long.
ROUND_SECONDS = 0.15
# A machine that others use too is given so many times the rounds to find enough calm ones.
PATIENCE = 3


@dataclass(frozen=True)
class Variant:
    """One way to do the thing. ``units`` is how much one run does: the figure is seconds for one unit.

    ``before`` is run, untimed, ahead of each run. ``once`` keeps a round to a single run.
    """

    name: str
    run: Callable[[], object]
    units: float = 1
    before: Callable[[], object] | None = None
    once: bool = False


@dataclass
class Measured:
    """Medians in seconds for one unit, by variant; ``variation`` is of the calibration loop over the rounds used."""

    seconds: dict[str, float] = field(default_factory=dict)
    variation: float = 0.0

    @property
    def may_be_judged(self) -> bool:
        """Whether the machine was calm enough."""
        return self.variation <= MOST_VARIATION

    def ratio(self, slower: str, faster: str) -> float:
        """How many times as long the one takes as the other."""
        return self.seconds[slower] / self.seconds[faster]


def measure(
    variants: Sequence[Variant], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Measured:
    """Run all variants in each round, each round beginning with another one, and take the medians by ``clock``.

    Rounds in which the calibration loop was disturbed are tried again, up to PATIENCE times as many; which rounds
    count is decided by the loop alone, never by what was measured.
    """
    for variant in variants:
        _time(variant, clock, once=True)
    taken: list[tuple[Calibration, dict[str, float]]] = []
    for turn in range(rounds * PATIENCE):
        start = turn % len(variants)
        before = calibrate(clock)
        found = {one.name: _time(one, clock) for one in [*variants[start:], *variants[:start]]}
        taken.append((before.worst(calibrate(clock)), found))
        if len(_calm(taken)) >= rounds:
            break
    used = _calm(taken)
    if len(used) < rounds:
        used = taken
    medians = {
        one.name: statistics.median(found[one.name] for _, found in used) / one.units for one in variants
    }
    return Measured(medians, max(loop.seconds for loop, _ in used) / _undisturbed(taken) - 1)


class Calibration(NamedTuple):
    """A fixed piece of work: seconds by the clock in use, and of the processor, which others cannot prolong as much.

    The second tells how fast the first would be alone: a machine that is busy all the time is even, but not calm.
    """

    seconds: float
    of_processor: float

    def worst(self, other: "Calibration") -> "Calibration":
        return Calibration(max(self.seconds, other.seconds), min(self.of_processor, other.of_processor))


def calibrate(clock: Callable[[], float] = time.perf_counter) -> Calibration:
    """The median of five loops in this thread, so that one interruption is no verdict."""
    loops = [_spin(clock) for _ in range(5)]
    return Calibration(
        statistics.median(one.seconds for one in loops), min(one.of_processor for one in loops)
    )


def _calm(
    taken: Sequence[tuple[Calibration, dict[str, float]]],
) -> list[tuple[Calibration, dict[str, float]]]:
    most = _undisturbed(taken) * (1 + MOST_VARIATION)
    return [one for one in taken if one[0].seconds <= most]


def _undisturbed(taken: Sequence[tuple[Calibration, dict[str, float]]]) -> float:
    return min(loop.of_processor for loop, _ in taken)


def _spin(clock: Callable[[], float]) -> Calibration:
    began, began_processor = clock(), time.process_time()
    total = 0
    for number in range(300_000):
        total += number & 7
    return Calibration(clock() - began, time.process_time() - began_processor)


def _time(variant: Variant, clock: Callable[[], float], *, once: bool = False) -> float:
    times: list[float] = []
    spent = 0.0
    while not times or (spent < ROUND_SECONDS and not once and not variant.once and len(times) < 200):
        if variant.before:
            variant.before()
        began = clock()
        variant.run()
        times.append(clock() - began)
        spent += times[-1]
    return statistics.median(times)
