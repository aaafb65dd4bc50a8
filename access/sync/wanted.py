"""Asks for a family's history to be read soon."""

from families.models import Family, Kind
from families.sync import states

WANTED_SECONDS = 90.0


def want_history(family: Family, *, seconds: float = WANTED_SECONDS, with_calls: bool = False) -> None:
    """Have the openings of this family read within two seconds, and every two seconds for so long.

    For whoever just pressed a door, and for pages on which somebody watches: they may call it at every poll. Costs
    one or two queries and no upstream call here.
    """
    states.want(family, Kind.OPENINGS, seconds=seconds)
    if with_calls:
        states.want(family, Kind.CALLS, seconds=seconds)
