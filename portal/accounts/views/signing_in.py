"""The second stage of signing in: the password was right, and a second factor is still to be shown."""

import json

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from allauth.account.utils import get_login_redirect_url
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from portal.accounts import guessing, second_factor
from portal.accounts.forms.again import CodeForm
from portal.accounts.guessing import Turn
from portal.accounts.models import User
from portal.accounts.passkeys import ShownPasskeyForm, SignInPasskeyForm
from portal.accounts.stages import SecondFactorStage


@never_cache
def second_factor_show(request: HttpRequest) -> HttpResponse:
    """Asks for a code or a passkey of whoever's password was right; nobody is signed in before."""
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    stage = LoginStageController.enter(request, SecondFactorStage.key)
    if stage is None or not isinstance(stage.login.user, User):
        return redirect("account_login")
    if not stage.is_still_good():
        aborted: HttpResponse = stage.abort()
        return aborted
    user = stage.login.user
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST":
        is_shown = (
            _shows_passkey(request, user) if "credential" in request.POST else _shows(request, user, form)
        )
        if is_shown:
            response: HttpResponse = stage.exit()
            return response
    factors = second_factor.get_factors(user)
    context = {
        "form": form,
        "has_code": factors.app is not None or bool(factors.codes_left),
        "has_app": factors.app is not None,
        "passkey_options": json.dumps(begin_authentication(user)) if factors.passkeys else "",
        "is_passkey_refused": "credential" in request.POST,
    }
    return render(request, "mfa/authenticate.html", context, status=422 if request.method == "POST" else 200)


@never_cache
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Signing in with a passkey alone. A script asks for the question (GET), and sends what the device answered."""
    if request.method != "POST":
        return JsonResponse(dict(begin_authentication(None)))
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    form = SignInPasskeyForm(data=request.POST)
    if not form.is_valid():
        user_login_failed.send(sender=__name__, credentials={}, request=request, step="passkey")
        messages.error(request, _("That passkey is not known here. Nobody was signed in."))
        return redirect("account_login")
    row = form.cleaned_data["credential"]
    second_factor.note_passkey_used(row.user, row)
    response: HttpResponse = perform_passwordless_login(request, row, Login(user=row.user))
    return response


def _shows(request: HttpRequest, user: User, form: CodeForm) -> bool:
    if not form.is_valid():
        return False
    attempt = guessing.begin_code(request, user.email)
    if attempt.turn is not Turn.FREE:
        user_login_failed.send(
            sender=__name__, credentials={"email": user.email}, request=request, is_refused=True
        )
        form.add_error(
            "code",
            _(
                "Too many codes. This one was not looked at: wait three minutes, use a passkey, or choose a new "
                "password by mail."
            ),
        )
        return False
    row = second_factor.use_code(user, form.cleaned_data["code"])
    if row is None:
        user_login_failed.send(
            sender=__name__, credentials={"email": user.email}, request=request, step="code"
        )
        form.add_error("code", _("That code is wrong, or was used. Wait for the next one."))
        return False
    attempt.give_back()
    record_authentication(request, user, "mfa", id=row.pk, type=row.type)
    return True


def _shows_passkey(request: HttpRequest, user: User) -> bool:
    form = ShownPasskeyForm(user=user, data=request.POST)
    if not form.is_valid():
        return False
    row = form.cleaned_data["credential"]
    second_factor.note_passkey_used(user, row)
    row.record_usage()
    record_authentication(request, user, "mfa", id=row.pk, type=row.type)
    return True
