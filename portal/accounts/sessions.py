"""The sessions of a person: where they are signed in, and how that ends."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from portal.accounts.models import User
from portal.accounts.session_store import SIGNED_IN_AT
from portal.ids import hidden_id

_PURPOSE = "session"
# Long enough that whoever comes back to a session that expired is told so, and it is on the trail.
KEPT_AFTER_EXPIRY = timedelta(days=1)


@dataclass(frozen=True)
class SignedIn:
    """One place where a person is signed in. ``session_key`` is a secret: no page shows it."""

    public_id: str
    session_key: str
    address: str
    user_agent: str
    since: datetime
    last_active_at: datetime


def list_sessions(user: User) -> list[SignedIn]:
    """Where ``user`` is signed in now, the last active first. Two queries."""
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk"))
    living = _living(user, [row.session_key for row in rows])
    return [
        SignedIn(
            public_id=hidden_id(row.pk, _PURPOSE),
            session_key=row.session_key,
            address=row.ip,
            user_agent=row.user_agent,
            since=row.created_at,
            last_active_at=row.last_seen_at,
        )
        for row in rows
        if row.session_key in living
    ]


def find_session(user: User, public_id: str) -> SignedIn | None:
    """The session of ``user`` with this id; None for anybody else's, and for one that has ended."""
    return next((one for one in list_sessions(user) if one.public_id == public_id), None)


def end_session(one: SignedIn) -> bool:
    """End this session at once; False where it had ended already. Whoever calls this writes it on the trail."""
    with transaction.atomic():
        UserSession.objects.filter(session_key=one.session_key).delete()
        ended, _of_each = Session.objects.filter(session_key=one.session_key).delete()
    return ended > 0


def end_all(user: User, *, keep: str = "") -> int:
    """End the sessions of ``user`` at once, all but that with the key ``keep``; return how many were open.

    They are refused at their next request. Whoever calls this writes it on the trail.
    """
    with transaction.atomic():
        known = UserSession.objects.filter(user=user).exclude(session_key=keep)
        keys = list(known.values_list("session_key", flat=True))
        were_open = len(_living(user, keys))
        Session.objects.filter(session_key__in=keys).delete()
        known.delete()
    return were_open


def clear_expired() -> int:
    """Delete what is left of sessions that are long over; return how many there were."""
    with transaction.atomic():
        over = Session.objects.filter(expire_date__lt=timezone.now() - KEPT_AFTER_EXPIRY)
        number, _of_each = over.delete()
        known = Session.objects.values("session_key")
        # A session is written down a moment after it begins.
        before = timezone.now() - KEPT_AFTER_EXPIRY
        UserSession.objects.filter(created_at__lt=before).exclude(session_key__in=known).delete()
    return number


def _living(user: User, keys: list[str]) -> set[str]:
    """Those of the sessions that would be let in: neither expired nor from before the password was changed."""
    now, hashed = timezone.now(), user.get_session_auth_hash()
    return {
        row.session_key
        for row in Session.objects.filter(session_key__in=keys, expire_date__gt=now)
        if constant_time_compare(str(row.get_decoded().get(HASH_SESSION_KEY, "")), hashed)
    }


@receiver(user_logged_in, dispatch_uid="accounts.sessions.began")
def began(request: HttpRequest | None, **kwargs: Any) -> None:
    """From this moment on the twelve hours are counted."""
    if request is not None:
        request.session[SIGNED_IN_AT] = time.time()
