"""A pass given away: its code shown, its sheet to print, the link for its visitor."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from access.models import TempKey
from access.selectors.handing import for_visitor, may_be_handed_over, may_be_linked
from access.services.passes import revealing
from access.services.passes.codes import PassCode
from access.services.passes.revealing import PassNotThere
from access.services.visitors import links
from access.services.visitors.links import NothingToShow
from access.views.passes import parts
from access.views.passes.parts import Shown
from families.services.acting import NoConnection
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable, By
from portal.upstream import errors
from portal.web.pages import wants_fragment

SHEET_EVENT = "pass.sheet"
# Why no code can be shown; each is told in words.
NOT_SHOWN = (PassNotThere, NoConnection, AuditUnavailable, errors.UpstreamError)


@sensitive_variables("code")
def pass_reveal(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """The code of a pass and its picture, in their place for 30 seconds; without a script on the page."""
    key = parts.find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return parts.not_theirs(request, key)
    try:
        code = revealing.reveal_pass(By.person(request.user), key, actor=request.user)
    except NOT_SHOWN as error:
        return parts.answer(request, key, parts.outcome_of(error))
    return _show(request, key, code)


@sensitive_variables("code")
def pass_sheet(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """The sheet that is printed for a visitor: a page of its own, which takes its code away after five minutes."""
    key = parts.find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return parts.not_theirs(request, key)
    if key.gone_at is None and key.fingerprint and not may_be_handed_over(key):
        words = Outcome("off", _("The pass is over."), _("Nothing is printed. Make another pass."), 409)
        return parts.answer(request, key, words)
    try:
        code = revealing.reveal_pass(By.person(request.user), key, event=SHEET_EVENT, actor=request.user)
    except NOT_SHOWN as error:
        return parts.answer(request, key, parts.outcome_of(error))
    context = {
        "key": key,
        "code": code,
        "told": for_visitor(key),
        "seconds": parts.SHEET_SECONDS,
        "minutes": parts.SHEET_SECONDS // 60,
        "back_url": parts.page_of(key),
    }
    response = render(request, "access/pass_sheet.html", context)
    response["Refresh"] = f"{parts.SHEET_SECONDS}; url={parts.page_of(key)}"
    parts.permit_picture(response)
    return response


def visitor_link_create(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """A link for the visitor, shown this once; one from before ends with it."""
    key = parts.find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return parts.not_theirs(request, key)
    try:
        new = links.make_link(request.user, key=key)
    except (NothingToShow, AuditUnavailable) as error:
        return _link_shown(request, key, trouble=parts.outcome_of(error))
    return _link_shown(request, key, links.address_of(new.secret))


def visitor_link_revoke(request: SignedInRequest, pass_id: str) -> HttpResponse:
    """End the link of a pass; one that has ended already is as it should be."""
    key = parts.find_pass(request, pass_id)
    if not key.may_be_managed_by(request.user):
        return parts.not_theirs(request, key)
    try:
        link = links.live_link(key)
        if link is not None:
            links.end_link(request.user, link=link)
    except AuditUnavailable as error:
        return _link_shown(request, key, trouble=parts.outcome_of(error))
    return _link_shown(request, key)


@sensitive_variables("code", "context")
def _show(request: SignedInRequest, key: TempKey, code: PassCode) -> HttpResponse:
    if wants_fragment(request):
        context = parts.code_context(key, None, code) | {"may_show": True, "may_act": True}
        response = render(request, "access/_pass_revealed.html", context)
        parts.permit_picture(response)
        return response
    response = parts.show(request, key, Shown(code=code))
    response["Refresh"] = f"{parts.SHOWN_SECONDS}; url={parts.page_of(key)}"
    return response


@sensitive_variables("address", "context")
def _link_shown(
    request: SignedInRequest, key: TempKey, address: str = "", *, trouble: Outcome | None = None
) -> HttpResponse:
    if trouble is not None and trouble.status != 422:
        return parts.answer(request, key, trouble)
    if wants_fragment(request):
        context = parts.link_context(key, address, may_link=may_be_linked(key), trouble=trouble)
        context["may_act"] = True
        return render(request, "access/_visitor_link.html", context, status=422 if trouble else 200)
    return parts.show(request, key, Shown(new_link=address, outcome=trouble))
