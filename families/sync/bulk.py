"""Many rows in one go, past the ORM: a first sync writes tens of thousands, and most of its time would be Django's.

Values are given as the columns hold them; a time has a zone. Both write within the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Model


def insert(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose ids nobody asks for: COPY on PostgreSQL. Raises IntegrityError as an INSERT does."""
    if not rows:
        return
    table, names = _quoted(model._meta.db_table), ", ".join(map(_quoted, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 - names of columns
                _adapted(rows),
            )


def update(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns of rows, each given as its new values and then its id; one round trip."""
    if not rows:
        return
    changes = ", ".join(f"{_quoted(column)} = %s" for column in columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {_quoted(model._meta.db_table)} SET {changes} WHERE id = %s",  # noqa: S608 - names of columns
            _adapted(rows),
        )


def _adapted(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    adapt = connection.ops.adapt_datetimefield_value
    # The rows of an answer share most of their times, and a time takes as long as all the rest of its row.
    known: dict[datetime, Any] = {}
    found = []
    for row in rows:
        values = list(row)
        for place, value in enumerate(values):
            if isinstance(value, datetime):
                if value not in known:
                    known[value] = adapt(value)
                values[place] = known[value]
        found.append(values)
    return found


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))
