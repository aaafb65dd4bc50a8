"""The people of a family."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from families import selectors
from families.forms import InviteForm
from families.models import Family
from families.services import invitations
from families.services.acting import NoConnection
from families.services.invitations import AlreadyInvited, AlreadyMember
from families.views import outcomes, parts
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.web.access import policy
from portal.web.pages import wants_fragment
from portal.web.presses import PressInvalid, read_press


@policy(*parts.ACTORS, methods=("GET", "POST"))
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
        press = read_press(request.POST.get("press", ""), request.user.id, parts.invite_purpose(family))
        performed = invitations.invite_member(
            request.user,
            family=family,
            email=form.cleaned_data["email"],
            auth=form.cleaned_data["auth"],
            press=press,
            confirmed=form.is_confirmed,
        )
    except PressInvalid:
        form.add_error(None, outcomes.old_page())
        return _ask_again(request, family, form)
    except AlreadyMember as known:
        form.add_error(
            "email", _("%(name)s is in this family already. Nothing was sent.") % {"name": known.member.name}
        )
        return _ask_again(request, family, form)
    except AlreadyInvited as known:
        form.ask(known.invitation)
        return _ask_again(request, family, form)
    except AuditUnavailable:
        outcome = outcomes.no_audit()
    except NoConnection:
        outcome = outcomes.no_connection()
    except OutcomeNotRecorded as lost:
        outcome = outcomes.of_invitation(lost.command, is_lost=True)
    else:
        outcome = outcomes.of_invitation(performed.command)
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
    return parts.show_outcome(request, family, outcome, invite_form=shown)


def _ask_again(request: SignedInRequest, family: Family, form: InviteForm) -> HttpResponse:
    if wants_fragment(request):
        context = parts.invite_context(request, family, form)
        return render(request, "families/_member_invite.html", context, status=422)
    context = parts.page_context(request, family, invite_form=form)
    return render(request, "families/family_detail.html", context, status=422)
