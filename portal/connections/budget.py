"""The budget of calls: never more in a minute through one connection than its setting says, over all processes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from portal.connections.models import CallCount, Connection
from portal.upstream.errors import UpstreamBusy

# What background work leaves for people: a door is opened also while a large sync runs.
KEPT_FOR_PEOPLE = 0.1
# Long enough to look back at a day; nobody else clears them away.
KEEP = timedelta(days=1)
_leaves_the_share: ContextVar[bool] = ContextVar("budget_leaves_the_share", default=False)


@contextmanager
def leaving_the_peoples_share() -> Iterator[None]:
    """Within it, what is sent on somebody's behalf while they do not wait takes nothing of the people's share."""
    token = _leaves_the_share.set(True)
    try:
        yield
    finally:
        _leaves_the_share.reset(token)


class Allowance:
    """Calls taken from the budget beforehand, to be spent by several threads without asking the database.

    ``spend`` is the client's ``on_request``; ``give_back`` returns what was not used.
    """

    def __init__(self, connection: Connection, calls: int, minute: datetime) -> None:
        self.connection = connection
        self._left = calls
        self._spent = 0
        self._minute = minute
        self._lock = threading.Lock()

    def spend(self, command: str) -> None:
        """Count one request; raises UpstreamBusy when all that was taken is used up."""
        with self._lock:
            if self._left <= 0:
                raise UpstreamBusy(
                    "the budget of calls is used up", command=command, retry_after_seconds=_seconds_left()
                )
            self._left -= 1
            self._spent += 1

    @property
    def spent(self) -> int:
        """How many requests have begun."""
        return self._spent

    def give_back(self) -> None:
        """Return the unused calls to their minute."""
        with self._lock:
            unused, self._left = self._left, 0
        if unused:
            CallCount.objects.filter(connection=self.connection, minute=self._minute).update(
                calls=F("calls") - unused
            )


def take(connection: Connection, calls: int, *, for_people: bool = False) -> Allowance | None:
    """Take ``calls`` from this minute's budget, or None when that many are not left."""
    limit = (
        connection.calls_per_minute
        if for_people and not _leaves_the_share.get()
        else int(connection.calls_per_minute * (1 - KEPT_FOR_PEOPLE))
    )
    minute = timezone.now().replace(second=0, microsecond=0)
    counts = CallCount.objects.filter(connection=connection, minute=minute)
    within = counts.filter(calls__lte=limit - calls)
    if within.update(calls=F("calls") + calls):
        return Allowance(connection, calls, minute)
    # Used up, or the first of its minute: another caller may have begun it meanwhile.
    if not counts.exists():
        CallCount.objects.bulk_create(
            [CallCount(connection=connection, minute=minute)], ignore_conflicts=True
        )
        CallCount.objects.filter(connection=connection, minute__lt=minute - KEEP).delete()
    return Allowance(connection, calls, minute) if within.update(calls=F("calls") + calls) else None


def _seconds_left() -> float:
    return 60.0 - timezone.now().second
