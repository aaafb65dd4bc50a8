"""A browser without the browser, and what it may leave behind in the database."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from django.apps import apps
from django.db import connection as database
from django.test import Client, RequestFactory, TestCase
from django.test.client import ClientHandler

from portal.accounts.models import User
from tests.accounts.signing_in import sign_in_recently

HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    # The URL name that the address led to; None where no page ever had it.
    route: str | None
    path: str

    @property
    def leads_to(self) -> str:
        """Where the browser goes from here; "" where it stays."""
        return self.headers.get("Location", self.headers.get("HX-Redirect", ""))

    @property
    def everything(self) -> bytes:
        return (
            "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
            + b"\n\n"
            + self.body
        )


class _Environments(RequestFactory):
    """Makes what a server hands over, and no request from it yet."""

    def request(self, **request: Any) -> Any:
        return self._base_environ(**request)


class Visitor:
    """Somebody's browser, without the browser: the whole chain of middleware, with one session for all requests."""

    def __init__(self, person: User | None, *, enforce_csrf: bool = False, seconds_ago: float = 1) -> None:
        self.person = person
        self._handler = ClientHandler(enforce_csrf_checks=enforce_csrf)
        self.cookies: SimpleCookie = SimpleCookie()
        if person is not None:
            client = Client()
            sign_in_recently(client, person, seconds_ago=seconds_ago)
            self.cookies = client.cookies

    def ask(self, method: str, path: str, *, htmx: bool = False, body: str = "", **headers: str) -> Answer:
        """One request; what it sets in the browser is forgotten, so that the next one comes as this one did."""
        factory = _Environments(headers=(HTMX if htmx else {}) | headers)
        factory.cookies = self.cookies
        kind = "application/x-www-form-urlencoded" if method == "POST" else ""
        response = self._handler(factory.generic(method, path, body, content_type=kind))
        content = b"".join(response.streaming_content) if response.streaming else response.content
        cookies = {"Set-Cookie": response.cookies.output(header="")} if response.cookies else {}
        match = response.wsgi_request.resolver_match
        return Answer(
            response.status_code,
            dict(response.items()) | cookies,
            content,
            match.view_name if match else None,
            response.wsgi_request.path,
        )


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside never was: also what insists on a transaction of its own."""
    atomics = TestCase._enter_atomics()
    try:
        yield
    finally:
        TestCase._rollback_atomics(atomics)


# What a look may change: the trail of the look, when somebody was last there, how often the upstream was asked.
NOT_COMPARED = {"audit.Entry", "sessions.Session", "usersessions.UserSession", "connections.CallCount"}


def tables() -> dict[str, str]:
    """A digest of every table of ours: equal before and after means that nothing changed."""
    found = {}
    with database.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.label not in NOT_COMPARED:
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}" ORDER BY 1')
                found[model._meta.label] = hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
    return found
