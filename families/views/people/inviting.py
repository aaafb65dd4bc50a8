"""Inviting people to the portal, inviting them again, and taking an invitation back."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from families.forms.people import InvitePersonForm
from families.models import Family
from families.scope import visible_people
from families.services import people
from families.services.people import AlreadyThere, Gone, HasJoined, TermRefused
from families.views.outcomes import Outcome
from families.views.people import parts
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web import wordings
from portal.web.pages import render_page
from portal.web.presses import PressInvalid, new_press, read_press

PURPOSE = "invite-person"


def person_invite(request: SignedInRequest) -> HttpResponse:
    """The form that invites somebody to the portal, and the inviting."""
    if request.method != "POST":
        return _show(request, InvitePersonForm(request.user, **_offered(request)))
    properties, families = parts.find_properties(request), parts.find_families(request)
    is_search = "find" in request.POST
    form = InvitePersonForm(request.user, request.POST, properties=properties, families=families)
    if is_search:
        # Somebody without a script looks for families: what they typed stays, and nothing is sent.
        form = InvitePersonForm(
            request.user, initial=request.POST.dict(), properties=properties, families=families
        )
        return _show(request, form)
    if not form.is_valid():
        return _show(request, form, status=422)
    try:
        sent = people.invite_person(
            By.person(request.user),
            form.cleaned_data["email"],
            form.standing,
            name=form.cleaned_data["name"],
            press=read_press(request.POST.get("press", ""), request.user.id, PURPOSE),
        )
    except PressInvalid:
        form.add_error(
            None, wordings.old_page(_("Nothing was sent, and what you typed is kept: send it again."))
        )
    except AlreadyThere as there:
        form.add_error("email", _known(request.user, there.person))
    except TermRefused as refused:
        form.add_error(refused.field, str(refused))
    except PersonRefused as refused:
        form.add_error("email", str(refused))
    else:
        return parts.show_sent(request, sent)
    return _show(request, form, status=422)


def person_invite_again(request: SignedInRequest, person_id: str) -> HttpResponse:
    """Another link for somebody who has not joined; the one before is dead from now on."""
    person = parts.find_to_change(request, person_id)
    try:
        press = read_press(request.POST.get("press", ""), request.user.id, parts.again_purpose(person))
        sent = people.resend_invitation(By.person(request.user), person, press=press)
    except PressInvalid:
        words = _("Nothing was sent. Press once more.")
        return parts.show_person(request, person, Outcome("off", wordings.page_was_old(), words, 422))
    except Gone:
        raise Http404 from None
    except HasJoined as joined:
        return parts.show_person(request, person, Outcome("off", _("Nothing was sent."), str(joined), 422))
    return parts.show_sent(request, sent)


def person_revoke(request: SignedInRequest, person_id: str) -> HttpResponse:
    """Take an invitation back: the link is dead, and the person is gone from the list."""
    person = parts.find_to_change(request, person_id)
    try:
        people.revoke_invitation(By.person(request.user), person)
    except Gone:
        raise Http404 from None
    except HasJoined as joined:
        words = _("%(words)s Switch them off instead.") % {"words": joined}
        return parts.show_person(request, person, Outcome("off", _("Nothing was taken back."), words, 422))
    title = _("The invitation of %(email)s is taken back.") % {"email": person.email}
    return parts.leave(request, reverse("families:person_list"), Outcome("ok", title, _("Its link is dead.")))


def _show(request: SignedInRequest, form: InvitePersonForm, status: int = 200) -> HttpResponse:
    context = parts.standing_context(request, form) | {"press": new_press(request.user.id, PURPOSE)}
    return render_page(
        request, "families/person_invite.html", "families/_person_invite.html", context, status
    )


def _offered(request: SignedInRequest) -> dict[str, Any]:
    """What a link to this page fills in: an address, and a family to look after."""
    offered = Family.objects.visible_to(request.user).filter(gone_at=None).select_related("property")
    families = list(offered.filter(public_id=request.GET.get("family", "")))
    initial = {"email": request.GET.get("email", ""), "name": request.GET.get("name", "")}
    return {"families": families, "initial": initial | ({"role": Role.FAMILY_ADMIN} if families else {})}


def _known(user: User, person: User) -> str:
    """Who has the address already, with the way there; only for those who may see them."""
    if not visible_people(user).filter(pk=person.pk).exists():
        return _(
            "Somebody with this address is in Gatehouse already. A manager who sees everything can tell you more."
        )
    if person.joined_at is None:
        words = _("%(who)s was invited already. Send another link there.")
    else:
        words = _("%(who)s is in Gatehouse already. Change there what they reach.")
    link = format_html(
        '<a href="{}"><bdi>{}</bdi></a>', reverse("families:person_detail", args=[person.public_id]), person
    )
    return format_html(words.replace("%(who)s", "{}"), link)
