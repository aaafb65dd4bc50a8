"""A mail to the visitor of a pass: written, looked at, sent once."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from access.forms.handing import PassMailForm
from access.models import TempKey
from access.selectors.handing import for_visitor, may_be_handed_over, may_be_linked
from access.services.passes import mailing
from access.services.passes.codes import PassCode
from access.services.passes.mailing import (
    DOTS,
    Letter,
    Mailed,
    MailNotPossible,
    NothingToHandOver,
    TooManyMails,
)
from access.services.visitors import links
from access.services.visitors.links import NothingToShow
from access.views.passes import parts
from access.views.passes.handing import NOT_SHOWN
from families.views.outcomes import Outcome, no_audit, old_page, say
from portal.accounts import recent
from portal.accounts.requests import SignedInRequest
from portal.audit.models import State
from portal.audit.trail import AuditUnavailable
from portal.web.pages import lead, render_page
from portal.web.presses import PressInvalid, new_press, read_press


def pass_mail(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """Write a mail to the visitor, look at it as it will be, and send it.

    What opens doors is sent by somebody who signed in within five minutes alone. That is asked here and not by the
    table of policies: a form that comes too late is answered with what was typed, and a way to sign in beside it.
    """
    key = parts.find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return parts.not_theirs(request, key)
    if request.method != "POST":
        if not may_be_handed_over(key):
            return parts.show(request, key, parts.Shown(outcome=_nothing()))
        return _form(request, key, PassMailForm(initial=_initial(key), may_link=may_be_linked(key)))
    form = PassMailForm(request.POST, may_link=may_be_linked(key))
    if not form.is_valid():
        return _form(request, key, form, status=422)
    letter = Letter(**form.cleaned_data)
    if "preview" in request.POST:
        return _form(request, key, form, letter=letter)
    if letter.carries != "none" and not recent.is_recent(request):
        return _form(request, key, form, outcome=_sign_in_first())
    return _send(request, key, form, letter)


def purpose_of(key: TempKey) -> str:
    """What a press of the form is signed for."""
    return f"mail-pass:{key.public_id}"


def _send(request: SignedInRequest, key: TempKey, form: PassMailForm, letter: Letter) -> HttpResponse:
    try:
        press = read_press(request.POST.get("press", ""), request.user.id, purpose_of(key))
        mailed = mailing.mail_pass(request.user, key=key, letter=letter, press=press)
    except PressInvalid:
        return _form(request, key, form, outcome=old_page())
    except TooManyMails:
        form.add_error(None, _("You sent as many mails within this hour as one may. Send it later."))
        return _form(request, key, form, status=422)
    except NothingToHandOver:
        return _form(request, key, form, outcome=_nothing())
    except MailNotPossible:
        detail = _("What you typed is kept. Send it again in a moment, or hand the pass over another way.")
        return _form(
            request,
            key,
            form,
            outcome=Outcome("off", _("Not sent: the mail server does not answer."), detail, 503),
        )
    except AuditUnavailable:
        return _form(request, key, form, outcome=no_audit())
    except (*NOT_SHOWN, NothingToShow) as error:
        found = parts.outcome_of(error)
        detail = _("No mail was sent, and what you typed is kept. %(detail)s") % {"detail": found.detail}
        return _form(request, key, form, outcome=Outcome(found.kind, found.title, detail, found.status))
    outcome = _told(mailed, letter)
    if outcome.is_done:
        say(request, outcome)
        return lead(request, parts.page_of(key))
    return _form(request, key, form, outcome=outcome)


def _form(
    request: SignedInRequest,
    key: TempKey,
    form: PassMailForm,
    *,
    letter: Letter | None = None,
    outcome: Outcome | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "key": key,
        "form": form,
        "press": new_press(request.user.id, purpose_of(key)),
        "back_url": parts.page_of(key),
        "outcome": outcome,
        "preview": _preview(request, key, letter) if letter is not None else None,
        "told": for_visitor(key),
    }
    status = outcome.status if outcome is not None else status
    return render_page(request, "access/pass_mail.html", "access/_pass_mail.html", context, status=status)


def _preview(request: SignedInRequest, key: TempKey, letter: Letter) -> dict[str, object]:
    """The mail as it would go out, dots in place of what only its reader is to see."""
    code = PassCode(DOTS) if letter.carries == "code" else None
    link = links.address_of("x").removesuffix("x/") + f"{DOTS}/" if letter.carries == "link" else ""
    message = mailing.message_for(request.user, key, letter, code=code, link=link)
    return {"subject": message.subject, "text": message.body}


def _initial(key: TempKey) -> dict[str, str]:
    place = str(key.family.property or key.family.name)
    greeting = _("Hello %(name)s,") % {"name": key.visitor_name} if key.visitor_name else _("Hello,")
    return {
        "to": key.visitor_email,
        "subject": _("Your pass for %(place)s") % {"place": place} if place else _("Your pass"),
        "message": f"{greeting}\n\n{_('this is your pass for our doors.')}",
        "carries": "link" if may_be_linked(key) else "none",
    }


def _told(mailed: Mailed, letter: Letter) -> Outcome:
    names = {"address": letter.to}
    match mailed.state:
        case State.SUCCEEDED:
            detail = "" if mailed.is_recorded else _("The audit trail could not note that it went out.")
            title = _("The mail to %(address)s was sent.") % names
            if mailed.is_repeat:
                detail = _("This form had been sent before; what came now was not sent.")
            return Outcome("ok", title, detail)
        case State.REFUSED:
            detail = _("%(words)s What you typed is kept: look at the address, and send it again.")
            return Outcome("bad", _("The mail was not sent."), detail % {"words": mailed.words}, 422)
        case State.NOT_SENT:
            return Outcome(
                "off", _("The mail was not sent."), _("What you typed is kept: send it again."), 503
            )
        case _:
            detail = _("The mail server broke off. Ask %(address)s before you send another.") % names
            return Outcome("unknown", _("We do not know whether the mail was sent."), detail, 502)


def _nothing() -> Outcome:
    detail = _("No mail was sent. Make another pass for whoever still needs one.")
    return Outcome("off", _("There is nothing to hand over of this pass."), detail, 409)


def _sign_in_first() -> Outcome:
    detail = _("Nothing was sent, and what you typed is kept. Sign in again in another tab, then send it.")
    return Outcome("off", _("More than five minutes have passed since you signed in."), detail, 422)
