"""Empties the database after a test that committed: the tables that hold rows, and no others.

Django's own flush empties all of them, and then sets up again what a migration leaves: kinds of contents, permissions,
triggers, indexes. Of sixty tables such a test writes to ten, and what a migration left is never touched.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest

# What a migration leaves there; no test changes it.
LEFT_BY_MIGRATIONS = frozenset({"django_content_type", "auth_permission"})


@pytest.fixture(scope="session", autouse=True)
def flush_takes_what_is_there() -> Iterator[None]:
    from django.core.management.commands import flush
    from django.db import connection

    ops = type(connection.ops)

    def write(self: Any, style: Any, tables: Sequence[str], **how: Any) -> list[str]:
        return tables_with_rows(self.connection, tables)

    def empty(self: Any, tables: Sequence[str]) -> None:
        # Rows go in any order: what they refer to is looked at when the transaction ends.
        quote = self.connection.ops.quote_name
        with triggers_off(self.connection, tables):
            execute_sql_flush(self, [f"DELETE FROM {quote(table)}" for table in tables])

    execute_sql_flush = ops.execute_sql_flush
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops, "sql_flush", write)
        patch.setattr(ops, "execute_sql_flush", empty)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *words: None)
        yield


def tables_with_rows(connection: Any, tables: Sequence[str]) -> list[str]:
    """Those of the tables that hold anything, less what migrations left. One query."""
    quote = connection.ops.quote_name
    asked = [table for table in tables if table not in LEFT_BY_MIGRATIONS]
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in asked
            )
        )
        return [table for (table,) in cursor.fetchall()]


@contextlib.contextmanager
def triggers_off(connection: Any, tables: Collection[str] | None = None) -> Iterator[None]:
    """The triggers of these tables, or of all, are off meanwhile: those that refuse let nobody else by."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'")
            found = [(f'DROP TRIGGER "{name}"', sql, table) for name, sql, table in cursor.fetchall()]
        else:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
            found = [
                (
                    f"ALTER TABLE {table} DISABLE TRIGGER USER",
                    f"ALTER TABLE {table} ENABLE TRIGGER USER",
                    table,
                )
                for (table,) in cursor.fetchall()
            ]
        chosen = [(off, on) for off, on, table in found if tables is None or table in tables]
        for off, _ in chosen:
            cursor.execute(off)
        try:
            yield
        finally:
            for _, on in chosen:
                cursor.execute(on)
