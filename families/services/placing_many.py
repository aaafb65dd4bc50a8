"""Puts any number of families into a property, as many at a time as the trail and a request can bear."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from families.models import Family, Property
from families.services import placements
from families.services.placements import MOST_AT_ONCE, Move, MoveChanged
from portal.audit.trail import AuditUnavailable, By

# After so long nothing more is begun: whoever waits is told how far it is, and goes on from there.
SECONDS = 5.0


@dataclass(frozen=True)
class Placed:
    """How far it came: so many were moved, and ``rest`` is what remains of what was agreed to, as it is now.

    ``trouble`` is why it ended before its time, None where it did not.
    """

    moved: int
    rest: Move
    trouble: Exception | None = None


def place_many(by: By, target: Property | None, families: Sequence[Family], *, agreed: str) -> Placed:
    """Put families into a property, or into none, each MOST_AT_ONCE of them in a transaction of its own.

    ``agreed`` is the digest of the Move that somebody said yes to: where it means something else before the first is
    moved, MoveChanged is raised, as by ``placements.place_families``, which may raise its other errors then, too.
    Later on such an error ends it: what was moved is moved, and on the trail.
    """
    placements.check_may_arrange(by)
    move = placements.weigh_move(target, families)
    if move.digest != agreed:
        raise MoveChanged(move)
    ends = time.monotonic() + SECONDS
    done = 0
    for start in range(0, len(move.families), MOST_AT_ONCE):
        if start and time.monotonic() > ends:
            break
        part = move.families[start : start + MOST_AT_ONCE]
        meaning = placements.weigh_move(target, part)
        try:
            placements.place_families(by, target, part, agreed=meaning.digest)
        except (MoveChanged, Property.DoesNotExist, AuditUnavailable) as trouble:
            if not start:
                raise
            return Placed(done, placements.weigh_move(target, move.families[done:]), trouble)
        done += len(part)
    return Placed(done, placements.weigh_move(target, move.families[done:]))
