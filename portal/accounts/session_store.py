"""Where sessions are kept: Django's table, whose date of expiry moves on while a person does something.

Design decision: the date is read together with the session, so that an idle session is refused without a further
query, and saving a session never moves it. Only ``extend`` does, at most once a minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

# When the person signed in, in seconds since 1970.
SIGNED_IN_AT = "signed_in_at"
# How much of the idle time may pass before it is written down that somebody was there.
MINUTE = timedelta(seconds=60)


@dataclass(frozen=True)
class Expired:
    """A session that somebody came back with too late."""

    session_key: str
    user_id: str
    was_idle: bool


class SessionStore(DatabaseStore):
    """A session that ends when nothing is done in it, and in any case twelve hours after signing in."""

    # What the cookie named, where that has expired.
    expired: Expired | None = None
    _expires_at: datetime | None = None

    def load(self) -> dict[str, Any]:
        row = Session.objects.filter(session_key=self.session_key).first()
        if row is None:
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        if row.expire_date <= timezone.now():
            if SESSION_KEY in data:
                was_idle = timezone.now() < _longest(data, timezone.now())
                self.expired = Expired(row.session_key, str(data[SESSION_KEY]), was_idle)
            self._session_key = None
            return {}
        self._expires_at = row.expire_date
        return data

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast("Session", super().create_model_instance(data))
        row.expire_date = self._expires_at or timezone.now() + _idle()
        return row

    def save(self, must_create: bool = False) -> None:
        if must_create:
            self._expires_at = timezone.now() + _idle()
        super().save(must_create)

    def cycle_key(self) -> None:
        """A new key for the same session; the list of a person's sessions follows it."""
        earlier = self.session_key
        super().cycle_key()
        if self._expires_at is not None:
            self._expires_at = min(self._expires_at, _longest(self, self._expires_at))
        if earlier and SESSION_KEY in self:
            UserSession.objects.filter(session_key=earlier).update(session_key=self.session_key)

    def extend(self) -> None:
        """Somebody is there. Writes at most once a minute, and never beyond the longest time since signing in."""
        now = timezone.now()
        if self._expires_at is None or SIGNED_IN_AT not in self:
            return
        expires_at = min(now + _idle(), _longest(self, now))
        if expires_at - self._expires_at < MINUTE:
            return
        with transaction.atomic():
            # One that was ended meanwhile stays ended, and of two requests at once one writes: nobody waits for it.
            mine = Session.objects.filter(session_key=self.session_key, expire_date=self._expires_at)
            if mine.select_for_update(skip_locked=True).values("pk").first() is None:
                return
            mine.update(expire_date=expires_at)
            UserSession.objects.filter(session_key=self.session_key).update(last_seen_at=now)
        self._expires_at = expires_at


def _idle() -> timedelta:
    return timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def _longest(data: Any, otherwise: datetime) -> datetime:
    began = data.get(SIGNED_IN_AT)
    if began is None:
        return otherwise
    return datetime.fromtimestamp(began, timezone.get_default_timezone()) + timedelta(
        seconds=settings.SESSION_COOKIE_AGE
    )
