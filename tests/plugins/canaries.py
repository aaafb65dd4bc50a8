"""Every test is a search as well: no secret of the stand-in may be left where it could be found later.

Looked at after each test, in the process that ran it: every address that was asked for and every one that an answer led
to, every log record, and, where the test committed, the whole database with sessions, cache and trail, and Redis where
it had one. A secret begins with CANARY, or is one of the stand-in's PINs and passes, of eight digits or more.
What a browser keeps is looked at by tests/browser/conftest.py, and the folder of a running portal by
tests/house/test_secrets.py. A test whose transaction is undone leaves nothing in the database to be looked at.
"""

import logging
import re
from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path

import pytest
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError
from django.db import connection as database
from django.http import HttpRequest, HttpResponseBase
from redis import Redis, RedisError

WORD = re.compile(r"CANARY[0-9a-f]{8,}")
_BYTES = re.compile(WORD.pattern.encode())
_DIGITS = re.compile(r"(?<!\d)\d{8,}(?!\d)")
# Where an answer sends the browser, or what it writes into its history.
LEADS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Refresh")


class Watch(logging.Handler):
    """Hears what one test asks, is answered and logs; ``found`` says what of it was a secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A record as a line of a log would have it, its traceback included."""
        line = logging.Formatter().format(record)
        self.heard.append((f"the log of {record.name}", line))

    def see(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """A request and its answer."""
        if is_return(request):
            return
        self.heard.append(("an address", request.get_full_path()))
        self.heard += [(f"{name} of {request.path}", response[name]) for name in LEADS if name in response]

    def found(self, digits: Callable[[], Collection[str]]) -> list[str]:
        """What was heard that is a secret; ``digits`` is asked only where something might be one."""
        found = [f"{where}: {match}" for where, text in self.heard for match in WORD.findall(text)]
        numbers = {(where, number) for where, text in self.heard for number in _DIGITS.findall(text)}
        if numbers:
            known = set(digits())
            found += [f"{where}: {number}" for where, number in sorted(numbers) if number in known]
        return found


def is_return(request: HttpRequest) -> bool:
    """Whether the upstream sent the browser back with a code in the address, good once and for five minutes; whoever is
    not signed in comes here again with it."""
    match = request.resolver_match
    return match is not None and match.view_name == "connections:sign_in_return"


def words_in_database() -> list[str]:
    """The secrets that stand readable in any column of any table, deleted rows of SQLite's file included."""
    if database.vendor == "sqlite":
        name = str(database.settings_dict["NAME"])
        files = [Path(name), Path(f"{name}-wal")]
        return sorted(
            {word.decode() for path in files if path.exists() for word in _BYTES.findall(path.read_bytes())}
        )
    with database.cursor() as cursor:
        tables = database.introspection.table_names(cursor)
        each = " UNION ALL ".join(
            f"SELECT '{table}' FROM \"{table}\" AS one WHERE one::text ~ '{WORD.pattern}'" for table in tables
        )
        cursor.execute(each)
        return sorted({row[0] for row in cursor.fetchall()})


def words_in_redis(url: str) -> list[str]:
    """The keys under which Redis holds a secret, or whose name is one."""
    with Redis.from_url(url.replace("redis+socket://", "unix://")) as redis:
        keys = [key for key in redis.scan_iter() if _BYTES.search(key + (redis.dump(key) or b""))]
    return [key.decode("utf-8", "replace") for key in keys]


# What is heard now, and what was told of the database already: its file keeps what was deleted.
_watch: list[Watch] = []
_told: set[str] = set()


def let_pass(words: Collection[str]) -> None:
    """These were left in the database to see that they are found."""
    _told.update(words)


@pytest.fixture(scope="session", autouse=True)
def answers_are_heard() -> Iterator[None]:
    """Every request to our own pages in this process goes by whoever listens."""
    answer = BaseHandler.get_response

    def heard(handler: BaseHandler, request: HttpRequest) -> HttpResponseBase:
        response = answer(handler, request)
        for watch in _watch:
            watch.see(request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseHandler, "get_response", heard)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """From here on everything is heard."""
    _watch[:] = [Watch()]
    logging.getLogger().addHandler(_watch[0])
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """What the test leaves is looked at before it is cleared away, and told when it is."""
    found: list[str] = []
    for watch in _watch:
        logging.getLogger().removeHandler(watch)
        found += watch.found(lambda: _digits_of(item))
    _watch.clear()
    try:
        if _committed(item):
            here = words_in_database()
            found += [f"the database: {one}" for one in here if one not in _told]
            _told.update(here)
        if url := getattr(item, "funcargs", {}).get("redis_url"):
            found += [f"Redis: {one}" for one in words_in_redis(url)]
    except (DatabaseError, RedisError, OSError) as error:
        # The test is torn down all the same, and then told.
        found.append(f"the search failed: {error!r}")
    yield
    assert not found, f"secrets of the stand-in were left behind: {found[:5]}"


def _committed(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    marker = item.get_closest_marker("django_db")
    if not getattr(item, "funcargs", {}):
        # Skipped before it had anything, the database among it.
        return False
    return "transactional_db" in names or bool(marker and marker.kwargs.get("transaction"))


def _digits_of(item: pytest.Item) -> list[str]:
    """The PINs and passes of the stand-in that the test had, while it runs."""
    simulator = getattr(item, "funcargs", {}).get("simulator")
    if simulator is None or simulator.process is None:
        return []
    return [value for value in simulator.canaries() if value.isdigit() and len(value) >= 8]
