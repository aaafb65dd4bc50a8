"""What a benchmark is given, how it is found by its name, and how its figures are told."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection

from tests.benchmarks.measuring import MOST_VARIATION, Measured, Variant, measure

if TYPE_CHECKING:
    from tests.benchmarks.estate import Estate

# Below this, overheads that are constant decide, and nothing is told by a ratio.
LEAST_ROWS_TO_JUDGE = 100_000


@dataclass(frozen=True)
class Claim:
    """A ratio and what it has to reach. ``only_if`` says at which size or database the reach was stated, and
    ``holds_here`` whether that is so in this run."""

    words: str
    value: float
    least: float | None = None
    most: float | None = None
    only_if: str = ""
    holds_here: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the value is within its bounds."""
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    @property
    def reach(self) -> str:
        """The bound in words."""
        bound = f"≥ {_number(self.least)}" if self.least is not None else f"≤ {_number(self.most)}"
        return f"{bound}{f' {self.only_if}' if self.only_if else ''}"


@dataclass
class Bench:
    """One run: its sizes, its database, and the verdicts so far."""

    rows: int
    rounds: int
    folder: Path
    # Count this process's processor time where all the work is done in it: for a machine that others use too.
    by_cpu: bool = False
    verdicts: list[str] = field(default_factory=list)

    @property
    def database(self) -> str:
        """The database's name for people."""
        return "PostgreSQL" if self.is_postgresql else "SQLite"

    @property
    def is_postgresql(self) -> bool:
        return connection.vendor == "postgresql"

    @cached_property
    def estate(self) -> "Estate":
        """The families with their history, made at the first use."""
        from tests.benchmarks.estate import make

        return make(self.rows)

    def part(self, count: int, least: int = 1) -> int:
        """So many, or fewer in a run that is too small to be judged."""
        return count if self.rows >= LEAST_ROWS_TO_JUDGE else max(least, count * self.rows // 200_000)

    def measure(self, *variants: Variant, waits: bool = False) -> Measured:
        """The medians of these variants; ``waits`` says that they wait for another process."""
        by_cpu = self.by_cpu and not waits and not self.is_postgresql
        return measure(variants, self.rounds, time.process_time if by_cpu else time.perf_counter)

    def say(self, words: str) -> None:
        """A line of explanation."""
        print(f"      {words}", flush=True)

    def title(self, name: str, words: str) -> None:
        print(f"\n{name:<4}{words}", flush=True)

    def show(self, measured: Measured, *, units: str = "") -> None:
        """Print the figures beside each other."""
        shown = [f"{name} {_duration(seconds, units)}" for name, seconds in measured.seconds.items()]
        self.say("   ".join(shown))

    def judge(self, measured: Measured | None, claims: Sequence[Claim]) -> None:
        """Print each claim with its verdict, which needs a calm machine where the claim comes from times."""
        for claim in claims:
            verdict = self._verdict(measured, claim)
            self.verdicts.append(verdict)
            self.say(f"{claim.words:<44}{_number(claim.value):>9}   reach {claim.reach:<34} {verdict}")

    def tell(self, measured: Measured, claims: Sequence[Claim], *, units: str = "") -> None:
        """Both: the figures, then the claims."""
        self.show(measured, units=units)
        self.judge(measured, claims)

    def _verdict(self, measured: Measured | None, claim: Claim) -> str:
        if measured is not None and not measured.may_be_judged:
            return f"not judged: the machine varied by {measured.variation:.0%} (≤ {MOST_VARIATION:.0%})"
        if self.rows < LEAST_ROWS_TO_JUDGE:
            return "not judged: too few rows"
        if not claim.holds_here:
            return "not judged at this size"
        return "met" if claim.is_met else "NOT MET"


@dataclass(frozen=True)
class Benchmark:
    """A subject with the name it has in docs/performance.md."""

    name: str
    words: str
    run: Callable[[Bench], None]


ENTERED: dict[str, Benchmark] = {}


def benchmark(name: str, words: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Enter a function under its name, in the order of definition."""

    def enter(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        ENTERED[name] = Benchmark(name, words, run)
        return run

    return enter


def _duration(seconds: float, units: str) -> str:
    if units:
        return f"{1 / seconds:,.0f} {units}"
    if seconds < 0.001:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1000:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
