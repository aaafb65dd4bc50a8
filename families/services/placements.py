"""Puts families into properties and takes them out, knowing beforehand who will see them no more."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from families.models import Family, Property, PropertyLimit
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, By

# As many as one form may name (DATA_UPLOAD_MAX_NUMBER_FIELDS) and one transaction should write entries for: the trail
# has one writer at a time.
MOST_AT_ONCE = 400


@dataclass(frozen=True)
class Move:
    """What it means to put families into ``target`` (None: into no property).

    ``losing`` are the people who will no longer see some of them, ``gaining`` those who will from then on: people
    limited to properties. Whoever sees everything, and family admins, see what they saw.
    """

    target: Property | None
    families: list[Family]
    losing: list[User]
    gaining: list[User]

    @property
    def digest(self) -> str:
        """Stays the same as long as the same families come from the same places, with the same consequences."""
        families = sorted((family.pk, family.property_id or 0) for family in self.families)
        people = [sorted(person.pk for person in group) for group in (self.losing, self.gaining)]
        told = repr((self.target.pk if self.target else 0, families, people))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


# Called with each move in its transaction, the families moved but as objects still where they were: for what others
# keep by property (access adds itself; it may import us, and we not it).
followers: list[Callable[[Move], None]] = []


class MoveChanged(Exception):
    """What the move means is not what was agreed to; ``now`` is what it means by now. Nothing was moved."""

    def __init__(self, now: Move) -> None:
        super().__init__("the move means something else by now")
        self.now = now


def check_may_arrange(by: By) -> None:
    """Raises PermissionDenied unless they may change properties: managers of everything, and the operator."""
    if by.user is not None and not may_arrange(by.user):
        raise PermissionDenied


def may_arrange(person: User) -> bool:
    """Whether this person may change properties: forms are offered to them, and the services check again."""
    return person.is_active and person.is_manager and not person.is_limited


def weigh_move(target: Property | None, families: Iterable[Family]) -> Move:
    """What it would mean to move these; those that are there already are left out. One query."""
    place = target.pk if target else None
    moving = [family for family in families if family.property_id != place]
    left = {family.property_id for family in moving}
    people: dict[User, set[int | None]] = defaultdict(set)
    limits = PropertyLimit.objects.filter(property__in={*left, place} - {None}).select_related("person")
    # Whoever was switched off sees nothing; whoever is still invited will.
    for limit in limits.filter(Q(person__is_active=True) | Q(person__joined_at=None)) if moving else ():
        people[limit.person].add(limit.property_id)
    losing = [person for person, seen in people.items() if place not in seen and seen & left]
    gaining = [person for person, seen in people.items() if place in seen and left - seen]
    return Move(target, moving, sorted(losing, key=_name), sorted(gaining, key=_name))


def place_families(
    by: By, target: Property | None, families: Sequence[Family], *, agreed: str | None = None
) -> Move:
    """Put families into a property, or into none; return what moved and whom it concerns.

    ``agreed`` is the digest of the Move that somebody said yes to: where it means something else by now,
    MoveChanged is raised. Raises PermissionDenied, Property.DoesNotExist when the property is gone, and
    AuditUnavailable. Nothing was moved then.
    """
    check_may_arrange(by)
    with transaction.atomic():
        if target is not None:
            target = Property.objects.select_for_update().get(pk=target.pk)
        move = move_rows(target, families, agreed=agreed)
        record_move(by, move)
    return move


def move_rows(target: Property | None, families: Sequence[Family], *, agreed: str | None = None) -> Move:
    """The rows of place_families, in the caller's transaction, which then calls record_move as its last step."""
    # In one order, so that two moves at once wait for each other and not in a circle.
    held = Family.objects.select_for_update(of=("self",)).filter(pk__in=[family.pk for family in families])
    move = weigh_move(target, list(held.select_related("property").order_by("pk")))
    if agreed is not None and move.digest != agreed:
        raise MoveChanged(move)
    Family.objects.filter(pk__in=[family.pk for family in move.families]).update(property=target)
    for follow in followers:
        follow(move)
    return move


def record_move(by: By, move: Move) -> None:
    """Put on the trail where each family was before, and where it is now."""
    for family in move.families:
        was, now = family.property, move.target
        place = now or was
        about = About(family.pk, family.name, "property", *((place.public_id, place.name) if place else ()))
        parameters = {"before": was.name if was else "", "after": now.name if now else ""}
        record_or_undo("family.place", by, about, parameters)


def record_or_undo(event: str, by: By, about: About, parameters: Mapping[str, Any]) -> None:
    """Write a change down, in its transaction; raises AuditUnavailable, which undoes it, where that cannot be done."""
    with trail.writing("the change"):
        trail.record(event, by, about, parameters=parameters)


def _name(person: User) -> tuple[str, int]:
    return str(person).casefold(), person.pk
