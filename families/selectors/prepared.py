"""Statements that Django writes once: what differs from one asking to the next is put into holes of theirs."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

_MARK = "%s"


# A statement, or a piece of one with its parameters.
Filling = QuerySet[Any, Any] | tuple[str, Sequence[Any]]


def hole(name: str, output: Any = None) -> RawSQL:
    """The place of a statement of its own, or of a piece of one, which ``Prepared`` is given by this name."""
    return RawSQL(_MARK, [_Hole(name)], output)  # noqa: S611 - a mark, replaced before anything is asked


class Prepared:
    """A query with columns (``values``, ``values_list``) as the database is asked it, over and over.

    Design decision: for a list with several counts a row, Django takes longer to write the statement than the
    database to answer it. Nothing of one person's may stand in it: it is kept for everybody.
    """

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, self._parameters = compiler.as_sql()
        self._pieces = sql.split(_MARK)
        self._query = query.query
        self._columns = [column for column, _, _ in compiler.select]
        self._names = list(query.query.selected or ())

    def rows(self, **holes: Filling) -> list[dict[str, Any]]:
        """What is found with these in the holes, by the names of the columns. One query."""
        return [dict(zip(self._names, row, strict=True)) for row in self.tuples(**holes)]

    def tuples(self, beginning: tuple[str, Sequence[Any]] = ("", ()), /, **holes: Filling) -> list[Any]:
        """The same, bare; nothing where a statement in a hole can find nothing, and then nothing is asked.

        ``beginning`` stands before the statement: a WITH, whose names the holes may use.
        """
        try:
            written = {name: _written(filling) for name, filling in holes.items()}
        except EmptyResultSet:
            return []
        sql, parameters = [beginning[0], self._pieces[0]], [*beginning[1]]
        for value, piece in zip(self._parameters, self._pieces[1:], strict=True):
            inside, values = written[value.name] if isinstance(value, _Hole) else (_MARK, (value,))
            sql += (inside, piece)
            parameters += values
        with connection.cursor() as cursor:
            cursor.execute("".join(sql), parameters)
            found = cursor.fetchall()
        compiler = self._query.get_compiler(DEFAULT_DB_ALIAS)
        converters = compiler.get_converters(self._columns)
        return list(compiler.apply_converters(found, converters)) if converters else found


def _written(filling: Filling) -> tuple[str, Sequence[Any]]:
    return filling if isinstance(filling, tuple) else filling.query.sql_with_params()


class _Hole:
    """Stands among the parameters of a statement where something else will stand in its text."""

    def __init__(self, name: str) -> None:
        self.name = name
