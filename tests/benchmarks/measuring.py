"""Times variants in rotated rounds beside a calibration loop that tells whether the machine was calm enough to judge."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# A round whose calibration is further from the fastest than this says nothing about ratios.
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
    taken: list[tuple[float, dict[str, float]]] = []
    for turn in range(rounds * PATIENCE):
        start = turn % len(variants)
        before = calibrate(clock)
        found = {one.name: _time(one, clock) for one in [*variants[start:], *variants[:start]]}
        taken.append((max(before, calibrate(clock)), found))
        if len(_calm(taken)) >= rounds:
            break
    used = _calm(taken)
    if len(used) < rounds:
        used = taken
    fastest, slowest = min(loop for loop, _ in used), max(loop for loop, _ in used)
    medians = {
        one.name: statistics.median(found[one.name] for _, found in used) / one.units for one in variants
    }
    return Measured(medians, slowest / fastest - 1)


def calibrate(clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds for a fixed piece of work in this thread: the best of three, so that one interruption is no verdict."""
    return min(_spin(clock) for _ in range(3))


def _calm(taken: Sequence[tuple[float, dict[str, float]]]) -> list[tuple[float, dict[str, float]]]:
    fastest = min(loop for loop, _ in taken)
    return [one for one in taken if one[0] <= fastest * (1 + MOST_VARIATION)]


def _spin(clock: Callable[[], float]) -> float:
    began = clock()
    total = 0
    for number in range(300_000):
        total += number & 7
    return clock() - began


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
