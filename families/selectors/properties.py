"""Reads properties, and the families to be put in and out of them, a page at a time."""

from dataclasses import dataclass

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from families.models import Family, Property, PropertyLimit
from families.selectors.narrowing import IN_NONE
from families.selectors.searching import families_matching
from portal.accounts.models import User
from portal.cursors import Row, page_of

PAGE_SIZE = 100
# Switched off they see nothing; who is still invited will.
_COUNTED = Q(person__is_active=True) | Q(person__joined_at=None)


@dataclass(frozen=True)
class PropertyPage:
    """A page of properties by name; each comes with ``families_in``, ``doors_offline`` and ``people_limited``."""

    properties: list[Property]
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class PlaceFilter:
    """Which families are shown to be placed: by their text, and by where they are (IN_NONE, a property's public
    id, or "" for anywhere)."""

    text: str = ""
    place: str = ""


@dataclass(frozen=True)
class PlacePage:
    """A page of families by name, each with its property. ``total`` says how many fit altogether."""

    families: list[Family]
    total: int
    before: str = ""
    after: str = ""


def page_properties(user: User, *, before: str = "", after: str = "") -> PropertyPage:
    """The properties within the person's reach. One query; no upstream call."""
    found = _counted(Property.objects.visible_to(user))
    rows, back, on = page_of(found, "name", "properties", PAGE_SIZE, before=before, after=after)
    return PropertyPage(rows, back, on)


def get_property(user: User, public_id: str) -> Property:
    """A property with its counts; raises Property.DoesNotExist unless it is the person's to see. One query."""
    return _counted(Property.objects.visible_to(user)).get(public_id=public_id)


def list_limited(place: Property) -> list[User]:
    """The people who are limited to this property and others, by name; without those who were switched off."""
    limits = PropertyLimit.objects.filter(_COUNTED, property=place).select_related("person")
    return sorted((limit.person for limit in limits), key=lambda person: (str(person).casefold(), person.pk))


def count_unplaced(user: User) -> int:
    """How many families are in no property, for those who may see them."""
    return Family.objects.visible_to(user).filter(property=None, gone_at=None).count()


def page_placed(user: User, chosen: PlaceFilter, *, before: str = "", after: str = "") -> PlacePage:
    """The families that fit, by name. Gone ones are shown where their property was asked for. Two queries."""
    found = families_fitting(user, chosen)
    rows, back, on = page_of(
        found.select_related("property"), "search_text", "placed", PAGE_SIZE, before=before, after=after
    )
    return PlacePage(rows, found.count(), back, on)


def families_fitting(user: User, chosen: PlaceFilter) -> QuerySet[Family]:
    """All families that fit, in no order."""
    found = Family.objects.visible_to(user).filter(families_matching(chosen.text))
    if chosen.place == IN_NONE:
        return found.filter(property=None, gone_at=None)
    if chosen.place:
        return found.filter(property__public_id=chosen.place)
    return found.filter(gone_at=None)


def find_all(user: User, public_ids: list[str]) -> list[Family]:
    """The families of these public ids; raises Family.DoesNotExist where one is not the person's to see."""
    wanted = set(public_ids)
    found = list(Family.objects.visible_to(user).filter(public_id__in=wanted).select_related("property"))
    if len(found) != len(wanted):
        raise Family.DoesNotExist
    return sorted(found, key=lambda family: (family.search_text, family.pk))


def last_limits(place: Property) -> dict[User, list[str]]:
    """For each person limited to this property, the names of the others they are limited to."""
    people = list_limited(place)
    kept: dict[int, list[str]] = {person.pk: [] for person in people}
    others = PropertyLimit.objects.filter(person__in=people).exclude(property=place)
    for pk, name in others.order_by("property__name").values_list("person_id", "property__name"):
        kept[pk].append(name)
    return {person: kept[person.pk] for person in people}


def _counted(found: QuerySet[Property]) -> QuerySet[Property]:
    # Design decision: the devices of a family are joined by name, as the trail joins families by name: `families`
    # imports nothing of `access`. A door that many families share stands once, as on the board of doors.
    families = Family.objects.filter(property=OuterRef("pk"), gone_at=None)
    offline = families.filter(devices__gone_at=None, devices__is_online=False)
    limits = PropertyLimit.objects.filter(_COUNTED, property=OuterRef("pk"))
    return found.annotate(
        families_in=_count(families, "property"),
        doors_offline=_count(offline, "property", "devices__mac"),
        people_limited=_count(limits, "property"),
    )


def _count(rows: QuerySet[Row], group: str, what: str = "pk") -> Coalesce:
    counted = rows.order_by().values(group).annotate(n=Count(what, distinct=True)).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
