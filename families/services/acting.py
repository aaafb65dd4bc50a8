"""What every action in a family stands on: the right, the account, the time."""

import time

from django.conf import settings
from django.core.exceptions import PermissionDenied

from families.models import Family, Reach
from families.sync import refresh_members
from portal.accounts.models import User
from portal.connections import budget as calls
from portal.connections.calling import client_for

# Less than this is too short for an answer.
SHORTEST_SECONDS = 0.3


class NoConnection(Exception):
    """No connection of the organisation reaches this family now: nothing was sent."""


class Budget:
    """The time that one action may take in all, over every call that it makes. ``ends``: of time.monotonic."""

    def __init__(self) -> None:
        self.ends: float = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS

    def left(self) -> float:
        """Seconds until its end; never below 0."""
        return max(0.0, self.ends - time.monotonic())


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

    False when that did not work: the sync reads them soon. Cost: 1 upstream call (get_family_info).
    """
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
