"""Saying which pass it is, of one that was asked for and got no answer."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import TempKey
from access.selectors.passes import passes_as_of
from access.services.passes import reconciling
from access.services.passes.reconciling import NotWaiting
from access.sync import unmatched
from access.views.passes.lists import line_of
from access.views.passes.parts import find_pass, not_theirs, page_of
from families.views.outcomes import Outcome, no_audit, old_page, say
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web import wordings
from portal.web.pages import lead, render_page
from portal.web.presses import PressInvalid, new_press, read_press


def pass_match(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """What may be the pass that was asked for, to be chosen; a look at the list; or that it was none of them."""
    key = find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return not_theirs(request, key)
    if not key.is_unmatched:
        return lead(request, page_of(key))
    if request.method != "POST":
        return _show(request, key)
    try:
        read_press(request.POST.get("press", ""), request.user.id, match_purpose(key))
        outcome = _act(request, key)
    except PressInvalid:
        outcome = old_page(_("Nothing was changed: look again."))
    except NotWaiting:
        outcome = Outcome("off", _("It is not any more as this page showed it."), _("Look again."), 409)
    except AuditUnavailable:
        outcome = no_audit("done", wordings.tell_operator())
    key.refresh_from_db()
    if outcome.is_done or not key.is_unmatched:
        say(request, outcome)
        return lead(request, page_of(key))
    return _show(request, key, outcome)


def match_purpose(key: TempKey) -> str:
    """What a press that says which pass it is is signed for."""
    return f"match-pass:{key.public_id}"


def _act(request: SignedInRequest, key: TempKey) -> Outcome:
    step = request.POST.get("step", "")
    if step == "look":
        if reconciling.look(request.user, key):
            if key.gone_at is None:
                return Outcome("ok", _("The list of passes has it."), _("Its code can be shown below."))
            return Outcome("off", _("The list of passes does not have it."), _("It counts as not made."))
        detail = _("The list of passes tells nothing more so far. Look again in a minute.")
        return Outcome("unknown", _("Still nobody knows."), detail)
    if step == "none":
        reconciling.take_none(request.user, key)
        return Outcome("ok", _("It counts as not made."), _("Make another for whoever needs one."))
    wanted = request.POST.get("candidate", "")
    found = next((one for one in reconciling.choices(request.user, key) if one.public_id == wanted), None)
    if found is None:
        return Outcome("off", _("Choose one of them, or say that it is none."), "", 422)
    reconciling.take(request.user, key=key, found=found)
    return Outcome("ok", _("It is taken for the pass that was asked for."), _("Its code can be shown below."))


def _show(request: SignedInRequest, key: TempKey, outcome: Outcome | None = None) -> HttpResponse:
    now = timezone.now()
    context = {
        "key": key,
        "line": line_of(request.user, key, now),
        "candidates": [line_of(request.user, one, now) for one in reconciling.choices(request.user, key)],
        "has_rivals": unmatched.rivals(key),
        "as_of": passes_as_of(request.user, key.family),
        "is_open": key.command is not None and key.command.is_open,
        "press": new_press(request.user.id, match_purpose(key)),
        "match_url": request.path,
        "list_url": reverse("access:family_passes", args=[key.family.public_id]),
        "notices": [outcome.notice] if outcome is not None else [],
    }
    status = outcome.status if outcome is not None else 200
    return render_page(request, "access/pass_match.html", "access/_pass_match.html", context, status=status)
