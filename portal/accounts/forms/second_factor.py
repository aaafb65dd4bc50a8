"""The forms of setting up second factors."""

from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import codes, passkeys, second_factor
from portal.accounts.models import User

_SALT = "gatehouse.authenticator-app"
# Somebody looks for their telephone first.
SECONDS_TO_SET_UP = 30 * 60


class AppForm(forms.Form):
    """The first code of an authenticator app.

    The secret travels in the form, signed for this person, and stands on the page for the app to read: it is kept
    nowhere before its first code was right.
    """

    key = forms.CharField(widget=forms.HiddenInput, max_length=500)
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        help_text=gettext_lazy("The six digits that the app shows now."),
    )
    step = 0

    def __init__(self, user: User, data: Any = None) -> None:
        self.user = user
        self.secret = _read_secret(data.get("key", ""), user) if data else ""
        self.is_stale = data is not None and not self.secret
        if not self.secret:
            self.secret = codes.new_app_secret()
        key = signing.dumps([user.pk, self.secret], salt=_SALT)
        super().__init__(None if self.is_stale else data, initial={"key": key})

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        step = codes.find_step(self.secret, code)
        if step is None:
            raise ValidationError(
                _("That is not the code of now. Look at the clock of your device, and enter the newest one.")
            )
        self.step = step
        return code


class PasskeyForm(forms.Form):
    """A new passkey: what to call it, and what it answered (filled in by static/js/passkeys.js)."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=second_factor.LONGEST_NAME,
        help_text=gettext_lazy("Such as the device it is on: “Telephone”, “Key on my ring”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    credential = forms.JSONField(widget=forms.HiddenInput)

    def clean_credential(self) -> dict[str, Any]:
        credential: dict[str, Any] = self.cleaned_data["credential"]
        passkeys.check_new(credential)
        return credential


class PasskeyNameForm(forms.Form):
    """Another name for a passkey."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=second_factor.LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _read_secret(key: str, user: User) -> str:
    """The secret that was signed for ``user``; "" for anything else, and when it is too old."""
    try:
        signed_for, secret = signing.loads(key, salt=_SALT, max_age=SECONDS_TO_SET_UP)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(secret) if signed_for == user.pk else ""
