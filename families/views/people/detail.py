"""One person: what they are and reach, and whether they may sign in."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from families.forms.people import EVERYTHING, SOME, StandingForm
from families.selectors.people import get_person_overview
from families.services import people
from families.services.people import Gone, TermRefused
from families.views.outcomes import Outcome
from families.views.people import parts
from portal.accounts.models import User
from portal.accounts.people import PersonRefused
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web.pages import render_page


def person_detail(request: SignedInRequest, person_id: str) -> HttpResponse:
    """A person: state, role, what they reach, and what can be done about it."""
    person = parts.find_person(request, person_id)
    context = parts.detail_context(request, person)
    return render_page(request, "families/person_detail.html", "families/_person_detail.html", context)


def person_change(request: SignedInRequest, person_id: str) -> HttpResponse:
    """The form for a role and what it reaches, and the change."""
    person = parts.find_to_change(request, person_id)
    if request.method != "POST":
        return _show(request, person, _form(request, person))
    form = _form(request, person)
    if "find" in request.POST:
        return _show(request, person, form)
    if not form.is_valid():
        return _show(request, person, form, 422)
    try:
        people.change_person(By.person(request.user), person, form.standing, name=form.cleaned_data["name"])
    except Gone:
        raise Http404 from None
    except TermRefused as refused:
        form.add_error(refused.field, str(refused))
    except PersonRefused as refused:
        form.add_error("role", str(refused))
    else:
        title = _("%(person)s is changed.") % {"person": form.cleaned_data["name"] or person.email}
        return parts.leave(
            request, reverse("families:person_detail", args=[person.public_id]), Outcome("ok", title, "")
        )
    return _show(request, person, form, 422)


def person_switch_off(request: SignedInRequest, person_id: str) -> HttpResponse:
    """Let somebody sign in no more; they are signed out everywhere at once."""
    person = parts.find_to_change(request, person_id)
    done = _("%(person)s is switched off, and signed out everywhere.") % {"person": person}
    return parts.changing(request, person, lambda: people.switch_off(By.person(request.user), person), done)


def person_switch_on(request: SignedInRequest, person_id: str) -> HttpResponse:
    """Let somebody sign in again."""
    person = parts.find_to_change(request, person_id)
    done = _("%(person)s can sign in again.") % {"person": person}
    return parts.changing(request, person, lambda: people.switch_on(By.person(request.user), person), done)


def person_reset_factor(request: SignedInRequest, person_id: str) -> HttpResponse:
    """Take the second factors of somebody who lost theirs; they sign in with their password and set up another."""
    person = parts.find_to_change(request, person_id)
    done = _("The second factor of %(person)s is gone. They set up another when they sign in.") % {
        "person": person
    }
    return parts.changing(
        request, person, lambda: people.reset_second_factor(By.person(request.user), person), done
    )


def _form(request: SignedInRequest, person: User) -> StandingForm:
    """The form as it was sent, or filled with what the person is. Foreign properties and families are a 404."""
    if request.method != "POST":
        overview = get_person_overview(request.user, person)
        reach = "" if person.is_family_admin else SOME if person.is_limited else EVERYTHING
        initial = {"name": person.name, "role": person.role, "reach": reach}
        return StandingForm(
            request.user,
            initial=initial,
            properties=overview.properties,
            keeps_families=person.is_family_admin,
        )
    properties, families = parts.find_properties(request), parts.find_families(request)
    if "find" in request.POST:
        return StandingForm(
            request.user,
            initial=request.POST.dict(),
            properties=properties,
            families=families,
            keeps_families=person.is_family_admin,
        )
    return StandingForm(
        request.user,
        request.POST,
        properties=properties,
        families=families,
        keeps_families=person.is_family_admin,
    )


def _show(request: SignedInRequest, person: User, form: StandingForm, status: int = 200) -> HttpResponse:
    context = parts.standing_context(request, form) | {"person": person}
    return render_page(
        request, "families/person_change.html", "families/_person_change.html", context, status
    )
