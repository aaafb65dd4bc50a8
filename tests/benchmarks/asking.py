"""Requests as a browser would send them, through the whole middleware, without a socket in between."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client

from portal.accounts.models import User

POLL = {"HX-Request": "true", "X-Poll": "1"}


def browser(person: User) -> Client:
    """A client who is signed in as this person."""
    client = Client()
    client.force_login(person)
    return client


def page(client: Client, url: str, *, status: int = 200, **headers: str) -> Callable[[], bytes]:
    """A function that asks for the page and returns its body; raises AssertionError for another status."""

    def ask() -> bytes:
        answer = client.get(url, headers=headers)
        assert answer.status_code == status, f"{url}: {answer.status_code}"
        return answer.content

    return ask


def queries(run: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements with their parameters that a run sends to the database."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    return sent
