"""The rights of one member, changed in place, with the way back; and the table, once it was read again."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from families import selectors
from families.models import Family
from families.selectors.members import members_as_of
from families.services.members import changing
from families.views import frame, parts
from families.views.members import telling
from families.views.members.parts import find_member
from families.views.members.table import OTHER, Undo, rights_purpose, table_context
from families.views.outcomes import Outcome, say
from portal.accounts.requests import SignedInRequest
from portal.web.pages import wants_fragment
from portal.web.presses import new_press, read_press


def member_rights(request: SignedInRequest, family_id: str, member_id: str) -> HttpResponse:
    """Gives a member other rights. ``was`` is what whoever pressed has seen."""
    family = parts.find_family(request, family_id)
    member = find_member(request, family, member_id)
    if request.method != "POST":
        return redirect("families:family_detail", family.public_id)
    began = timezone.now()
    auth, was = request.POST.get("auth", ""), request.POST.get("was", "")
    outcome = telling.outcome_of(
        lambda: changing.change_rights(
            request.user,
            member=member,
            auth=auth,
            was=was,
            press=read_press(request.POST.get("press", ""), request.user.id, rights_purpose(member)),
        ),
        telling.of_rights(member, auth),
    )
    # Unless they were something that nobody can be made.
    may_undo = outcome.is_done and was in OTHER
    if wants_fragment(request):
        context = _table(request, family, outcome, began)
        if may_undo:
            context["undo"] = Undo(member, was, new_press(request.user.id, rights_purpose(member)))
        response = render(request, "families/_member_changed.html", context, status=outcome.status)
        if outcome.is_done:
            response["HX-Trigger"] = "member-changed"
        return response
    if outcome.is_done:
        say(request, outcome)
        address = reverse("families:family_detail", args=[family.public_id])
        return redirect(f"{address}?changed={member.public_id}" if may_undo else address)
    return frame.render_people(request, family, status=outcome.status, people_outcome=outcome)


def member_list(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The table of people once it was read later than ``since``; 204 until then. Its page is the family's."""
    family = parts.find_family(request, family_id)
    if not wants_fragment(request):
        return redirect("families:family_detail", family.public_id)
    read_at, since = members_as_of(family), _moment(request.GET.get("since", ""))
    if read_at is None or (since is not None and read_at <= since):
        return HttpResponse(status=204)
    return render(request, "families/_family_people.html", _table(request, family))


def _table(
    request: SignedInRequest,
    family: Family,
    outcome: Outcome | None = None,
    began: datetime | None = None,
) -> dict[str, Any]:
    """The table as it is now; where something may have changed and was not read back, it waits for that."""
    overview = selectors.get_overview(request.user, family)
    may_act = parts.may_act(request, family)
    context: dict[str, Any] = {
        "family": family,
        "overview": overview,
        "may_act": may_act,
        "outcome": outcome,
        **table_context(request, family, overview.people, may_act=may_act),
    }
    read_at = context["members_read_at"]
    if (
        outcome is not None
        and outcome.status in {200, 502}
        and began
        and (read_at is None or read_at < began)
    ):
        context["waits_since"] = read_at.isoformat() if read_at else "never"
    return context


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and timezone.is_aware(found) else None
