"""Every benchmark, by name."""

from tests.benchmarks import dashboard, log, pages, parsing, trail
from tests.benchmarks.bench import ENTERED

__all__ = ["BENCHMARKS", "dashboard", "log", "pages", "parsing", "trail"]

BENCHMARKS = dict(sorted(ENTERED.items()))
