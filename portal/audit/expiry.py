"""Tells somebody who comes back to a session that has expired, and puts it on the trail, once."""

import logging
from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from portal.accounts.models import User
from portal.accounts.session_store import Expired
from portal.audit import trail
from portal.audit.chain import HeadNotKept
from portal.audit.trail import About, By
from portal.keys import KeyMissing

logger = logging.getLogger(__name__)


class ExpiredSessionMiddleware:
    """Sees that the cookie of a request named a session that has expired. The request goes on as a stranger's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Asking who it is reads the session.
        if not request.user.is_authenticated:
            expired = getattr(request.session, "expired", None)
            if isinstance(expired, Expired) and note_expired(expired):
                messages.info(request, _words(expired))
        return self.get_response(request)


def note_expired(expired: Expired) -> bool:
    """Record it, and forget the session; False where another request of the same page did."""
    person = User.objects.filter(pk=expired.user_id).first()
    try:
        with transaction.atomic():
            UserSession.objects.filter(session_key=expired.session_key).delete()
            number, _of_each = Session.objects.filter(session_key=expired.session_key).delete()
            if not number or person is None:
                return False
            about = About(kind="person", id=person.public_id, name=person.email)
            after = "idle" if expired.was_idle else "longest"
            trail.record("session.expired", By.person(person), about, parameters={"after": after})
    except HeadNotKept:
        # It is committed, and the next head covers it.
        logger.exception("the audit head could not be kept")
    except (DatabaseError, OSError, KeyMissing):
        # It stays expired all the same; the next request that comes back tries again.
        return False
    return True


def _words(expired: Expired) -> str:
    if expired.was_idle:
        number = settings.SESSION_IDLE_MINUTES
        return ngettext(
            "You were signed out: nothing was done here for %(number)d minute. Sign in to go on.",
            "You were signed out: nothing was done here for %(number)d minutes. Sign in to go on.",
            number,
        ) % {"number": number}
    number = settings.SESSION_COOKIE_AGE // 3600
    return ngettext(
        "You were signed out: a sign-in holds for %(number)d hour. Sign in to go on.",
        "You were signed out: a sign-in holds for %(number)d hours. Sign in to go on.",
        number,
    ) % {"number": number}
