"""Handing a family to another owner."""

from django.http import HttpResponse

from families.forms.members import HandOverForm
from families.models import Family, Member, Rights
from families.services.members import handing
from families.views import parts
from families.views.members import telling
from families.views.members.parts import address_after, leave, show
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.web.presses import new_press, read_press


def family_hand_over(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The form that asks who owns the family next, and the handing over."""
    family = parts.find_family(request, family_id)
    members = list(Member.objects.filter(family=family, gone_at=None).order_by("search_text", "pk"))
    owners = [member for member in members if member.auth == Rights.ADMIN]
    others = [member for member in members if member.auth != Rights.ADMIN]
    if request.method != "POST":
        return _show(request, family, owners, HandOverForm(others))
    form = HandOverForm(others, request.POST)
    if not form.is_valid():
        return _show(request, family, owners, form, status=422)
    member = form.chosen
    outcome = telling.outcome_of(
        lambda: handing.hand_over(
            request.user,
            member=member,
            press=read_press(request.POST.get("press", ""), request.user.id, _purpose(family)),
        ),
        telling.of_hand_over(member, owners),
    )
    if outcome.is_done:
        return leave(request, outcome, address_after(request.user, family))
    return _show(request, family, owners, form, outcome)


def _show(
    request: SignedInRequest,
    family: Family,
    owners: list[Member],
    form: HandOverForm,
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "family": family,
        "owners": owners,
        "form": form,
        "press": new_press(request.user.id, _purpose(family)),
    }
    page = "families/family_hand_over.html", "families/_family_hand_over.html"
    return show(request, *page, context, outcome, status=status)


def _purpose(family: Family) -> str:
    return f"hand-over:{family.public_id}"
