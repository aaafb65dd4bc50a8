"""The form of signing in."""

import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm, ResetPasswordForm
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import Login
from django import forms
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import guessing, second_factor
from portal.accounts.guessing import Turn
from portal.accounts.models import User
from portal.accounts.stages import BOTH_SHOWN

# Longer than it takes to write the mail; it is sent beside the request.
RESET_SECONDS = 0.3


class SignInForm(LoginForm):
    """E-mail address and password; and, where strangers have tried the account too often, a code beside them.

    Nothing it says depends on whether the address has an account: what is counted is what was typed.
    """

    code = forms.CharField(
        label=gettext_lazy("Code"),
        required=False,
        max_length=50,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=gettext_lazy("From your authenticator app, or one of your recovery codes."),
    )
    # Whether the code is asked for: hidden until somebody needs it.
    asks_for_code = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].max_length = 254
        self.fields["password"].help_text = ""
        for field in ("login", "password"):
            self.fields[field].widget.attrs.pop("placeholder", None)
        self.order_fields(["login", "password", "code"])

    def _clean_with_password(self, credentials: dict[str, str]) -> dict[str, Any]:
        code = self.cleaned_data.get("code", "")
        self.asks_for_code = bool(code)
        attempt = guessing.begin(self.request, credentials["email"], with_code=bool(code))
        if attempt.turn is not Turn.FREE:
            self.asks_for_code = self.asks_for_code or attempt.turn is Turn.BOTH
            user_login_failed.send(
                sender=__name__, credentials=credentials, request=self.request, is_refused=True
            )
            raise ValidationError(_too_many(attempt.turn))
        user = get_adapter(self.request).authenticate(self.request, **credentials)
        login = Login(user=user, email=credentials["email"])
        if code:
            user = self._with_code(user, credentials, code)
            login.state[BOTH_SHOWN] = True
        if user is None:
            raise ValidationError(
                _("These do not belong together, or one of them is wrong.")
                if code
                else _("The e-mail address or the password is not correct.")
            )
        attempt.give_back()
        self._login, self.user = login, user
        cleaned: dict[str, Any] = self.cleaned_data
        return cleaned

    def _with_code(self, user: User | None, credentials: dict[str, str], code: str) -> User | None:
        """The person whose password was right, if the code is too; which of them was wrong shows nowhere."""
        # Counted where the password was right, and somewhere else where it was not: it takes as long.
        whose = credentials["email"] if user is not None else f"?{credentials['email']}"
        attempt = guessing.begin_code(self.request, whose)
        if user is None or attempt.turn is not Turn.FREE:
            return None
        row = second_factor.use_code(user, code)
        if row is None:
            user_login_failed.send(
                sender=__name__, credentials=credentials, request=self.request, step="code"
            )
            return None
        attempt.give_back()
        record_authentication(self.request, user, "mfa", id=row.pk, type=row.type)
        return user


class ResetForm(ResetPasswordForm):
    """Asks for a mail with a link to a new password. It takes as long whether the address has an account or not."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        ends = time.monotonic() + RESET_SECONDS
        email = str(super().save(request, **kwargs))
        time.sleep(max(0.0, ends - time.monotonic()))
        return email


def _too_many(turn: Turn) -> str:
    if turn is Turn.BOTH:
        return _(
            "There were too many tries at this address from elsewhere. Sign in with the password and a code together, "
            "with a passkey, or from a browser you signed in with before. Without them, choose a new password by mail, "
            "or try again in a quarter of an hour."
        )
    return _(
        "Too many tries. This one was not looked at. Wait three minutes, sign in with a passkey, or choose a new "
        "password by mail."
    )
