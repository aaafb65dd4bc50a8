"""The list of families, a family, and its name."""

from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from families import selectors
from families.forms.families import InviteForm, NameForm
from families.models import Family, Property
from families.selectors import FamilyFilter
from families.selectors.listing import IN_NONE, SORTS, STATES
from families.services import names
from families.views import outcomes, parts
from portal.accounts.requests import SignedInRequest
from portal.web.pages import render_page, wants_fragment
from portal.web.presses import read_press

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


def family_detail(request: SignedInRequest, family_id: str) -> HttpResponse:
    """A family: its name and state, its people, its doors. ``edit`` opens a form where there is no script."""
    family = parts.find_family(request, family_id)
    edit = request.GET.get("edit", "") if parts.may_act(request, family) else ""
    context = parts.page_context(
        request,
        family,
        name_form=NameForm(initial={"name": family.name}) if edit == "name" else None,
        invite_form=InviteForm() if edit == "invitation" else None,
    )
    return render_page(request, "families/family_detail.html", "families/_family_detail.html", context)


def family_rename(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The form for a name in place of the name, and the renaming."""
    family = parts.find_family(request, family_id)
    if request.method != "POST":
        if not wants_fragment(request):
            return redirect(parts.edit_address(family, "name"))
        form = NameForm(initial={"name": family.name})
        return render(request, "families/_family_name.html", parts.name_context(request, family, form))
    form = NameForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, family, form)
    outcome = outcomes.outcome_of(
        lambda: names.rename_family(
            request.user,
            family=family,
            name=form.cleaned_data["name"],
            press=read_press(request.POST.get("press", ""), request.user.id, parts.name_purpose(family)),
        ),
        outcomes.of_rename,
    )
    if outcome.is_refusal:
        form.add_error(None, outcome.sentence)
        return _ask_again(request, family, form)
    shown = form if outcome.keeps_form else None
    if wants_fragment(request):
        context = parts.name_context(request, family, shown) | {"outcome": outcome}
        response = render(request, "families/_family_renamed.html", context, status=outcome.status)
        if outcome.is_done:
            response["HX-Trigger"] = "family-renamed"
        return response
    return parts.show_outcome(request, family, outcome, name_form=shown)


def _ask_again(request: SignedInRequest, family: Family, form: NameForm) -> HttpResponse:
    if wants_fragment(request):
        context = parts.name_context(request, family, form)
        return render(request, "families/_family_name.html", context, status=422)
    context = parts.page_context(request, family, name_form=form)
    return render(request, "families/family_detail.html", context, status=422)


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
