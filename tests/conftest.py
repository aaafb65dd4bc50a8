"""Fixtures that every test may use."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest_plugins = [
    "tests.plugins.simulator",
    "tests.plugins.demo",
    "tests.plugins.openid",
    "tests.plugins.queue",
    "tests.plugins.sweep",
]


@contextlib.contextmanager
def triggers_off(connection: Any) -> Iterator[None]:
    """Teardown empties every table; only it may pass the triggers that refuse."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            pairs = [(f'DROP TRIGGER "{name}"', sql) for name, sql in cursor.fetchall()]
        else:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
            pairs = [
                (f"ALTER TABLE {table} DISABLE TRIGGER USER", f"ALTER TABLE {table} ENABLE TRIGGER USER")
                for (table,) in cursor.fetchall()
            ]
        for off, _ in pairs:
            cursor.execute(off)
        try:
            yield
        finally:
            for _, on in pairs:
                cursor.execute(on)


@pytest.fixture(scope="session", autouse=True)
def flush_passes_the_triggers() -> Iterator[None]:
    from django.db import connection

    flush = type(connection.ops).execute_sql_flush

    def without_triggers(self: Any, sql_list: Any) -> None:
        with triggers_off(self.connection):
            flush(self, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection.ops), "execute_sql_flush", without_triggers)
        yield


@pytest.fixture(autouse=True)
def fresh_audit_heads(settings: Any) -> None:
    """Each test begins with an empty trail, in the database and beside it."""
    settings.AUDIT_HEADS_FILE.unlink(missing_ok=True)
