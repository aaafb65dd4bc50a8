"""Puts on the trail that somebody looked, and what they were refused: once in a while, not at every click."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Entry
from portal.audit.trail import About, By
from portal.keys import KeyMissing
from portal.upstream.text import clean

# A page that reloads itself, or a poll on something that is gone, is one look and not hundreds.
QUIET = timedelta(minutes=15)
# Whoever is refused at more addresses than this in that time is trying them out: from here on they are counted.
LISTED_AT_MOST = 50
# What is longer was made up.
ADDRESS_LENGTH = 300


@dataclass(frozen=True)
class Refusal:
    """What somebody asked for and did not get: ``address`` is its path without secrets, ``route`` its URL name."""

    method: str
    route: str
    address: str
    status: int


def note_view(user: User) -> None:
    """Record that a person looked at the trail. A trail that cannot be written is no reason to hide what is in it."""
    with suppress(DatabaseError, OSError, KeyMissing):
        recent = Entry.objects.filter(at__gt=timezone.now() - QUIET, event="audit.viewed", actor=user)
        if not recent.exists():
            trail.record("audit.viewed", By.person(user))


def note_denied(user: User, refusal: Refusal) -> None:
    """Record that a person asked for what is not theirs, or not there. The answer is theirs in any case.

    The same again is not recorded while it is quiet. A flood of different ones is listed up to LISTED_AT_MOST and
    then counted: one entry says how many when it begins, and one whenever that number has doubled.
    """
    address = clean(refusal.address)[:ADDRESS_LENGTH]
    # As the entry keeps them: the same method at the same address is the same refusal.
    parameters = {"method": refusal.method, "route": refusal.route}
    asked = (address, json.dumps(parameters, ensure_ascii=False, sort_keys=True))
    with suppress(DatabaseError, OSError, KeyMissing):
        recent = Entry.objects.filter(at__gt=timezone.now() - QUIET, event="access.denied", actor=user)
        listed = list(recent.values_list("object_name", "parameters")[:LISTED_AT_MOST])
        if asked in listed:
            return
        if len(listed) >= LISTED_AT_MOST:
            _count(user)
            return
        about = About(kind="address", name=address)
        trail.record(
            "access.denied",
            By.person(user),
            about,
            parameters=parameters,
            outcome="refused",
            status=refusal.status,
        )


def _count(user: User) -> None:
    """Count a refusal that is not listed; its number is told at the first, and then at each doubling."""
    key = f"denied:{user.pk}"
    refusals = cache.get(key, LISTED_AT_MOST) + 1
    cache.set(key, refusals, QUIET.total_seconds())
    times, left = divmod(refusals, LISTED_AT_MOST + 1)
    if left == 0 and times & (times - 1) == 0:
        parameters = {"refusals": refusals, "minutes": round(QUIET.total_seconds() / 60)}
        trail.record("access.denied_often", By.person(user), parameters=parameters, outcome="refused")
