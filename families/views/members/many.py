"""Several members at once: who was chosen is listed and confirmed, and afterwards told one by one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from families.models import Family, Member
from families.selectors import rights_of
from families.services.members import changing, removing
from families.services.members.batches import Batch
from families.services.members.household import GIVEN
from families.views import parts
from families.views.members import telling
from families.views.members.parts import address_after, find_members, show
from families.views.members.removal import stays_context
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.connections.calling import Performed
from portal.web.presses import new_press, read_press


def member_rights_of_many(request: SignedInRequest, family_id: str) -> HttpResponse:
    """Lists the members chosen and what they would become, and gives them these rights."""
    family = parts.find_family(request, family_id)
    asked = request.POST if request.method == "POST" else request.GET
    members = find_members(request, family, asked.getlist("member"))
    auth = asked.get("auth", "")
    if not members or auth not in GIVEN:
        return _choose_first(request, family)
    purpose = f"rights-of-many:{family.public_id}"
    context = {"auth": auth, "rights": rights_of(auth), "members": members}
    page = "families/member_rights_of_many.html", "families/_member_rights_of_many.html"
    if request.method != "POST":
        return _ask(request, family, purpose, page, context)
    was = {member: request.POST.get(f"was-{member.public_id}", "") for member in members}
    batch, outcome = _do(
        lambda: changing.change_rights_of_many(
            request.user,
            family=family,
            wanted=dict.fromkeys(members, auth),
            was=was,
            press=read_press(request.POST.get("press", ""), request.user.id, purpose),
        )
    )
    if batch is None:
        # As they are now: whoever comes second sees it.
        context["members"] = find_members(request, family, asked.getlist("member"))
        return _ask(request, family, purpose, page, context, outcome)
    context["back"] = _back(batch, was)
    return _tell(request, family, batch, outcome, context)


def member_remove_many(request: SignedInRequest, family_id: str) -> HttpResponse:
    """Lists the members chosen and what stays of them, and removes them."""
    family = parts.find_family(request, family_id)
    asked = request.POST if request.method == "POST" else request.GET
    members = find_members(request, family, asked.getlist("member"))
    if not members:
        return _choose_first(request, family)
    purpose = f"remove-many:{family.public_id}"
    context = {"members": members}
    page = "families/member_remove_many.html", "families/_member_remove_many.html"
    if request.method != "POST":
        return _ask(request, family, purpose, page, context | stays_context(request, family, members))
    batch, outcome = _do(
        lambda: removing.remove_members(
            request.user,
            family=family,
            members=members,
            press=read_press(request.POST.get("press", ""), request.user.id, purpose),
        )
    )
    if batch is None:
        context["members"] = find_members(request, family, asked.getlist("member"))
        return _ask(
            request, family, purpose, page, context | stays_context(request, family, members), outcome
        )
    return _tell(request, family, batch, outcome, context)


def _do(act: Callable[[], Batch]) -> tuple[Batch | None, Outcome]:
    """The batch with what became of it; without one where it was refused before anything was sent, or is lost."""
    batches: list[Batch] = []

    def keep() -> Performed:
        batches.append(act())
        return batches[0].performed

    outcome = telling.outcome_of(keep, telling.of_lost_batch)
    if not batches:
        return None, outcome
    return batches[0], telling.of_batch(batches[0])


def _choose_first(request: SignedInRequest, family: Family) -> HttpResponse:
    messages.info(request, _("Choose at least one person, and what is to become of them."))
    return redirect("families:family_detail", family.public_id)


def _ask(
    request: SignedInRequest,
    family: Family,
    purpose: str,
    page: tuple[str, str],
    context: dict[str, Any],
    outcome: Outcome | None = None,
) -> HttpResponse:
    context |= {"family": family, "press": new_press(request.user.id, purpose)}
    return show(request, *page, context, outcome)


def _tell(
    request: SignedInRequest, family: Family, batch: Batch, outcome: Outcome, context: dict[str, Any]
) -> HttpResponse:
    context |= {
        "family": family,
        "batch": batch,
        "left": [row.member for row in batch.rows if row.state != "done"],
        "done_url": address_after(request.user, family),
    }
    return show(request, "families/member_results.html", "families/_member_results.html", context, outcome)


def _back(batch: Batch, was: dict[Member, str]) -> list[Member]:
    """Who can be given back the rights they had: those for whom it was done."""
    before = {member.pk: auth for member, auth in was.items()}
    done = [row.member for row in batch.rows if row.state == "done"]
    return [member for member in done if before[member.pk] in GIVEN and before[member.pk] != member.auth]
