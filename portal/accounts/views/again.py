"""Signing in again: the page that stands before secrets and before the means of signing in."""

import json

from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from portal.accounts import guessing, recent, second_factor
from portal.accounts.forms.again import CodeForm, PasswordForm
from portal.accounts.guessing import Turn
from portal.accounts.passkeys import ShownPasskeyForm
from portal.accounts.requests import SignedInRequest
from portal.web.addresses import own_path


def sign_in_again(request: SignedInRequest) -> HttpResponse:
    """Asks for the password or a second factor, and goes back to where it was asked for."""
    target = own_path(request, request.POST.get("next") or request.GET.get("next"))
    if not recent.can_sign_in_again(request.user):
        return recent.sign_in_again(request)
    forms = {"password_form": PasswordForm(), "code_form": CodeForm()}
    if request.method == "POST":
        if "credential" in request.POST:
            is_shown = _shows_passkey(request)
        else:
            name = "code_form" if "code" in request.POST else "password_form"
            forms[name] = form = (CodeForm if name == "code_form" else PasswordForm)(request.POST)
            is_shown = form.is_valid() and _shows(request, form)
        if is_shown:
            return redirect(target or settings.LOGIN_REDIRECT_URL)
    return _page(request, target, forms)


def _page(request: SignedInRequest, target: str, forms: dict[str, Form]) -> HttpResponse:
    factors = second_factor.get_factors(request.user)
    context = {
        **forms,
        "next": target,
        "has_password": request.user.has_usable_password(),
        "has_code": factors.app is not None or bool(factors.codes_left),
        "passkey_options": json.dumps(begin_authentication(request.user)) if factors.passkeys else "",
        "is_passkey_refused": "credential" in request.POST,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "account/reauthenticate.html", context, status=status)


def _shows(request: SignedInRequest, form: Form) -> bool:
    """Whether the password, or the code, is the person's; tries are counted like those at signing in."""
    user = request.user
    (field,) = form.fields
    attempt = guessing.begin_code(request, user.email)
    if attempt.turn is not Turn.FREE:
        user_login_failed.send(
            sender=__name__, credentials={"email": user.email}, request=request, is_refused=True
        )
        form.add_error(field, _("Too many tries. This one was not looked at: wait three minutes."))
        return False
    if field == "password":
        is_right, method = user.check_password(form.cleaned_data["password"]), "password"
    else:
        is_right, method = second_factor.use_code(user, form.cleaned_data["code"]) is not None, "mfa"
    if not is_right:
        user_login_failed.send(
            sender=__name__, credentials={"email": user.email}, request=request, step=f"{field} again"
        )
        words = (
            _("That is not your password.") if field == "password" else _("That code is wrong, or was used.")
        )
        form.add_error(field, words)
        return False
    attempt.give_back()
    recent.mark(request, user, method)
    return True


def _shows_passkey(request: SignedInRequest) -> bool:
    form = ShownPasskeyForm(user=request.user, data=request.POST)
    if not form.is_valid():
        return False
    row = form.cleaned_data["credential"]
    second_factor.note_passkey_used(request.user, row)
    row.record_usage()
    recent.mark(request, request.user, "mfa", id=row.pk, type=row.type)
    return True
