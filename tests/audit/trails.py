"""Trails to look at, and ways to tamper with them that only a test has."""

from typing import Any

from django.db import connection

from portal.audit import trail
from portal.audit.models import Actor
from portal.audit.trail import About, By
from tests.conftest import triggers_off

OPERATOR = By(Actor.OPERATOR, name="operator", address="192.0.2.7", user_agent="curl", request_id="q1")


def make(count: int) -> None:
    """That many entries with something in every column that may hold something."""
    for number in range(count):
        trail.record(
            "made.up",
            OPERATOR,
            About(None, "Casa Núñez", "relay", f"r{number}", "Front \u202e door"),
            parameters={"n": number},
            phase="outcome",
            outcome="succeeded",
            command_id=f"c{number}",
            words="“done”",
            status=200,
            duration_ms=12,
            reason="because",
        )


def tamper(sql: str, *values: Any) -> None:
    """Run a statement as somebody would who owns the database."""
    with triggers_off(connection), connection.cursor() as cursor:
        cursor.execute(sql, values)
