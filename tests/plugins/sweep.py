"""Says at the end of a run how much the sweep of the addresses asked, and how often the answer was not the wanted one."""

import json
from dataclasses import dataclass, field

import pytest


@dataclass
class Sum:
    """What the sweeping tests of a run asked, in all its processes."""

    addresses: set[str] = field(default_factory=set)
    people: int = 0
    requests: int = 0
    deviations: int = 0


_sum = Sum()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called in the main process for every report; a fixture's properties are whole when it was torn down."""
    told = dict(report.user_properties).get("sweep")
    if report.when == "teardown" and told:
        found = json.loads(str(told))
        _sum.addresses.add(found["address"])
        _sum.people = max(_sum.people, found["people"])
        _sum.requests += found["requests"]
        _sum.deviations += found["deviations"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line."""
    if _sum.addresses:
        terminalreporter.write_line(
            f"sweep: {len(_sum.addresses)} addresses x {_sum.people} people, {_sum.requests:,} requests, "
            f"deviations {_sum.deviations}"
        )
