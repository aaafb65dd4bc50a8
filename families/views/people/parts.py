"""What the views of people share: finding them, reading what was chosen for them, and what their templates take."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from families.forms.people import StandingForm, TermForm
from families.models import Family, Property
from families.scope import may_manage
from families.selectors import list_properties
from families.selectors.people import choose_families, get_person, get_person_overview
from families.services.people import Gone, Sent
from families.views.outcomes import Outcome
from portal.accounts.mails import are_shown_here
from portal.accounts.models import User
from portal.accounts.people import PersonRefused
from portal.accounts.requests import SignedInRequest
from portal.web.pages import lead, render_page, wants_fragment
from portal.web.presses import new_press

SEARCH_LENGTH = 200


def find_person(request: SignedInRequest, person_id: str) -> User:
    """The person, or a 404 unless they are this manager's to see."""
    try:
        return get_person(request.user, person_id)
    except User.DoesNotExist:
        raise Http404 from None


def find_to_change(request: SignedInRequest, person_id: str) -> User:
    """The same, to be changed: one never is oneself. The services check again."""
    person = find_person(request, person_id)
    if not may_manage(request.user, person):
        raise PermissionDenied
    return person


def find_families(request: SignedInRequest) -> list[Family]:
    """The families named in the form, each once; a 404 for one that is not this manager's, and nothing is changed."""
    wanted = list(dict.fromkeys(request.POST.getlist("family")))
    found = {
        family.public_id: family
        for family in Family.objects.visible_to(request.user)
        .filter(public_id__in=wanted, gone_at=None)
        .select_related("property")
    }
    if len(found) != len(wanted):
        raise Http404
    return [found[one] for one in wanted]


def find_properties(request: SignedInRequest) -> list[Property]:
    """The same for properties."""
    wanted = list(dict.fromkeys(request.POST.getlist("property")))
    found = list(Property.objects.visible_to(request.user).filter(public_id__in=wanted).order_by("name"))
    if len(found) != len(wanted):
        raise Http404
    return found


def chooser_context(request: SignedInRequest, chosen: Sequence[str]) -> dict[str, Any]:
    """What families/_person_families.html takes. ``family_q`` is what was typed to find more."""
    query = request.POST if request.method == "POST" else request.GET
    return {
        "choice": choose_families(request.user, chosen, query.get("family_q", "").strip()[:SEARCH_LENGTH])
    }


def standing_context(request: SignedInRequest, form: StandingForm) -> dict[str, Any]:
    """What families/_person_standing.html takes."""
    return {
        "form": form,
        "properties": list_properties(request.user),
        "chosen_properties": {one.public_id for one in form.properties},
        **chooser_context(request, [one.public_id for one in form.families]),
    }


def again_purpose(person: User) -> str:
    """What a press that sends another invitation is signed for."""
    return f"invite-again:{person.public_id}"


def detail_context(request: SignedInRequest, person: User, **more: Any) -> dict[str, Any]:
    """What families/_person_detail.html takes."""
    return {
        "person": person,
        "overview": get_person_overview(request.user, person),
        "again_press": new_press(request.user.id, again_purpose(person)),
        "term_form": TermForm(),
        **chooser_context(request, []),
        **more,
    }


def show_person(request: SignedInRequest, person: User, notice: Outcome, **more: Any) -> HttpResponse:
    """What became of a change: the person's page as it is now, with a notice.

    Without a script one comes back to it, unless something is told there that is told only once.
    """
    still = User.objects.filter(pk=person.pk).first()
    if still is None or not (still.pk == request.user.pk or may_manage(request.user, still)):
        return leave(request, reverse("families:person_list"), notice)
    if not wants_fragment(request) and notice.is_done and not more:
        return leave(request, reverse("families:person_detail", args=[person.public_id]), notice)
    context = detail_context(request, still, **more) | {"outcome": notice}
    if not wants_fragment(request):
        context["notices"] = [notice]
    page = "families/_person_changed.html"
    response = render_page(request, "families/person_detail.html", page, context, status=notice.status)
    response["HX-Push-Url"] = reverse("families:person_detail", args=[person.public_id])
    return response


def leave(request: SignedInRequest, address: str, notice: Outcome) -> HttpResponse:
    """To another page, which says what became of it."""
    level = messages.SUCCESS if notice.is_done else messages.WARNING
    messages.add_message(request, level, notice.sentence)
    return lead(request, address)


def show_sent(request: SignedInRequest, sent: Sent) -> HttpResponse:
    """What became of an invitation. The link stands on the page where no mail leaves this machine, and only now."""
    person = sent.person
    if sent.is_repeat:
        words = _("It was sent already, and is not sent twice. For another link, send a new one.")
        return show_person(
            request, person, Outcome("ok", _("%(email)s was invited.") % {"email": person.email}, words)
        )
    more = {"link": sent.link} if are_shown_here() and sent.link else {}
    if more:
        words = _("No mail leaves this machine: give them the link yourself. It is shown once.")
    elif sent.is_mailed:
        words = _("The link works once, within 72 hours.")
    else:
        words = _("The mail could not be sent. What was chosen is kept: send a new link in a moment.")
        title = _("%(email)s stands here, and does not know it yet.") % {"email": person.email}
        return show_person(request, person, Outcome("warn", title, words))
    return show_person(
        request, person, Outcome("ok", _("%(email)s was invited.") % {"email": person.email}, words), **more
    )


def changing(request: SignedInRequest, person: User, change: Callable[[], object], done: str) -> HttpResponse:
    """Do a change that needs no form, and say what became of it."""
    try:
        change()
    except Gone:
        raise Http404 from None
    except PersonRefused as refused:
        return show_person(request, person, Outcome("bad", _("Nothing was changed."), str(refused), 422))
    return show_person(request, person, Outcome("ok", done, ""))
