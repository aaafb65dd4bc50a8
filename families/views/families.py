"""A family, and its name."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from families.forms.families import InviteForm, NameForm
from families.models import Family
from families.services import names
from families.views import frame, outcomes, parts
from portal.accounts.requests import SignedInRequest
from portal.web.pages import wants_fragment
from portal.web.presses import read_press


def family_detail(request: SignedInRequest, family_id: str) -> HttpResponse:
    """A family: its name and state, and its people. ``edit`` opens a form where there is no script."""
    family = parts.find_family(request, family_id)
    edit = request.GET.get("edit", "") if parts.may_act(request, family) else ""
    return frame.render_people(
        request,
        family,
        name_form=NameForm(initial={"name": family.name}) if edit == "name" else None,
        invite_form=InviteForm() if edit == "invitation" else None,
    )


def family_rename(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The form for a name in place of the name, or with ``closed`` the name again, and the renaming."""
    family = parts.find_family(request, family_id)
    if request.method != "POST":
        if not wants_fragment(request):
            return redirect(parts.edit_address(family, "name"))
        form = None if "closed" in request.GET else NameForm(initial={"name": family.name})
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
    return frame.show_outcome(request, family, outcome, name_form=shown)


def _ask_again(request: SignedInRequest, family: Family, form: NameForm) -> HttpResponse:
    if wants_fragment(request):
        context = parts.name_context(request, family, form)
        return render(request, "families/_family_name.html", context, status=422)
    return frame.render_people(request, family, name_form=form, status=422)
