"""Trails to look at, and ways to tamper with them that only a test has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from portal.audit import trail
from portal.audit.chain import keep_head
from portal.audit.models import Actor, Entry
from portal.audit.trail import About, By
from portal.audit.verification import verify
from tests.plugins.flushing import triggers_off

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


def holds() -> bool:
    """Whether the trail is valid, in a test whose transaction is never committed: its heads are kept here instead."""
    for number, mac in Entry.objects.order_by("number").values_list("number", "mac"):
        keep_head(number, mac)
    return verify().is_valid


def tamper(sql: str, *values: Any) -> None:
    """Run a statement as somebody would who owns the database."""
    with triggers_off(connection), connection.cursor() as cursor:
        cursor.execute(sql, values)


@contextmanager
def deaf(when: str = "1 = 1") -> Iterator[None]:
    """A database that takes everything but the entries for which ``when`` holds."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION deaf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'deaf'; END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER deaf BEFORE INSERT ON audit_entry FOR EACH ROW WHEN ({when}) "
                "EXECUTE FUNCTION deaf()"
            )
        else:
            cursor.execute(
                f"CREATE TRIGGER deaf BEFORE INSERT ON audit_entry WHEN {when} "
                "BEGIN SELECT RAISE(ABORT, 'deaf'); END"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("DROP TRIGGER deaf ON audit_entry; DROP FUNCTION deaf")
            else:
                cursor.execute("DROP TRIGGER deaf")
