"""The index of searchable texts: ``search_text__finds`` on any table, quick on those that are entered here.

PostgreSQL keeps an index of trigrams on the column itself. SQLite has none of the kind: there a full-text table of
trigrams stands beside each ("…_words"), and beside tables of what belongs to a family a narrow one that says of each row
that is not gone whose it is ("…_owners"): to read that from the rows themselves takes most of a search. Triggers keep
both true under every writer, bulk ones and other programs too.
"""

import logging
import unicodedata
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup
from django.db.models.expressions import RawSQL
from django.db.models.signals import post_migrate

if TYPE_CHECKING:
    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup

log = logging.getLogger(__name__)

# From here on a word is looked for anywhere in a name; shorter ones only where a word begins.
ANYWHERE_LENGTH = 3
_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
FAMILIES = "families_family"
_indexed: set[str] = set()


def index_words(app: AppConfig, *tables: str) -> None:
    """Have the ``search_text`` of these tables of ``app`` indexed after every migrate. Called once, by the ready app.

    Each has a ``gone_at``, and belongs to a family unless it is that of families.

    Design decision: not by a migration. SQLite drops the triggers of a table that it remakes, with any migration; so
    they are looked after each time, and PostgreSQL's index with them.
    """
    _indexed.update(tables)

    def put(using: str, **_more: Any) -> None:
        for table in tables:
            put_index(connections[using], table)

    post_migrate.connect(put, sender=app, weak=False, dispatch_uid=f"words.{app.label}")


def put_index(connection: BaseDatabaseWrapper, table: str) -> None:
    """Make the index of a table where there is none, filled from its rows."""
    if table not in connection.introspection.table_names():
        return
    if connection.vendor != "postgresql":
        with transaction.atomic(using=connection.alias):
            _put_sqlite(connection, table)
        return
    try:
        with transaction.atomic(using=connection.alias):
            _put_postgresql(connection, table)
    except DatabaseError as error:
        # Searching works without, only slower: no reason to stop a migration.
        log.warning("Searching %s will be slow: its index was not made: %s", table, error)


@CharField.register_lookup
class FindsHere(AnyLookup):
    """Rows whose text has every word that is asked for, or all of them just as they stand there.

    One and two letters match where a word begins ("Li"), three and more anywhere, and so does a single sign of a
    script that is written without spaces. What is asked for went through ``portal.text.searchable``, as the text did.
    This one looks through the texts, which is quicker where other conditions leave few rows.
    """

    lookup_name = "finds_here"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        column, own = self.process_lhs(compiler, connection)
        found, patterns = having(column, self._words)
        return found, tuple([each for pattern in patterns for each in (*own, pattern)])

    @property
    def _words(self) -> list[str]:
        return str(self.rhs).split()


@CharField.register_lookup
class Finds(FindsHere):
    """The same, by the index."""

    lookup_name = "finds"

    def as_sqlite(
        self, compiler: Any, connection: BaseDatabaseWrapper, **_more: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        model = self.lhs.target.model._meta
        asked = _asked(self._words)
        if model.db_table not in _indexed or not asked:
            return self.as_sql(compiler, connection)
        alias = compiler.quote_name_unless_alias(self.lhs.alias)
        index = connection.ops.quote_name(f"{model.db_table}_words")
        key = connection.ops.quote_name(model.pk.column)
        found = f"SELECT rowid FROM {index} WHERE {index} MATCH %s"  # noqa: S608 - names of ours
        return f"{alias}.{key} IN ({found})", (asked,)


def having(column: str, words: list[str]) -> tuple[str, list[str]]:
    """The condition that a column has every word, or all of them just as they stand there, and its patterns."""
    like = f"{column} LIKE %s ESCAPE '\\'"
    conditions, patterns = [], list[str]()
    for word in words:
        text = _escaped(word)
        either = [f"%{text}%"] if _anywhere(word) else [f"{text}%", f"% {text}%"]
        conditions.append(f"({' OR '.join([like] * len(either))})")
        patterns += either
    found = " AND ".join(conditions)
    if len(words) > 1:
        # What stands there just so is found, also where a short word begins none.
        found = f"({found}) OR {like}"
        patterns.append(f"%{_escaped(' '.join(words))}%")
    return f"({found})", patterns


def owners_finding(words: str) -> RawSQL | None:
    """The numbers of families that have these words in their own text, or in that of what belongs to them and is not
    gone; None where the database finds them as quickly by itself, or has no index that knows such words."""
    asked = _asked(words.split())
    if connection.vendor != "sqlite" or not asked:
        return None
    selects = [
        f"SELECT rowid FROM {table}_words WHERE {table}_words MATCH %s"  # noqa: S608 - names of ours
        if table == FAMILIES
        else f"SELECT owner.family_id FROM {table}_words JOIN {table}_owners owner "  # noqa: S608
        f"ON owner.id = {table}_words.rowid WHERE {table}_words MATCH %s"
        for table in sorted(_indexed)
    ]
    return RawSQL(" UNION ALL ".join(selects), [asked] * len(selects))  # noqa: S611 - see above


def _asked(words: list[str]) -> str:
    """The words in SQLite's full-text language; "" where one is a single sign, of which there is no trigram."""
    if not words or any(_is_sign(word) for word in words):
        return ""
    asked = " AND ".join(_quoted(word if _anywhere(word) else f"  {word}") for word in words)
    return f"({asked}) OR {_quoted('  '.join(words))}" if len(words) > 1 else asked


def _is_sign(word: str) -> bool:
    """Whether it is looked for inside others and yet too short for a trigram."""
    return len(word) < ANYWHERE_LENGTH and _anywhere(word)


def _anywhere(word: str) -> bool:
    """Whether a word is looked for inside others: a single sign of some scripts may be a word of its own, as 李 is."""
    return len(word) >= ANYWHERE_LENGTH or unicodedata.name(word[0], "").startswith(_WITHOUT_SPACES)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _quoted(text: str) -> str:
    """A text as a string of SQLite's full-text language, in which nothing but the quote means anything."""
    return '"' + text.replace('"', '""') + '"'


def _put_postgresql(connection: BaseDatabaseWrapper, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{table}_words"])
        if cursor.fetchone()[0] is not None:
            return
        # A trusted extension: the database's owner may make it, who need not be a superuser.
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute(f"CREATE INDEX {table}_words ON {table} USING gin (search_text gin_trgm_ops)")
        cursor.execute(f"ANALYZE {table}")


def _put_sqlite(connection: BaseDatabaseWrapper, table: str) -> None:
    index, owners = f"{table}_words", f"{table}_owners"
    wanted = _triggers(table, index) | (_owner_triggers(table, owners) if table != FAMILIES else {})
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE name = %s OR tbl_name = %s", [index, table])
        there = dict(cursor.fetchall())
        if index in there and all(there.get(name) == sql for name, sql in wanted.items()):
            return
        # Whatever was written while a trigger was missing is not in the index: it is made anew.
        for name in wanted:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {index}")
        cursor.execute(f"CREATE VIRTUAL TABLE {index} USING fts5(words, content='', tokenize='trigram')")
        cursor.execute(f"INSERT INTO {index}(rowid, words) SELECT id, {_spaced('search_text')} FROM {table}")  # noqa: S608
        if table != FAMILIES:
            cursor.execute(f"DROP TABLE IF EXISTS {owners}")
            cursor.execute(f"CREATE TABLE {owners}(id integer PRIMARY KEY, family_id bigint NOT NULL)")
            cursor.execute(f"INSERT INTO {owners} SELECT id, family_id FROM {table} WHERE gone_at IS NULL")  # noqa: S608
        for sql in wanted.values():
            cursor.execute(sql)


def _triggers(table: str, index: str) -> dict[str, str]:
    """What keeps the words true. The index holds no text of its own: a row is taken out by what was put in."""
    put = f"INSERT INTO {index}(rowid, words) VALUES (new.id, {_spaced('new.search_text')});"  # noqa: S608
    take = (
        f"INSERT INTO {index}({index}, rowid, words) VALUES ('delete', old.id, {_spaced('old.search_text')});"  # noqa: S608
    )
    changed = "WHEN old.search_text IS NOT new.search_text OR old.id IS NOT new.id"
    return _each(table, index, put, take, "id, search_text", changed)


def _owner_triggers(table: str, owners: str) -> dict[str, str]:
    """What keeps the owners true."""
    put = f"INSERT INTO {owners} SELECT new.id, new.family_id WHERE new.gone_at IS NULL;"
    take = f"DELETE FROM {owners} WHERE id = old.id;"  # noqa: S608
    columns = ("id", "family_id", "gone_at")
    changed = "WHEN " + " OR ".join(f"old.{name} IS NOT new.{name}" for name in columns)
    return _each(table, owners, put, take, ", ".join(columns), changed)


def _each(table: str, name: str, put: str, take: str, columns: str, changed: str) -> dict[str, str]:
    return {
        f"{name}_put": f"CREATE TRIGGER {name}_put AFTER INSERT ON {table} BEGIN {put} END",
        f"{name}_take": f"CREATE TRIGGER {name}_take AFTER DELETE ON {table} BEGIN {take} END",
        f"{name}_change": f"CREATE TRIGGER {name}_change AFTER UPDATE OF {columns} ON {table} {changed} "
        f"BEGIN {take} {put} END",
    }


def _spaced(column: str) -> str:
    """Two spaces before each word, so that also the one letter that it begins with makes a trigram."""
    return f"'  ' || replace({column}, ' ', '  ')"
