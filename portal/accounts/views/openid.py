"""Signing in by OpenID Connect: the way to the company's provider, and the way back."""

from dataclasses import dataclass
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from portal.accounts import openid
from portal.accounts.openid import Refused
from portal.accounts.social_adapter import CompanyAdapter


@dataclass(frozen=True)
class Words:
    """What a refusal says; %(company)s and %(email)s are filled in. ``may_repeat``: beginning again may help."""

    title: Any
    text: Any
    status: int = 403
    may_repeat: bool = False


_TRY = _("Nothing was changed. Try again in a minute, or sign in another way.")
WORDS = {
    "unverified": Words(
        _("%(company)s has not verified your e-mail address"),
        _("Only a verified address opens this door. Have it verified there, then sign in again."),
    ),
    "no_address": Words(
        _("%(company)s did not say your e-mail address"),
        _("Without it nobody here knows who you are. Ask the person who runs your estate."),
    ),
    "unknown": Words(
        _("Nobody is invited as %(email)s"),
        _("%(company)s vouches for that address. Ask the person who runs your estate to invite it."),
    ),
    "invitation_over": Words(
        _("The invitation of %(email)s is over"),
        _("It was taken back, or it is too old. Ask the person who runs your estate for another one."),
    ),
    "switched_off": Words(
        _("The account of %(email)s is switched off"),
        _("The person who runs your estate can switch it on again."),
    ),
    "linked_elsewhere": Words(
        _("%(email)s signs in here by another account of %(company)s"),
        _("Nothing was changed. If yours was made anew there, ask whoever runs Gatehouse to let it in."),
    ),
    "other_address": Words(
        _("You are known here by another address than %(email)s"),
        _("%(company)s says that your address has changed. Ask the person who runs your estate."),
    ),
    "state": Words(
        _("This sign-in was not begun here, or it is too old"),
        _("Nothing was changed. Begin it again from the sign-in page."),
        400,
        may_repeat=True,
    ),
    "code": Words(
        _("This sign-in was used already, or it is too old"),
        _("Nothing was changed. Begin it again from the sign-in page."),
        400,
        may_repeat=True,
    ),
    "cancelled": Words(
        _("You are not signed in"),
        _("The sign-in at %(company)s was given up. Nothing was changed."),
        400,
        may_repeat=True,
    ),
    "provider_error": Words(_("%(company)s did not sign you in"), _TRY, 502, may_repeat=True),
    "unavailable": Words(_("%(company)s does not answer"), _TRY, 503, may_repeat=True),
    "busy": Words(_("Too many are signing in at this moment"), _TRY, 503, may_repeat=True),
    "not_understood": Words(_("The answer of %(company)s cannot be read"), _TRY, 502, may_repeat=True),
    "settings": Words(
        _("%(company)s does not know Gatehouse as it was set up"),
        _("Nothing was changed. Tell whoever runs Gatehouse, and sign in another way."),
        502,
    ),
    "untrusted": Words(
        _("The answer of %(company)s cannot be trusted"),
        _("Nobody was signed in. Begin again; should it happen again, tell whoever runs Gatehouse."),
        502,
        may_repeat=True,
    ),
}


def openid_begin(request: HttpRequest) -> HttpResponse:
    """Sends the browser to the provider, with a sign-in that only this session can end."""
    _check_configured()
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    provider = get_adapter(request).get_provider(request)
    try:
        with openid.place():
            answer = provider.redirect(request, AuthProcess.LOGIN, next_url=get_next_redirect_url(request))
    except Refused as refused:
        return _refuse(request, refused)
    # Design decision: a page that goes on by itself. Browsers hold a form to form-action through every redirect that
    # follows, and providers send people on to others of their own.
    return render(
        request, "account/openid_begin.html", {"url": answer["Location"], "company": settings.OIDC_NAME}
    )


def openid_return(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the browser back: signs in whoever it vouches for, or says why not."""
    _check_configured()
    try:
        with openid.place():
            answer: HttpResponse = OAuth2CallbackView.adapter_view(CompanyAdapter(request))(request)
    except Refused as refused:
        return _refuse(request, refused)
    return answer


def _check_configured() -> None:
    if not openid.is_configured():
        raise Http404


def _refuse(request: HttpRequest, refused: Refused) -> HttpResponse:
    credentials = {"email": refused.email}
    step = f"OpenID Connect: {refused.why}"
    user_login_failed.send(sender=__name__, credentials=credentials, request=request, step=step)
    words = WORDS[refused.why]
    filled = {"company": settings.OIDC_NAME, "email": refused.email}
    context = {"title": words.title % filled, "text": words.text % filled, "may_repeat": words.may_repeat}
    return render(request, "account/openid_refused.html", context, status=words.status)
