"""Signing in again: the page that stands before secrets and before the means of signing in."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from portal.accounts import recent
from portal.accounts.forms.again import PasswordForm
from portal.accounts.requests import SignedInRequest


def sign_in_again(request: SignedInRequest) -> HttpResponse:
    """Asks for the password or a second factor, and goes back to where it was asked for."""
    target = recent.own_path(request, request.POST.get("next") or request.GET.get("next"))
    password_form = PasswordForm(request.POST or None)
    if request.method == "POST" and password_form.is_valid():
        if request.user.check_password(password_form.cleaned_data["password"]):
            recent.mark(request, request.user, "password")
            return redirect(target or settings.LOGIN_REDIRECT_URL)
        password_form.add_error("password", _("That is not your password."))
    context = {"next": target, "password_form": password_form}
    return render(request, "account/reauthenticate.html", context, status=422 if request.POST else 200)
