"""Taking one member out of a family: asked first, with what stays."""

from typing import Any

from django.http import HttpResponse

from families.models import Family, Member, Rights
from families.selectors.members import what_stays
from families.services.members import removing
from families.views import parts
from families.views.members import telling
from families.views.members.parts import address_after, find_member, leave, link_to, show
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.web.presses import new_press, read_press


def member_remove(request: SignedInRequest, family_id: str, member_id: str) -> HttpResponse:
    """Asks whether to remove a member, saying what else should go, and removes them."""
    family = parts.find_family(request, family_id)
    member = find_member(request, family, member_id)
    if request.method != "POST":
        return _show(request, family, member)
    outcome = telling.outcome_of(
        lambda: removing.remove_member(
            request.user,
            member=member,
            press=read_press(request.POST.get("press", ""), request.user.id, remove_purpose(member)),
        ),
        telling.of_removal(member),
    )
    if outcome.is_done:
        return leave(request, outcome, address_after(request.user, family))
    return _show(request, family, member, outcome)


def remove_purpose(member: Member) -> str:
    """What a press that removes a member is signed for."""
    return f"remove:{member.public_id}"


def stays_context(request: SignedInRequest, family: Family, members: list[Member]) -> dict[str, Any]:
    """What families/_member_stays.html takes."""
    return {
        "stays": what_stays(request.user, family, members),
        "passes_url": link_to(request.user, "access:family_passes", family),
        "move_out_url": link_to(request.user, "access:move_out_create", family),
    }


def _show(
    request: SignedInRequest, family: Family, member: Member, outcome: Outcome | None = None
) -> HttpResponse:
    context = {
        "family": family,
        "member": member,
        # An owner is asked to hand the family over; a form would be refused.
        "is_owner": member.auth == Rights.ADMIN,
        "press": new_press(request.user.id, remove_purpose(member)),
        **stays_context(request, family, [member]),
    }
    return show(request, "families/member_remove.html", "families/_member_remove.html", context, outcome)
