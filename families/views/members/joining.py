"""Joining a family with the account of a connection."""

from django.http import HttpResponse
from django.urls import reverse

from families.forms.members import JoinForm
from families.models import Family
from families.services.members import joining
from families.views.members import telling
from families.views.members.parts import leave, show
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.connections.models import Connection
from portal.web.presses import new_press, read_press

PURPOSE = "join"


def family_join(request: SignedInRequest) -> HttpResponse:
    """The form that asks which family, with whose account, and the joining; ``family`` and ``connection`` fill it."""
    connections = list(
        Connection.objects.visible_to(request.user)
        .of_the_organisation()
        .there()
        .without_secrets()
        .order_by("name")
    )
    if request.method != "POST":
        return _show(request, connections, JoinForm(connections, initial=_wanted(request)))
    form = JoinForm(connections, request.POST)
    if not form.is_valid():
        return _show(request, connections, form, status=422)
    said = form.cleaned_data
    outcome = telling.outcome_of(
        lambda: joining.join_family(
            request.user,
            connection=form.chosen,
            residence_id=said["residence_id"],
            auth=said["auth"],
            press=read_press(request.POST.get("press", ""), request.user.id, PURPOSE),
        ),
        telling.of_join(form.chosen.name),
    )
    if outcome.is_done:
        return leave(request, outcome, _address(request, said["residence_id"]))
    return _show(request, connections, form, outcome)


def _wanted(request: SignedInRequest) -> dict[str, str]:
    family = Family.objects.visible_to(request.user).filter(public_id=request.GET.get("family", "")).first()
    return {
        "residence_id": family.residence_id if family else "",
        "connection": request.GET.get("connection", ""),
    }


def _address(request: SignedInRequest, residence_id: str) -> str:
    """The page of a family that is known already, else the list, where it will appear."""
    family = Family.objects.visible_to(request.user).filter(residence_id=residence_id).first()
    if family is None:
        return reverse("families:family_list")
    return reverse("families:family_detail", args=[family.public_id])


def _show(
    request: SignedInRequest,
    connections: list[Connection],
    form: JoinForm,
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "connections": connections, "press": new_press(request.user.id, PURPOSE)}
    page = "families/family_join.html", "families/_family_join.html"
    return show(request, *page, context, outcome, status=status)
