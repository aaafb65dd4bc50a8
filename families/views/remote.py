"""The way to a family's own panel: shown once, on a page that leaves nothing behind."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from families.models import Family
from families.services import remote
from families.services.acting import NoConnection
from families.services.remote import NotAnAddress, Panel
from families.views import parts
from families.views.outcomes import Outcome, no_audit, no_connection
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.upstream import errors
from portal.web import wordings


def panel_open(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The question whether to go to the family's panel, and once it is sent the link that leads there.

    Design decision: a link on a page of ours, for a form of ours may be redirected to nobody else (form-action), and
    whoever goes on sees where to. The page has no form: it sends no Referer anywhere, and without one, or with the
    Origin "null" that browsers then send, none would be taken.
    """
    family = parts.find_family(request, family_id)
    if request.method != "POST":
        return _show(request, family, {"is_question": True})
    try:
        panel = remote.ask_for_panel(request.user, family=family)
    except (NoConnection, AuditUnavailable, NotAnAddress, errors.UpstreamError) as error:
        trouble = _trouble_of(error)
        return _show(request, family, {"trouble": trouble}, status=trouble.status)
    return _show(request, family, {"panel": panel})


def _show(
    request: SignedInRequest, family: Family, found: dict[str, Panel | Outcome | bool], *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"family": family, "may_act": parts.may_act(request, family), **found}
    response = render(request, "families/panel_open.html", context, status=status)
    if "is_question" not in found:
        response["Referrer-Policy"] = "no-referrer"
    return response


def _trouble_of(error: Exception) -> Outcome:
    """Why there is no way to the panel now."""
    match error:
        case NoConnection():
            return no_connection("asked")
        case AuditUnavailable():
            return no_audit("asked", f"{_('Nothing is shown.')} {wordings.tell_operator()}")
        case NotAnAddress(scheme=""):
            detail = _("Its answer had no address that a browser can be sent to. Nothing was opened.")
            return Outcome("bad", _("The door system named no panel."), detail, 502)
        case NotAnAddress():
            detail = _("It begins with “%(scheme)s:”, and that is not followed. Nothing was opened.")
            title = _("The door system named an address that is not opened.")
            return Outcome("bad", title, detail % {"scheme": error.scheme}, 502)
        case errors.UpstreamRejected():
            said = _("It was refused: “%(words)s”") % {"words": error.words}
            detail = said if error.words else _("It was refused without a reason.")
            return Outcome("bad", _("The panel is not opened to us."), detail, 502)
        case errors.NotSent() | errors.UpstreamUnavailable(sent=False) | errors.UpstreamBusy(status=None):
            # Of a busy one without a status: it was asked so often as an action may, and gave no answer.
            detail = _("Nothing was opened. Ask again in a moment.")
            return Outcome("off", _("The door system does not answer."), detail, 503)
        case errors.UpstreamBusy():
            seconds = max(1, round(error.retry_after_seconds))
            title = _("The door system is busy.")
            return Outcome("off", title, _("Wait %(seconds)d s, then ask again.") % {"seconds": seconds}, 503)
        case errors.SignInLost():
            detail = _("A manager has to sign it in again.")
            return Outcome("bad", _("The connection is signed out."), detail, 503)
        case _:
            title = _("We do not know where the panel is.")
            detail = _("No answer came that can be read. Nothing was opened: ask again in a moment.")
            return Outcome("unknown", title, detail, 502)
