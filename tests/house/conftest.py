"""The sweep as a fixture, and its count at the end of the run."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import TestCase

from tests.house.sweeping import Sweep
from tests.plugins.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def everything(
    django_db_setup: None, django_db_blocker: Any, simulator_process: SimulatorProcess
) -> Iterator[Sweep]:
    """Made once for all addresses; each test works in a transaction within and leaves nothing behind."""
    with django_db_blocker.unblock():
        simulator_process.start()
        simulator_process.reset()
        atomics = TestCase._enter_atomics()
        try:
            yield Sweep(simulator_process)
        finally:
            TestCase._rollback_atomics(atomics)


@pytest.fixture
def sweep(
    everything: Sweep, db: None, record_property: Any, caplog: pytest.LogCaptureFixture
) -> Iterator[Sweep]:
    """Everybody at their browsers, with nothing asked yet."""
    for name in ("django.request", "portal.web.middleware"):
        # Thousands of refusals are meant; each would be told.
        caplog.set_level("CRITICAL", name)
    everything.begin()
    yield everything
    if everything.address:
        record_property("sweep", everything.told)
