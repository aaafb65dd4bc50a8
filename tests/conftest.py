"""Fixtures that every test may use."""

from typing import Any

import pytest

pytest_plugins = [
    "tests.plugins.flushing",
    "tests.plugins.simulator",
    "tests.plugins.demo",
    "tests.plugins.openid",
    "tests.plugins.queue",
    "tests.plugins.sweep",
    "tests.plugins.canaries",
]


@pytest.fixture(autouse=True)
def fresh_audit_heads(settings: Any) -> None:
    """Each test begins with an empty trail, in the database and beside it."""
    settings.AUDIT_HEADS_FILE.unlink(missing_ok=True)
