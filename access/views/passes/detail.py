"""The page of one pass, and the words that we say of it."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from access.forms.handing import PassWordsForm
from access.models import TempKey
from access.services.passes import changing
from access.views.passes.parts import find_pass, not_theirs, page_of, show
from families.views.outcomes import Outcome, no_audit, say
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web.pages import lead, render_page


def pass_detail(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """All that is known of a pass, and what can be done with it. Asks the upstream nothing."""
    return show(request, find_pass(request, pass_id))


def pass_change(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """Another label, visitor or note."""
    key = find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return not_theirs(request, key)
    form = PassWordsForm(request.POST) if request.method == "POST" else PassWordsForm.of(key)
    if form.is_bound and form.is_valid():
        try:
            changed = changing.change_pass(request.user, key=key, **form.cleaned_data)
        except AuditUnavailable:
            return _form(request, key, form, no_audit("changed"))
        words = _("The words of the pass are changed.") if changed else _("Nothing was different.")
        say(request, Outcome("ok", words, ""))
        return lead(request, page_of(key))
    return _form(request, key, form, None)


def _form(
    request: SignedInRequest, key: TempKey, form: PassWordsForm, outcome: Outcome | None
) -> HttpResponse:
    context = {"key": key, "form": form, "back_url": page_of(key), "outcome": outcome}
    status = outcome.status if outcome is not None else 422 if form.errors else 200
    return render_page(request, "access/pass_change.html", "access/_pass_change.html", context, status=status)
