"""Adding somebody to a family directly."""

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from families.forms.members import AddForm
from families.models import Family
from families.services.members import adding
from families.services.members.refusals import AlreadyThere
from families.views import parts
from families.views.members import telling
from families.views.members.parts import address_after, leave, show
from families.views.outcomes import Outcome, outcome_of
from portal.accounts.requests import SignedInRequest
from portal.connections.calling import Performed
from portal.web.presses import new_press, read_press


@sensitive_post_parameters("password")
@sensitive_variables("form")
def member_create(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The form that adds somebody without an invitation, and the adding."""
    family = parts.find_family(request, family_id)
    if request.method != "POST":
        return _show(request, family, AddForm())
    form = AddForm(request.POST)
    if not form.is_valid():
        return _show(request, family, form, status=422)
    try:
        outcome = outcome_of(lambda: _create(request, family, form), telling.of_adding(family))
    except AlreadyThere as known:
        form.add_error("email", known.words)
        return _show(request, family, form, status=422)
    if outcome.is_done:
        return leave(request, outcome, address_after(request.user, family))
    if not outcome.keeps_form and not outcome.is_refusal:
        # It may have been done: the same again would be a second one.
        form = AddForm()
    return _show(request, family, form, outcome)


@sensitive_variables("form")
def _create(request: SignedInRequest, family: Family, form: AddForm) -> Performed:
    said = form.cleaned_data
    return adding.create_member(
        request.user,
        family=family,
        first_name=said["first_name"],
        last_name=said["last_name"],
        email=said["email"],
        auth=said["auth"],
        password=said["password"],
        press=read_press(request.POST.get("press", ""), request.user.id, _purpose(family)),
    )


@sensitive_variables("form")
def _show(
    request: SignedInRequest,
    family: Family,
    form: AddForm,
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    if form.is_bound:
        form.say_again()
    context = {"family": family, "form": form, "press": new_press(request.user.id, _purpose(family))}
    page = "families/member_create.html", "families/_member_create.html"
    return show(request, *page, context, outcome, status=status)


def _purpose(family: Family) -> str:
    return f"add:{family.public_id}"
