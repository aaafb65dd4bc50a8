"""What the views of members share: finding whom it is about, and answering with what became of it."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from families.models import Family, Member
from families.selectors import members as selectors
from families.views.outcomes import Outcome, say
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.pages import lead, render_page, wants_fragment


def find_member(request: SignedInRequest, family: Family, member_id: str) -> Member:
    """The member of this family, perhaps one who is gone, or a 404."""
    try:
        return selectors.get_member(request.user, family, member_id)
    except Member.DoesNotExist:
        raise Http404 from None


def find_members(request: SignedInRequest, family: Family, ids: list[str]) -> list[Member]:
    """The members that were chosen, by name; a 404 where one is not of this family."""
    try:
        return selectors.choose_members(request.user, family, ids)
    except Member.DoesNotExist:
        raise Http404 from None


def show(
    request: SignedInRequest,
    page: str,
    fragment: str,
    context: dict[str, Any],
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """A page with a form on it, and above it what became of the form, if it was sent; then its status counts.

    For htmx a 502 or 503 is put into the notices: the words come first, and the form beside them out of band.
    """
    if outcome is None:
        return render_page(request, page, fragment, context, status)
    if wants_fragment(request) and outcome.status in {502, 503}:
        context |= {"outcome": outcome, "fragment": fragment, "is_oob": True}
        return render(request, "families/_member_answered.html", context, status=outcome.status)
    context["outcome"] = outcome
    return render_page(request, page, fragment, context, outcome.status)


def leave(request: SignedInRequest, outcome: Outcome, address: str) -> HttpResponse:
    """It is done: the browser goes to ``address``, where it is said."""
    say(request, outcome)
    return lead(request, address)


def address_after(user: User, family: Family) -> str:
    """Where somebody goes after a change: the family's page, or their families where it is theirs no more."""
    if Family.objects.visible_to(user).filter(pk=family.pk).exists():
        return reverse("families:family_detail", args=[family.public_id])
    return reverse("families:family_list")


def link_to(user: User, view: str, family: Family) -> str:
    """The address of a view of the family that another part of the portal may have; "" for who may not go there."""
    if not may_visit(user, view):
        return ""
    try:
        return reverse(view, args=[family.public_id])
    except NoReverseMatch:
        return ""
