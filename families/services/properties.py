"""Properties of ours: made, changed and deleted, on the trail. Which families are in them: families.services.placements.

Whatever cannot be written down is not done: every service here may raise AuditUnavailable.
"""

import zoneinfo
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from families.models import Family, Property
from families.services.placements import check_may_arrange, move_rows, record_move, record_or_undo
from portal.accounts.models import User
from portal.audit.trail import About, By
from portal.upstream.text import clean

LONGEST_NAME = 100
LONGEST_CONTACT = 120


class PropertyRefused(Exception):
    """A property cannot be like this; the text says why. Nothing was stored."""


class NameTaken(PropertyRefused):
    """Another property has the name, perhaps in other case: ``name`` is how that one writes it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a property {name!r} already: names must differ in more than their case")
        self.name = name


class PropertyChanged(Exception):
    """Somebody else changed it since it was looked at; ``now`` is how it stands. Nothing was stored."""

    def __init__(self, now: Property) -> None:
        super().__init__(f"{now.name!r} was changed by somebody else")
        self.now = now


class PropertyNotEmpty(Exception):
    """There are families in it, so it was not deleted."""


class FamilyUnknown(Exception):
    """No family of that residence id has been synced; the text names it."""


def make_property(by: By, *, name: str, time_zone: str, visitor_contact: str = "") -> Property:
    """A new property, empty. Raises PermissionDenied, and PropertyRefused with its NameTaken."""
    check_may_arrange(by)
    name = _checked_name(name)
    _check_zone(time_zone)
    contact = _checked_contact(visitor_contact)
    with _one_of_a_name(name), transaction.atomic():
        _check_free(name)
        made = Property.objects.create(name=name, time_zone=time_zone, visitor_contact=contact)
        _record(by, made, {})
    return made


def change_property(
    by: By, seen: Property, *, name: str, time_zone: str, visitor_contact: str | None = None
) -> Property:
    """Give a property another name or zone, or its visitors somebody else to call; ``seen`` is how it stood for
    whoever asked for that. Without ``visitor_contact`` that stays as it was.

    Raises PermissionDenied, PropertyRefused with its NameTaken, PropertyChanged when somebody else was quicker,
    and Property.DoesNotExist when it is gone. Asking for what is so already changes nothing.
    """
    check_may_arrange(by)
    name = _checked_name(name)
    _check_zone(time_zone)
    contact = seen.visitor_contact if visitor_contact is None else _checked_contact(visitor_contact)
    wanted = Property(name=name, time_zone=time_zone, visitor_contact=contact)
    with _one_of_a_name(name, seen), transaction.atomic():
        found = Property.objects.select_for_update().get(pk=seen.pk)
        before = _described(found)
        if before not in (_described(seen), _described(wanted)):
            raise PropertyChanged(found)
        _check_free(name, found)
        found.name, found.time_zone, found.visitor_contact = name, time_zone, contact
        found.save(update_fields=["name", "time_zone", "visitor_contact"])
        _record(by, found, before)
    return found


def delete_property(by: By, doomed: Property) -> list[User]:
    """Delete a property that has no family, and with it its limits; return the people who had one.

    Raises PermissionDenied, PropertyNotEmpty, and Property.DoesNotExist when it is gone already.
    """
    check_may_arrange(by)
    with transaction.atomic():
        found = Property.objects.select_for_update().get(pk=doomed.pk)
        if found.families.exists():
            raise PropertyNotEmpty
        people = list(User.objects.filter(property_limits__property=found).order_by("email"))
        about, before = _about(found), _described(found)
        found.delete()
        parameters = {"before": before, "after": {}, "limits": [person.email for person in people]}
        record_or_undo("property.delete", by, about, parameters)
    return people


def set_property(
    by: By, name: str, *, time_zone: str | None = None, families: Sequence[Family] = ()
) -> tuple[Property, bool]:
    """Make a property of that name, or change the one there is; return it and whether it is new.

    The families are put in it, out of the property they were in; none is taken out. Raises PermissionDenied,
    and PropertyRefused with its NameTaken.
    """
    check_may_arrange(by)
    name = _checked_name(name)
    if time_zone is not None:
        _check_zone(time_zone)
    with _one_of_a_name(name), transaction.atomic():
        found = Property.objects.select_for_update().filter(name=name).first()
        before = _described(found) if found else {}
        if found is None:
            _check_free(name)
        made = found or Property(name=name)
        made.time_zone = time_zone or made.time_zone
        made.save()
        move = move_rows(made, families)
        _record(by, made, before)
        record_move(by, move)
    return made, found is None


def find_families(residence_ids: Sequence[str]) -> list[Family]:
    """The families of these residence ids, each once and in their order; raises FamilyUnknown for the first that is not there."""
    wanted = list(dict.fromkeys(residence_ids))
    found = {
        family.residence_id: family
        for family in Family.objects.filter(residence_id__in=wanted).select_related("property")
    }
    for residence_id in wanted:
        if residence_id not in found:
            raise FamilyUnknown(
                f"no family {residence_id[:100]!r} is known: check the residence id, or run manage.py sync first"
            )
    return [found[residence_id] for residence_id in wanted]


def find_properties(names: Sequence[str]) -> list[Property]:
    """The properties of these names, each once; raises PropertyRefused for the first that is not there."""
    wanted = list(dict.fromkeys(name.strip() for name in names))
    found = {one.name: one for one in Property.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise PropertyRefused(
                f"there is no property {name[:100]!r}: make it first, with manage.py property"
            )
    return [found[name] for name in wanted]


def _checked_name(name: str) -> str:
    name = clean(name).strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise PropertyRefused(f"the name must be 1 to {LONGEST_NAME} characters in one line")
    return name


def _checked_contact(text: str) -> str:
    text = clean(text).strip()
    if len(text) > LONGEST_CONTACT or not text.isprintable():
        raise PropertyRefused(f"whom visitors call must be at most {LONGEST_CONTACT} characters in one line")
    return text


def _check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise PropertyRefused(f"there is no time zone {name[:100]!r}; they are named like Europe/Lisbon")


def _check_free(name: str, own: Property | None = None) -> None:
    """Raises NameTaken where another property's name differs in case alone, which no database folds alike."""
    others = Property.objects.exclude(pk=own.pk) if own else Property.objects.all()
    for other in others.values_list("name", flat=True):
        if other.casefold() == name.casefold():
            raise NameTaken(other)


@contextmanager
def _one_of_a_name(name: str, own: Property | None = None) -> Iterator[None]:
    """Turns the database's no to a name that somebody else took in the same moment into NameTaken."""
    try:
        yield
    except IntegrityError:
        _check_free(name, own)
        raise


def _record(by: By, made: Property, before: dict[str, str]) -> None:
    """The trail comes last in a transaction: it is held by one writer at a time, who should then wait for no row."""
    after = _described(made)
    if after != before:
        event = "property.change" if before else "property.add"
        record_or_undo(event, by, _about(made), {"before": before, "after": after})


def _described(found: Property) -> dict[str, str]:
    contact = {"visitors_call": found.visitor_contact} if found.visitor_contact else {}
    return {"name": found.name, "zone": found.time_zone} | contact


def _about(found: Property) -> About:
    return About(kind="property", id=found.public_id, name=found.name)
