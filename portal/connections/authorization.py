"""A sign-in in the browser: begun here, agreed to at the upstream, and come back from."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.connections.models import Connection, PendingSignIn
from portal.upstream import signin

LASTS = timedelta(minutes=10)
# Of one person; more are somebody who presses again and again, and the oldest give way.
MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Beginning:
    """What the return will need to know, beside the code that it brings. Of a renewal name, zone and budget stay."""

    base_url: str
    client_id: str
    client_secret: str
    name: str
    renews: Connection | None = None
    is_personal: bool = False
    history_zone: str = ""
    calls_per_minute: int = 0


def begin(person: User, session: str, beginning: Beginning) -> str:
    """Note a sign-in that this person begins in this session; return the address at the upstream to go to.

    ``session`` is a random name that lives in the person's session and nowhere else: the return is theirs only
    with it. The address holds ``state``, of which a digest is kept.
    """
    state = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        forget_old()
        mine = PendingSignIn.objects.filter(started_by=person).order_by("-expires_at")
        old = list(mine.values_list("pk", flat=True)[MOST_AT_ONCE - 1 :])
        PendingSignIn.objects.filter(pk__in=old).delete()
        PendingSignIn.objects.create(
            state_digest=_digest(state, session),
            started_by=person,
            connection=beginning.renews,
            is_personal=beginning.is_personal,
            name=beginning.name,
            base_url=beginning.base_url,
            client_id=beginning.client_id,
            client_secret=beginning.client_secret,
            history_zone=beginning.history_zone,
            calls_per_minute=beginning.calls_per_minute,
            expires_at=now + LASTS,
        )
    return signin.authorization_url(
        beginning.base_url, client_id=beginning.client_id, redirect_uri=return_address(), state=state
    )


def take(person: User, session: str, state: str) -> PendingSignIn | None:
    """What this person began in this session with this ``state``, for exactly one caller; else None.

    It is gone from the database then, with its secret. What somebody else began stays theirs.
    """
    if not state or not session:
        return None
    pending = (
        PendingSignIn.objects.select_related("connection")
        .filter(state_digest=_digest(state, session), started_by=person, expires_at__gt=timezone.now())
        .first()
    )
    if pending is None:
        return None
    # Read before the row is gone; opening it may fail, and then nothing is lost.
    _ = pending.client_secret
    deleted, _rows = PendingSignIn.objects.filter(pk=pending.pk).delete()
    return pending if deleted else None


def forget_old() -> None:
    """Delete what nobody came back from in time, with its secrets. One query where there is nothing."""
    old = PendingSignIn.objects.filter(expires_at__lte=timezone.now())
    if old.exists():
        old.delete()


def new_session_name() -> str:
    """A random name for a session, to be kept in it."""
    return secrets.token_urlsafe(16)


def return_address() -> str:
    """Where the upstream sends the browser back to; it has to know this address beforehand."""
    return f"{settings.PUBLIC_URL}{reverse('connections:sign_in_return')}"


def _digest(state: str, session: str) -> str:
    return hashlib.sha256(f"{session}|{state}".encode()).hexdigest()
