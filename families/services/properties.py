"""Properties of ours, and which families are in them."""

import zoneinfo
from collections.abc import Sequence

from django.db import transaction

from families.models import Family, Property
from portal.audit import trail
from portal.audit.trail import About, By
from portal.upstream.text import clean

LONGEST_NAME = 100


class PropertyRefused(Exception):
    """A property cannot be like this; the text says why. Nothing was stored."""


class FamilyUnknown(Exception):
    """No family of that residence id has been synced; the text names it."""


def set_property(
    by: By, name: str, *, time_zone: str | None = None, families: Sequence[Family] = ()
) -> tuple[Property, bool]:
    """Make a property of that name, or change the one there is; return it and whether it is new.

    The families are put in it, out of the property they were in; none is taken out. Raises PropertyRefused.
    """
    name = clean(name).strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise PropertyRefused(f"the name must be 1 to {LONGEST_NAME} characters in one line")
    if time_zone is not None:
        _check_zone(time_zone)
    with transaction.atomic():
        found = Property.objects.select_for_update().filter(name=name).first()
        made = found or Property(name=name)
        before = found.time_zone if found else ""
        made.time_zone = time_zone or made.time_zone
        made.save()
        moved = [family for family in families if family.property_id != made.pk]
        Family.objects.filter(pk__in=[family.pk for family in moved]).update(property=made)
        # The trail comes last: it is held by one writer at a time, who should then wait for no row.
        about = About(kind="property", id=made.public_id, name=made.name)
        trail.record(
            "property.change" if found else "property.add",
            by,
            about,
            parameters={"zone_before": before, "zone_after": made.time_zone, "families": len(families)},
        )
        for family in moved:
            was = family.property.name if family.property else ""
            trail.record(
                "family.place",
                by,
                About(family.pk, family.name, "property", made.public_id, made.name),
                parameters={"before": was, "after": made.name},
            )
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


def _check_zone(name: str) -> None:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise PropertyRefused(
            f"there is no time zone {name[:100]!r}; they are named like Europe/Lisbon"
        ) from None
