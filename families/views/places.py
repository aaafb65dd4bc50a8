"""What the views of properties and of placing families share."""

from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from families.models import Family, Property
from families.selectors import properties as selectors
from families.selectors.narrowing import IN_NONE
from portal.accounts.requests import SignedInRequest
from portal.web.zones import zone_called

# Longer than any name; what is longer is a mistake of the clipboard.
SEARCH_LENGTH = 200


def find_property(request: SignedInRequest, property_id: str) -> Property:
    """The property with its counts, or a 404 unless it is this person's to see."""
    try:
        return selectors.get_property(request.user, property_id)
    except Property.DoesNotExist:
        raise gone() from None


def find_families(request: SignedInRequest) -> list[Family]:
    """The families that a form names, or a 404 where one is not this person's to see."""
    try:
        return selectors.find_all(request.user, request.POST.getlist("family"))
    except Family.DoesNotExist:
        raise Http404 from None


def gone() -> Http404:
    """A property that is not there any more."""
    return Http404()


def local_time(place: Property) -> str:
    """What a clock there shows now, with the zone's short name: "Sat 14:02 WET"."""
    there = timezone.now().astimezone(zone_called(place.time_zone))
    return f"{date_format(there, 'D H:i')} {there.tzname()}"


def search_text(query: QueryDict) -> str:
    """What is searched for in an address or a form."""
    return query.get("q", "").strip()[:SEARCH_LENGTH]


def unplaced_address() -> str:
    """Where the families stand that are in no property."""
    return f"{reverse('families:family_list')}?property={IN_NONE}"
