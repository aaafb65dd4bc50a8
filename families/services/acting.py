"""What every action in a family stands on: the right, the connection, the time."""

import time

from django.conf import settings
from django.core.exceptions import PermissionDenied

from families.models import Family, Reach
from portal.accounts.models import User

# Less than this is too short for any answer.
SHORTEST_SECONDS = 0.2


class NoConnection(Exception):
    """No connection of the organisation reaches this family now: nothing was sent."""


class Budget:
    """The time that one action may take in all, over every call that it makes."""

    def __init__(self) -> None:
        self.total: float = settings.UPSTREAM_DEADLINE_SECONDS
        self._ends = time.monotonic() + self.total

    def left(self) -> float | None:
        """Seconds until the deadline; None when they are not worth a call."""
        left = self._ends - time.monotonic()
        return left if left >= SHORTEST_SECONDS else None


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
