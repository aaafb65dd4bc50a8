"""The sessions of a person: where they are signed in, and how that ends."""

from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.ids import find_hidden, hidden_id

_PURPOSE = "session"


@dataclass(frozen=True)
class SignedIn:
    """One place where a person is signed in."""

    public_id: str
    session_key: str
    address: str
    user_agent: str
    since: datetime
    last_active_at: datetime


def list_sessions(user: User) -> list[SignedIn]:
    """Where ``user`` is signed in now, the last active first. Two queries."""
    rows = list(UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk"))
    living = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
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
    number = find_hidden(public_id, _PURPOSE)
    if number is None:
        return None
    return next((one for one in list_sessions(user) if one.public_id == public_id), None)


def end_all(user: User, *, keep: str = "") -> int:
    """End the sessions of ``user`` at once, all but that with the key ``keep``; return how many there were.

    They are refused at their next request. Whoever calls this writes it on the trail.
    """
    ended = [one.session_key for one in list_sessions(user) if one.session_key != keep]
    with transaction.atomic():
        known = UserSession.objects.filter(user=user).exclude(session_key=keep)
        keys = list(known.values_list("session_key", flat=True))
        Session.objects.filter(session_key__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
    return len(ended)


def end_session(one: SignedIn) -> bool:
    """End this session; False where it had ended already."""
    with transaction.atomic():
        UserSession.objects.filter(session_key=one.session_key).delete()
        deleted, _by_model = Session.objects.filter(session_key=one.session_key).delete()
    return deleted > 0
