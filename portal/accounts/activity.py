"""Keeps the session of somebody who is there awake."""

import time
from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from portal import waiting
from portal.accounts.session_store import SessionStore

# A page does not wait for more than this only to write down that somebody looked at it.
LONGEST_WAIT_SECONDS = 0.2


class ActivityMiddleware:
    """Moves on when a session expires, for what a person does; a page that asks by itself is nobody's doing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = request.session
        if (
            request.user.is_authenticated
            and isinstance(session, SessionStore)
            and not asks_by_itself(request)
        ):
            # Where the database takes nothing now, the next page tries again.
            with suppress(DatabaseError), waiting.until(time.monotonic() + LONGEST_WAIT_SECONDS):
                session.extend()
        return self.get_response(request)


def asks_by_itself(request: HttpRequest) -> bool:
    """Whether an open page sent this without anybody at it: a poll, or a picture in what a poll brought."""
    headers = request.headers
    return headers.get("X-Poll") == "1" or headers.get("Sec-Fetch-Dest") == "image"
