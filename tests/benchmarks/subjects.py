"""Every benchmark, by name."""

from tests.benchmarks import (
    board,
    dashboard,
    doors,
    families,
    fan_out,
    ingest,
    jobs,
    log,
    pages,
    parsing,
    trail,
)
from tests.benchmarks.bench import ENTERED

__all__ = [
    "BENCHMARKS",
    "board",
    "dashboard",
    "doors",
    "families",
    "fan_out",
    "ingest",
    "jobs",
    "log",
    "pages",
    "parsing",
    "trail",
]

BENCHMARKS = dict(sorted(ENTERED.items()))
