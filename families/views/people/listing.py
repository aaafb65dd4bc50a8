"""The list of people, and the families that a form offers while one types."""

from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from families.models import Property
from families.selectors import list_properties
from families.selectors.people import STATES, PersonFilter, list_people
from families.views.people import parts
from portal.accounts.models import Role
from portal.accounts.requests import SignedInRequest
from portal.web.pages import render_page, wants_fragment


def person_list(request: SignedInRequest) -> HttpResponse:
    """The people within one's reach. Everything that is chosen stands in the address."""
    properties = list_properties(request.user)
    chosen = _read_filter(request.GET, properties)
    page = list_people(
        request.user, chosen, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "page": page,
        "chosen": chosen,
        "properties": properties,
        "roles": Role.choices,
        "list_url": reverse("families:person_list"),
        "before_url": page.before and _address(chosen, before=page.before),
        "after_url": page.after and _address(chosen, after=page.after),
    }
    response = render_page(request, "families/person_list.html", "families/_person_table.html", context)
    if wants_fragment(request):
        # The form sends empty fields too; the address keeps what was chosen.
        response["HX-Push-Url"] = _address(chosen)
    return response


def person_families(request: SignedInRequest) -> HttpResponse:
    """Families to choose from, for a form: those chosen in it, and those that were just typed."""
    if not wants_fragment(request):
        return redirect("families:person_list")
    context = parts.chooser_context(request, request.GET.getlist("family"))
    return render(request, "families/_person_families.html", context)


def _read_filter(query: QueryDict, properties: list[Property]) -> PersonFilter:
    """What the address asks for; whatever is unknown or not the person's means nothing was chosen."""
    role, state, property_id = query.get("role", ""), query.get("state", ""), query.get("property", "")
    return PersonFilter(
        text=query.get("q", "").strip()[: parts.SEARCH_LENGTH],
        role=role if role in Role.values else "",
        state=state if state in STATES else "",
        property_id=property_id if property_id in {one.public_id for one in properties} else "",
    )


def _address(chosen: PersonFilter, *, before: str = "", after: str = "") -> str:
    stated = {
        "q": chosen.text,
        "role": chosen.role,
        "state": chosen.state,
        "property": chosen.property_id,
        "before": before,
        "after": after,
    }
    query = urlencode({name: value for name, value in stated.items() if value})
    return reverse("families:person_list") + (f"?{query}" if query else "")
