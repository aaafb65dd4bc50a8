"""Invitations to join a family."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from families import selectors
from families.forms.families import InviteForm
from families.models import Family, FamilyInvitation, Property
from families.selectors.invitations import (
    AGES,
    STATES,
    InvitationFilter,
    get_invitation,
    list_all_invitations,
)
from families.services import invitations as inviting
from families.services.invitations import AlreadyInvited, AlreadyMember, NotWaiting
from families.services.members.refusals import MemberRefused
from families.views import frame, outcomes, parts
from families.views.outcomes import Outcome, no_audit
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web import wordings
from portal.web.addresses import own_path, with_changes
from portal.web.pages import render_page, wants_fragment
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
    except MemberRefused as refused:
        form.add_error("email", refused.words)
        return _ask_again(request, family, form)
    if outcome.is_refusal:
        form.add_error(None, outcome.sentence)
        return _ask_again(request, family, form)
    shown = form if outcome.keeps_form else None
    if wants_fragment(request):
        context = parts.invite_context(request, family, shown) | parts.invitations_context(request, family)
        context["outcome"] = outcome
        response = render(request, "families/_member_invited.html", context, status=outcome.status)
        if outcome.is_done:
            response["HX-Trigger"] = "member-invited"
        return response
    return frame.show_outcome(request, family, outcome, invite_form=shown)


def invitation_list(request: SignedInRequest) -> HttpResponse:
    """The invitations to all families within one's reach, as filtered by the address; those that wait, the old first."""
    chosen = _filter(request)
    cursor = request.GET.get("after", "")
    found, following = list_all_invitations(request.user, chosen, cursor=cursor)
    context: dict[str, Any] = {
        "rows": [parts.invitation_row(request, pending) for pending in found],
        "chosen": chosen,
        "is_filtered": chosen != InvitationFilter(),
        "list_url": reverse("families:invitation_list"),
        "older_url": with_changes(request, after=following) if following else "",
        "newer_url": with_changes(request, after="") if cursor else "",
        "back": request.get_full_path(),
    }
    if not wants_fragment(request):
        context["properties"] = selectors.list_properties(request.user)
    return render_page(request, "families/invitation_list.html", "families/_invitation_table.html", context)


def invitation_send(request: SignedInRequest, family_id: str, invitation_id: str) -> HttpResponse:
    """Sending an invitation again."""
    family, invitation = _find(request, family_id, invitation_id)
    purpose = parts.again_purpose(invitation)
    try:
        outcome = outcomes.outcome_of(
            lambda: inviting.send_again(
                request.user,
                invitation=invitation,
                press=read_press(request.POST.get("press", ""), request.user.id, purpose),
            ),
            outcomes.of_invitation,
        )
    except AlreadyMember as known:
        title = _("%(name)s is in this family already.") % {"name": known.member.name}
        outcome = Outcome("off", title, _("Nothing was sent."), 422)
    except MemberRefused as refused:
        outcome = Outcome("off", refused.words, "", 422)
    except NotWaiting:
        outcome = _changed_meanwhile()
    return _answer(request, family, outcome)


def invitation_forget(request: SignedInRequest, family_id: str, invitation_id: str) -> HttpResponse:
    """Forgetting an invitation that nobody has accepted."""
    family, invitation = _find(request, family_id, invitation_id)
    title = _("The invitation to %(email)s is forgotten.") % {"email": invitation.email}
    done = Outcome("ok", title, _("It cannot be taken back: whoever has it may still join by it."))
    return _answer(request, family, _mark(request, inviting.forget, invitation, done))


def invitation_keep(request: SignedInRequest, family_id: str, invitation_id: str) -> HttpResponse:
    """Looking after a forgotten invitation again."""
    family, invitation = _find(request, family_id, invitation_id)
    title = _("The invitation to %(email)s is looked after again.") % {"email": invitation.email}
    return _answer(request, family, _mark(request, inviting.keep, invitation, Outcome("ok", title, "")))


def _find(request: SignedInRequest, family_id: str, invitation_id: str) -> tuple[Family, FamilyInvitation]:
    family = parts.find_family(request, family_id)
    try:
        return family, get_invitation(request.user, family, invitation_id)
    except FamilyInvitation.DoesNotExist:
        raise Http404 from None


def _mark(
    request: SignedInRequest, act: Callable[..., None], invitation: FamilyInvitation, done: Outcome
) -> Outcome:
    try:
        act(request.user, invitation=invitation)
    except NotWaiting:
        return _changed_meanwhile()
    except AuditUnavailable:
        return no_audit("done", f"{_('Nothing was changed.')} {wordings.tell_operator()}")
    return done


def _changed_meanwhile() -> Outcome:
    title = _("This invitation was changed since the page was opened.")
    return Outcome("off", title, _("Nothing was done. What is true now is shown."), 422)


def _answer(request: SignedInRequest, family: Family, outcome: Outcome) -> HttpResponse:
    """What became of it, beside the invitations as they are now; without a script on the page that it came from."""
    if not wants_fragment(request):
        outcomes.say(request, outcome)
        page = reverse("families:family_detail", args=[family.public_id])
        return redirect(own_path(request, request.POST.get("back", "")) or f"{page}#family-invitations")
    context = parts.invitations_context(request, family) | {"outcome": outcome}
    return render(request, "families/_invitation_changed.html", context, status=outcome.status)


def _filter(request: SignedInRequest) -> InvitationFilter:
    """The filter of an address. What is unknown or not the person's to see filters nothing away: it is ignored."""
    asked = request.GET
    place = None
    if asked.get("property"):
        place = Property.objects.visible_to(request.user).filter(public_id=asked["property"]).first()
    return InvitationFilter(
        state=asked.get("state", "") if asked.get("state") in STATES else "",
        in_property=place,
        days=int(asked["age"]) if asked.get("age") in AGES else 0,
    )


def _ask_again(request: SignedInRequest, family: Family, form: InviteForm) -> HttpResponse:
    if wants_fragment(request):
        context = parts.invite_context(request, family, form)
        return render(request, "families/_member_invite.html", context, status=422)
    return frame.render_people(request, family, invite_form=form, status=422)
