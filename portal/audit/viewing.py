"""Puts on the trail that somebody looked, and what they were refused: once in a while, not at every click."""

from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Entry
from portal.audit.trail import About, By
from portal.keys import KeyMissing

# A page that reloads itself, or a poll on something that is gone, is one look and not hundreds.
QUIET = timedelta(minutes=15)


def note_view(user: User) -> None:
    """Record that a person looked at the trail. A trail that cannot be written is no reason to hide what is in it."""
    with suppress(DatabaseError, OSError, KeyMissing):
        if not _is_known("audit.viewed", user):
            trail.record("audit.viewed", By.person(user))


def note_denied(user: User, method: str, path: str, status: int) -> None:
    """Record that a person asked for an object that is not theirs, or not there. The answer is theirs in any case."""
    about = About(kind="address", name=path)
    with suppress(DatabaseError, OSError, KeyMissing):
        if not _is_known("access.denied", user, path):
            trail.record(
                "access.denied",
                By.person(user),
                about,
                parameters={"method": method},
                outcome="refused",
                status=status,
            )


def _is_known(event: str, user: User, name: str = "") -> bool:
    recent = Entry.objects.filter(at__gt=timezone.now() - QUIET, event=event, actor=user)
    return (recent.filter(object_name=name) if name else recent).exists()
