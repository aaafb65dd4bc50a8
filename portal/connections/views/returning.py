"""Where the upstream sends the browser back to after a sign-in there."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import About, AuditUnavailable, By
from portal.connections import authorization, joining
from portal.connections.failing import why_not
from portal.connections.joining import CodeGrant, ConnectionGone, NameTaken, Wanted
from portal.connections.models import PendingSignIn
from portal.connections.views import parts, signing_in
from portal.upstream.errors import UpstreamError
from portal.web import wordings
from portal.web.access import may_visit
from portal.web.pages import lead


def sign_in_return(request: SignedInRequest) -> HttpResponse:
    """What came back: it counts once, in the session that began it, and not for long.

    Design decision: a GET that writes. The upstream sends the browser here by a redirect, and ``state`` stands in
    for the token of a form: nobody else can know it, and it is good for one return.
    """
    state, code, refusal = (_single(request, name) for name in ("state", "code", "error"))
    pending = authorization.take(request.user, signing_in.session_name(request), state)
    if pending is None:
        words = _(
            "It did not begin in this window’s session, was used before, or is older than ten minutes. "
            "Nothing was kept."
        )
        return _say(request, _("This sign-in is not good any more"), words, _again(request.user))
    _check_right(request.user, pending)
    again = _again(request.user, pending)
    if refusal or not code:
        _record_refusal(request, pending, refusal)
        words = _("Nobody agreed there, so nothing was kept.")
        return _say(request, _("The door system did not sign you in"), words, again)
    grant = CodeGrant(code, pending.client_id, pending.client_secret or "", authorization.return_address())
    wanted = Wanted(
        pending.name,
        pending.base_url,
        grant,
        owner=request.user if pending.is_personal else None,
        renews=pending.connection,
        history_zone=pending.history_zone,
        calls_per_minute=pending.calls_per_minute,
    )
    title = _("Nothing was kept")
    try:
        proven = joining.prove(By.person(request.user), wanted)
        connected = signing_in.keep(request, proven)
    except UpstreamError as error:
        failed = why_not(error)
        return _say(request, title, failed.words, again, status=422 if failed.is_refusal else 503)
    except AuditUnavailable:
        words = wordings.no_audit("tried")
        return _say(request, title, words, again, status=503)
    except NameTaken:
        words = _("Somebody has added one of this name meanwhile.")
        return _say(request, title, words, again)
    except ConnectionGone:
        words = _("Somebody has removed this connection meanwhile.")
        return _say(request, title, words, again)
    if pending.is_personal:
        return lead(request, reverse("connections:own_connection"))
    return lead(request, parts.address_of(connected.connection))


def _single(request: SignedInRequest, name: str) -> str:
    """A parameter that came exactly once; "" else."""
    values = request.GET.getlist(name)
    return values[0] if len(values) == 1 else ""


def _check_right(user: User, pending: PendingSignIn) -> None:
    """The right to begin it may have been withdrawn meanwhile."""
    name = "connections:own_connection" if pending.is_personal else "connections:connection_create"
    if not may_visit(user, name):
        raise PermissionDenied


def _again(user: User, pending: PendingSignIn | None = None) -> str:
    """Where one begins anew."""
    if pending is not None and pending.connection is not None and not pending.is_personal:
        return parts.address_of(pending.connection)
    is_personal = (
        pending.is_personal if pending is not None else not may_visit(user, "connections:connection_list")
    )
    return reverse("connections:own_connection" if is_personal else "connections:connection_list")


def _record_refusal(request: SignedInRequest, pending: PendingSignIn, refusal: str) -> None:
    renewed = pending.connection
    about = joining.about_of(renewed) if renewed else About(kind="connection", name=pending.name)
    trail.record_first(
        joining.event_of(renewed),
        By.person(request.user),
        about,
        parameters={"address": pending.base_url, "sign_in": "code"},
        phase="outcome",
        outcome=State.REFUSED,
        words=refusal[:100],
    )


def _say(request: SignedInRequest, title: str, text: str, again: str, *, status: int = 422) -> HttpResponse:
    context = {"title": title, "text": text, "again_url": again}
    return render(request, "connections/sign_in_return.html", context, status=status)
