"""Reads the passes of an account live, and stores what is new of them."""

from access.sync.passes import TempKeys
from families.models import Family, Kind, Reach
from families.services.acting import SHORTEST_SECONDS, Budget, may_act_in, reach_of
from families.sync.readings import Reading
from families.sync.refresh import read_again
from portal.accounts.models import User
from portal.connections import budget as calls
from portal.connections import calling


class ListNotRead(Exception):
    """The door system did not tell the passes just now: what is stored of them is as old as before."""


def read_live(actor: User, family: Family) -> Reach:
    """Read the passes of the account that acts in a family now, and store them; return whose they are.

    Raises PermissionDenied, NoConnection and ListNotRead. Cost: 1 upstream call
    (get_akuvox_open_door_temp_key_config).
    """
    may_act_in(actor, family)
    reach = reach_of(family)
    if read_back(reach, family, Budget()) is None:
        raise ListNotRead
    return reach


def read_back(reach: Reach, family: Family, budget: Budget) -> Reading | None:
    """The list as it is now, stored; None where that did not work in what is left of the time.

    Cost: 1 upstream call (get_akuvox_open_door_temp_key_config).
    """
    if budget.left() < SHORTEST_SECONDS:
        return None
    # One for the call, one for a token that has to be renewed.
    allowance = calls.take(reach.connection, 2, for_people=True)
    if allowance is None:
        return None
    try:
        seconds = budget.left()
        client = calling.client_for(reach.connection, allowance, deadline_seconds=seconds)
        return read_again(
            family,
            Kind.TEMP_KEYS,
            TempKeys(),
            reach.connection,
            lambda: client.get_akuvox_open_door_temp_key_config(
                residence_id=family.residence_id, deadline_seconds=seconds
            ),
        )
    finally:
        allowance.give_back()
