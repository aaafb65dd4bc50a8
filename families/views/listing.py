"""The list of families."""

from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.urls import reverse

from families import selectors
from families.models import Property
from families.selectors import FamilyFilter
from families.selectors.listing import IN_NONE, SORTS, STATES
from portal.accounts.requests import SignedInRequest
from portal.web.pages import render_page, wants_fragment

# Longer than any name; what is longer is a mistake of the clipboard.
SEARCH_LENGTH = 200


def family_list(request: SignedInRequest) -> HttpResponse:
    """The families within one's reach. Everything that is chosen stands in the address."""
    properties = selectors.list_properties(request.user)
    chosen = _read_filter(request.GET, properties, may_choose_none=not request.user.is_limited)
    page = selectors.list_families(
        request.user, chosen, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "page": page,
        "chosen": chosen,
        "properties": properties,
        "as_of": selectors.families_as_of(request.user),
        "list_url": reverse("families:family_list"),
        "before_url": page.before and _address(chosen, before=page.before),
        "after_url": page.after and _address(chosen, after=page.after),
        "sort_urls": {sort: _address(chosen, sort=sort) for sort in SORTS},
    }
    response = render_page(request, "families/family_list.html", "families/_family_results.html", context)
    if wants_fragment(request):
        # The form sends empty fields too; the address keeps what was chosen.
        response["HX-Push-Url"] = _address(chosen)
    return response


def _read_filter(query: QueryDict, properties: list[Property], *, may_choose_none: bool) -> FamilyFilter:
    """What the address asks for; whatever is unknown or not the person's means nothing was chosen."""
    known = {each.public_id for each in properties} | ({IN_NONE} if may_choose_none and properties else set())
    property_id, state, sort = query.get("property", ""), query.get("state", ""), query.get("sort", "")
    return FamilyFilter(
        text=query.get("q", "").strip()[:SEARCH_LENGTH],
        property_id=property_id if property_id in known else "",
        state=state if state in STATES else "",
        sort=sort if sort in SORTS else SORTS[0],
    )


def _address(chosen: FamilyFilter, *, sort: str = "", before: str = "", after: str = "") -> str:
    sort = sort or chosen.sort
    stated = {
        "q": chosen.text,
        "property": chosen.property_id,
        "state": chosen.state,
        "sort": sort if sort != SORTS[0] else "",
        "before": before,
        "after": after,
    }
    query = urlencode({name: value for name, value in stated.items() if value})
    return reverse("families:family_list") + (f"?{query}" if query else "")
