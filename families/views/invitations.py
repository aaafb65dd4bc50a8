"""Invitations to join a family."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from families import selectors
from families.forms.families import InviteForm
from families.models import Family
from families.services import invitations as inviting
from families.services.invitations import AlreadyInvited, AlreadyMember
from families.views import frame, outcomes, parts
from portal.accounts.requests import SignedInRequest
from portal.web.pages import wants_fragment
from portal.web.presses import read_press


def member_invite(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The form that invites somebody by e-mail, and the inviting."""
    family = parts.find_family(request, family_id)
    if request.method != "POST":
        if not wants_fragment(request):
            return redirect(parts.edit_address(family, "invitation"))
        context = parts.invite_context(request, family, InviteForm())
        return render(request, "families/_member_invite.html", context)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _ask_again(request, family, form)
    try:
        outcome = outcomes.outcome_of(
            lambda: inviting.invite_member(
                request.user,
                family=family,
                email=form.cleaned_data["email"],
                auth=form.cleaned_data["auth"],
                press=read_press(
                    request.POST.get("press", ""), request.user.id, parts.invite_purpose(family)
                ),
                confirmed=form.is_confirmed,
            ),
            outcomes.of_invitation,
        )
    except AlreadyMember as known:
        words = _("%(name)s is in this family already. Nothing was sent.") % {"name": known.member.name}
        form.add_error("email", words)
        return _ask_again(request, family, form)
    except AlreadyInvited as known:
        form.ask(known.invitation)
        return _ask_again(request, family, form)
    if outcome.is_refusal:
        form.add_error(None, outcome.sentence)
        return _ask_again(request, family, form)
    shown = form if outcome.keeps_form else None
    if wants_fragment(request):
        context = parts.invite_context(request, family, shown) | {
            "outcome": outcome,
            "invitations": selectors.list_invitations(request.user, family),
        }
        response = render(request, "families/_member_invited.html", context, status=outcome.status)
        if outcome.is_done:
            response["HX-Trigger"] = "member-invited"
        return response
    return frame.show_outcome(request, family, outcome, invite_form=shown)


def _ask_again(request: SignedInRequest, family: Family, form: InviteForm) -> HttpResponse:
    if wants_fragment(request):
        context = parts.invite_context(request, family, form)
        return render(request, "families/_member_invite.html", context, status=422)
    return frame.render_people(request, family, invite_form=form, status=422)
