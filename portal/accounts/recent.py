"""Who proved lately that it is still they who sit there: asked for before secrets are shown or means of signing in change."""

import time
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.web.access import policy_of
from portal.web.addresses import own_path
from portal.web.pages import lead

RECENT_SECONDS = 5 * 60
# What a person showed to us. A company's own sign-in page is not among them: it may have asked for nothing.
OURS = frozenset({"password", "mfa"})
ELSEWHERE = frozenset({"socialaccount"})


def is_recent(request: HttpRequest) -> bool:
    """Whether the person signed in within the last five minutes, or signed in again, with something of their own."""
    return _was_shown(request, OURS)


def came_from_elsewhere(request: HttpRequest) -> bool:
    """Whether they came from their company's sign-in page within the last five minutes."""
    return _was_shown(request, ELSEWHERE)


def mark(request: HttpRequest, user: User, method: str, **details: object) -> None:
    """Remember that ``user`` has just shown who they are, by ``method`` ("password" or "mfa")."""
    record_authentication(request, user, method, reauthenticated=True, **details)


def can_sign_in_again(user: User) -> bool:
    """Whether there is anything they could show us: a password or a second factor."""
    return user.has_usable_password() or Authenticator.objects.filter(user_id=user.pk).exists()


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """To the page where one signs in again, and from there back; what a form held is dropped, and kept nowhere.

    Whoever has nothing to show is led to setting up a second factor first.
    """
    policy = policy_of(request)
    if isinstance(request.user, User) and not can_sign_in_again(request.user):
        words = _("Set up a passkey or an authenticator app first. Nothing was done yet.")
        if policy is not None and not policy.needs_second_factor:
            words = _(
                "More than five minutes have passed. Sign out, come back from your company's sign-in page, "
                "then set it up."
            )
        messages.info(request, words)
        return lead(request, reverse("mfa_index"))
    query = urlencode({"next": _way_back(request)})
    return lead(request, f"{reverse('account_reauthenticate')}?{query}")


def _was_shown(request: HttpRequest, methods: frozenset[str]) -> bool:
    if not isinstance(request.user, User):
        return False
    newest = max(
        (
            record["at"]
            for record in get_authentication_records(request, request.user)
            if record.get("method") in methods
        ),
        default=0.0,
    )
    # A clock that was put back makes nothing recent.
    return 0 <= time.time() - newest < RECENT_SECONDS


def _way_back(request: HttpRequest) -> str:
    """Where they go on: the page itself, or for a form without a page of its own the one on which it stood."""
    if request.headers.get("HX-Request") == "true":
        return own_path(request, request.headers.get("HX-Current-URL")) or "/"
    policy = policy_of(request)
    if policy is not None and "GET" in policy.methods:
        return request.get_full_path() if request.method in {"GET", "HEAD"} else request.path
    return own_path(request, request.headers.get("Referer")) or str(settings.LOGIN_REDIRECT_URL)
