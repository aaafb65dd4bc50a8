"""What every action in a family stands on: the right, the account, the time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.sync import refresh_members
from portal.accounts.models import User
from portal.connections import budget as calls
from portal.connections.calling import client_for

# Less than this is too short for an answer.
SHORTEST_SECONDS = 0.3
# What is changed while nobody waits for it is read so much later, several changes of a family together.
READ_AFTER = timedelta(seconds=2)
_is_watched: ContextVar[bool] = ContextVar("acting_is_watched", default=True)


class NoConnection(Exception):
    """No connection of the organisation reaches this family now: nothing was sent."""


class Budget:
    """The time that one action may take in all, over every call that it makes. ``ends``: of time.monotonic."""

    def __init__(self) -> None:
        self.ends: float = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS

    def left(self) -> float:
        """Seconds until its end; never below 0."""
        return max(0.0, self.ends - time.monotonic())


@contextmanager
def unwatched() -> Iterator[None]:
    """Within it nobody looks at what comes of an action: the family is read once a little later, by the sync.

    Else each row of a long job would cost a read of its whole family beside its command.
    """
    token = _is_watched.set(False)
    try:
        yield
    finally:
        _is_watched.reset(token)


def may_act_in(actor: User, family: Family) -> None:
    """Nothing, if ``actor`` may change something in this family at this moment; raises PermissionDenied."""
    if not actor.may_act or not Family.objects.visible_to(actor).filter(pk=family.pk).exists():
        raise PermissionDenied


def reach_of(family: Family) -> Reach:
    """The account that acts in the family, with its connection; raises NoConnection."""
    reach = Reach.objects.to_act_in(family)
    if reach is None:
        raise NoConnection
    return reach


def read_members_back(reach: Reach, family: Family, budget: Budget) -> bool:
    """Read the family's name and members again after a change, in what is left of the action's time.

    False when that did not work: the sync reads them soon. Where nobody waits for it (``unwatched``) it is left to
    the sync. Cost: 1 upstream call (get_family_info).
    """
    if not _is_watched.get():
        soon = timezone.now() + READ_AFTER
        SyncState.objects.filter(family=family, kind=Kind.MEMBERS, due_at__gt=soon).update(due_at=soon)
        return True
    if budget.left() < SHORTEST_SECONDS:
        return False
    # One for the call, one for a token that has to be renewed.
    allowance = calls.take(reach.connection, 2, for_people=True)
    if allowance is None:
        return False
    try:
        seconds = budget.left()
        client = client_for(reach.connection, allowance, deadline_seconds=seconds)
        return refresh_members(client, family, deadline_seconds=seconds)
    finally:
        allowance.give_back()
