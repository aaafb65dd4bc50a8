"""A family admin lets another member of the family into the portal."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from families.models import Member
from families.services import people
from families.views.parts import find_family, portal_purpose
from portal.accounts.mails import are_shown_here
from portal.accounts.people import PersonRefused
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web import wordings
from portal.web.errors import trouble
from portal.web.presses import PressInvalid, read_press


def person_invite_member(request: SignedInRequest, family_id: str, member_id: str) -> HttpResponse:
    """Invite a member to look after the family, too; then back to it."""
    family = find_family(request, family_id)
    member = Member.objects.filter(family=family, gone_at=None, public_id=member_id).first()
    if member is None:
        raise Http404
    try:
        press = read_press(request.POST.get("press", ""), request.user.id, portal_purpose(member))
        sent = people.invite_member(By.person(request.user), family, member, press=press)
    except PressInvalid:
        return trouble(request, wordings.page_was_old(_("Load it again, then invite.")), status=422)
    except PersonRefused as refused:
        return trouble(request, str(refused), title=_("Nobody was invited"), status=422)
    if sent.link and are_shown_here():
        context = {"family": family, "person": sent.person, "link": sent.link}
        return render(request, "families/person_invited.html", context)
    if sent.invitation is None and not sent.is_repeat:
        words = _("%(person)s looks after this family now.")
    elif sent.link and not sent.is_mailed:
        words = _("%(person)s stands here, but the mail could not be sent. Invite them again in a moment.")
    else:
        words = _("%(person)s was invited to Gatehouse. The link works once, within 72 hours.")
    level = messages.WARNING if sent.link and not sent.is_mailed else messages.SUCCESS
    messages.add_message(request, level, words % {"person": sent.person})
    return redirect(reverse("families:family_detail", args=[family.public_id]) + "#family-access")
