"""The page behind an invitation's link. Its address is a secret: nothing of it is kept anywhere."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from portal.accounts import joining
from portal.accounts.forms.joining import JoinForm


def invitation_join(request: HttpRequest, secret: str) -> HttpResponse:
    """Says who invited them as what, and lets them in by a form. Looking changes nothing: mail scanners look first."""
    invitation = joining.find_invitation(secret)
    if invitation is None:
        return _answer(request, "accounts/join_over.html", status=404)
    context = {"invitation": invitation, "person": invitation.person}
    if request.user.is_authenticated:
        status = 409 if request.method == "POST" else 200
        return _answer(request, "accounts/join_other.html", context, status=status)
    is_sent = request.method == "POST"
    form = JoinForm(
        invitation.person, request.POST if is_sent else None, initial={"name": invitation.person.name}
    )
    if not form.is_valid():
        return _answer(
            request, "accounts/join.html", {**context, "form": form}, status=422 if is_sent else 200
        )
    try:
        person = joining.join(
            invitation,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password"],
            time_zone=form.cleaned_data["time_zone"],
        )
    except joining.InvitationOver:
        return _answer(request, "accounts/join_over.html", status=404)
    # As with any other password: allauth asks for what else is needed, and sessions and trail know of it.
    login = Login(user=person, email=person.email)
    return _guarded(perform_password_login(request, {"email": person.email}, login))


def _answer(
    request: HttpRequest, page: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    return _guarded(render(request, page, {**(context or {}), "leaves_nothing": True}, status=status))


def _guarded(response: HttpResponse) -> HttpResponse:
    """Kept by nobody, and named to nobody: not even our own pages see where one came from."""
    add_never_cache_headers(response)
    # Not "no-referrer": a browser would then send the form without its origin, and it would be refused.
    response["Referrer-Policy"] = "strict-origin"
    return response
