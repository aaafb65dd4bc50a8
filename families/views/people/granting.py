"""Families given to a family admin: more of them, other days, and taken back."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from families.forms.people import MOST_FAMILIES, TermForm
from families.models import Family
from families.selectors.people import GrantLine, find_grant
from families.services import people
from families.services.people import Gone, GrantOver, TermRefused
from families.views.outcomes import Outcome
from families.views.parts import find_family
from families.views.people import parts
from portal.accounts.models import User
from portal.accounts.people import PersonRefused
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web.pages import render_page


def grant_begin(request: SignedInRequest, person_id: str) -> HttpResponse:
    """The form that gives families to a family admin, and the giving: all of them or none."""
    person = parts.find_to_change(request, person_id)
    if not person.is_family_admin:
        return redirect("families:person_detail", person.public_id)
    if request.method != "POST":
        return _show_begin(request, person, TermForm(), [])
    families = parts.find_families(request)
    if "find" in request.POST:
        return _show_begin(request, person, TermForm(initial=request.POST.dict()), families)
    form = TermForm(request.POST)
    problem = ""
    if not families:
        problem = _("Choose at least one family.")
    elif len(families) > MOST_FAMILIES:
        problem = _("At most %(limit)d families at a time.") % {"limit": MOST_FAMILIES}
    if form.is_valid() and not problem:
        try:
            people.begin_grants(By.person(request.user), person, families, form.term)
        except Gone:
            raise Http404 from None
        except TermRefused as refused:
            form.add_error(refused.field, str(refused))
        except PersonRefused as refused:
            problem = str(refused)
        else:
            return _done(request, person, _("%(person)s has more families now.") % {"person": person})
    return _show_begin(request, person, form, families, problem, 422)


def grant_change(request: SignedInRequest, person_id: str, family_id: str) -> HttpResponse:
    """The form for the days of one family, and the change."""
    person = parts.find_to_change(request, person_id)
    family = find_family(request, family_id)
    line = find_grant(request.user, person, family)
    if line is None:
        raise Http404
    if request.method != "POST":
        initial = {"ends_on": line.last_day, "may_invite": line.grant.may_invite}
        if line.state == "coming":
            initial["starts_on"] = line.first_day
        return _show_change(request, person, line, TermForm(initial=initial))
    form = TermForm(request.POST)
    if form.is_valid():
        try:
            people.change_grant(By.person(request.user), person, family, form.term)
        except (Gone, GrantOver):
            raise Http404 from None
        except TermRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return _done(request, person, _("The days of “%(family)s” are changed.") % {"family": family})
    return _show_change(request, person, line, form, 422)


def grant_end(request: SignedInRequest, person_id: str, family_id: str) -> HttpResponse:
    """Take a family back from a family admin, at once."""
    person = parts.find_to_change(request, person_id)
    family = find_family(request, family_id)
    if find_grant(request.user, person, family) is None:
        raise Http404
    done = _("%(person)s does not look after “%(family)s” any more.") % {"person": person, "family": family}
    return parts.changing(
        request, person, lambda: people.end_grant(By.person(request.user), person, family), done
    )


def _show_begin(
    request: SignedInRequest,
    person: User,
    form: TermForm,
    families: list[Family],
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    chosen = parts.chooser_context(request, [family.public_id for family in families])
    context = {"person": person, "form": form, "family_error": problem, **chosen}
    return render_page(request, "families/grant_begin.html", "families/_grant_begin.html", context, status)


def _show_change(
    request: SignedInRequest, person: User, line: GrantLine, form: TermForm, status: int = 200
) -> HttpResponse:
    if line.state != "coming":
        # What has begun keeps its beginning.
        del form.fields["starts_on"]
    context = {"person": person, "line": line, "form": form}
    return render_page(request, "families/grant_change.html", "families/_grant_change.html", context, status)


def _done(request: SignedInRequest, person: User, title: str) -> HttpResponse:
    address = reverse("families:person_detail", args=[person.public_id])
    return parts.leave(request, address, Outcome("ok", title, ""))
