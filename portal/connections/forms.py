"""What people type about a connection. A secret is never written back into a form."""

import zoneinfo
from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.connections import addresses, joining
from portal.connections.joining import Credentials, PasswordGrant, PastedToken
from portal.connections.models import Connection, SignIn
from portal.web.typed import one_name

LEAST_CALLS, MOST_CALLS = 30, 60_000
# More than any password or secret; what is longer is a mistake of the clipboard.
SECRET_LENGTH = 2_000
_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class SecretField(forms.CharField):
    """Something that must not be seen: masked, and empty whenever the form is shown again."""

    widget = forms.PasswordInput

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)
        self.widget.attrs |= _PLAIN
        # What is wrong with it is said by the form: a validator of its own would quote nothing, and say less.
        self.validators = []


class NamedForm(forms.Form):
    """A connection's name, unique among the organisation's that are there."""

    name = forms.CharField(
        label=_("Name"),
        strip=False,
        help_text=_("What people call it here, for example “Riverside”."),
        error_messages={"required": _("A connection needs a name.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    name.validators = []

    def __init__(self, *args: Any, connection: Connection | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connection = connection

    def clean_name(self) -> str:
        """The name in one line, without spaces around it."""
        name = one_name(self.cleaned_data["name"])
        taken = Connection.objects.of_the_organisation().there().filter(name=name)
        if self.connection is not None:
            taken = taken.exclude(pk=self.connection.pk)
        if taken.exists():
            raise ValidationError(self.taken_words())
        return name

    def taken_words(self) -> str:
        """What is said when there is a connection of this name."""
        return gettext("There is a connection of this name. To sign it in again, renew it on its page.")


class TuningForm(forms.Form):
    """The zone that its history is written in, and how much may be called through it."""

    history_zone = forms.ChoiceField(
        label=_("Time zone of its log"),
        initial="UTC",
        help_text=_(
            "The door system writes times without saying where. Choose UTC unless openings in the log are hours off; "
            "then choose the zone in which they are right. It can be corrected later: rows are told anew, and none is lost."
        ),
        error_messages={"invalid_choice": _("There is no such time zone.")},
    )
    calls_per_minute = forms.IntegerField(
        label=_("Calls per minute, at most"),
        min_value=LEAST_CALLS,
        max_value=MOST_CALLS,
        help_text=_(
            "No more than this is asked of the door system in a minute. A tenth is kept for what people do."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        zone = cast("forms.ChoiceField", self.fields["history_zone"])
        zone.choices = zone_choices(str(self.initial.get("history_zone", "UTC")))
        self.fields["calls_per_minute"].initial = settings.UPSTREAM_CALLS_PER_MINUTE


class SignInForm(forms.Form):
    """Where the upstream is; each way to sign in adds what it needs."""

    how: SignIn
    base_url = forms.CharField(
        label=_("The door system’s address"),
        help_text=_("The address of the Akuvox cloud of your region, for example https://cloud.example.com."),
        error_messages={"required": _("Type the door system’s address.")},
        widget=forms.URLInput(attrs={**_PLAIN, "list": "upstream-addresses"}),
    )
    base_url.validators = []

    def clean_base_url(self) -> str:
        """The address in its one spelling, which leads where it may."""
        try:
            address = addresses.normalised(self.cleaned_data["base_url"])
            addresses.check_reach(address)
        except ValueError as error:
            raise ValidationError(f"{capfirst(str(error))}.") from None
        return address

    def _secret(self, name: str, words: str) -> str:
        """A secret without blanks around it, which is one line and not too long."""
        secret = str(self.cleaned_data[name]).strip()
        if not secret:
            raise ValidationError(words)
        if len(secret) > SECRET_LENGTH:
            raise ValidationError(
                gettext("That is longer than any: at most %(limit)d characters.") % {"limit": SECRET_LENGTH}
            )
        if not secret.isprintable():
            raise ValidationError(gettext("It has a sign that cannot be typed. Copy it again."))
        return secret

    def credentials(self) -> Credentials:
        """What was typed, to be tried once."""
        raise NotImplementedError


class TokenForm(SignInForm):
    """An access token that somebody copied."""

    how = SignIn.TOKEN
    token = SecretField(
        label=_("Access token"),
        help_text=_("It is stored encrypted and never shown again. When it ends, another has to be pasted."),
        error_messages={"required": _("Paste the access token.")},
    )

    def clean_token(self) -> str:
        """The token without blanks and line ends around it."""
        try:
            return joining.checked_token(self.cleaned_data["token"])
        except ValueError as error:
            raise ValidationError(f"{capfirst(str(error))}.") from None

    def credentials(self) -> Credentials:
        return PastedToken(self.cleaned_data["token"])


class ClientForm(SignInForm):
    """What the upstream knows an application by."""

    client_id = forms.CharField(
        label=_("Client id"),
        help_text=_(
            "Names this portal to the door system. Akuvox hands it out, with the client secret, to whoever "
            "registers the portal there: ask your integrator. It is no name of a person."
        ),
        max_length=200,
        error_messages={"required": _("Type the client id that Akuvox gave you or your integrator.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    client_secret = SecretField(
        label=_("Client secret"),
        help_text=_(
            "Comes with the client id, and is not the account’s password. Stored encrypted: the sign-in is renewed with it."
        ),
        error_messages={"required": _("Type the client secret that came with the client id.")},
    )

    def clean_client_secret(self) -> str:
        """The secret without blanks around it."""
        return self._secret("client_secret", gettext("Type the client secret that came with the client id."))


class PasswordForm(ClientForm):
    """User name and password of the account."""

    how = SignIn.PASSWORD
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        error_messages={"required": _("Type the account’s user name.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    password = SecretField(
        label=_("Password"),
        help_text=_("Used once, now, and not kept."),
        error_messages={"required": _("Type the account’s password.")},
    )
    field_order: tuple[str, ...] = ("base_url", "username", "password", "client_id", "client_secret")

    def clean_password(self) -> str:
        """The password as it was typed: a blank may be part of it."""
        password = str(self.cleaned_data["password"])
        self._secret("password", gettext("Type the account’s password."))
        return password

    def credentials(self) -> Credentials:
        found = self.cleaned_data
        return PasswordGrant(found["username"], found["password"], found["client_id"], found["client_secret"])


class CodeForm(ClientForm):
    """What a sign-in in the browser begins with."""

    how = SignIn.CODE


class NewTokenForm(TokenForm, TuningForm, NamedForm):
    field_order = ("name", "base_url", "token", "history_zone", "calls_per_minute")


class NewPasswordForm(PasswordForm, TuningForm, NamedForm):
    field_order = ("name", *PasswordForm.field_order, "history_zone", "calls_per_minute")


class NewCodeForm(CodeForm, TuningForm, NamedForm):
    field_order = ("name", "base_url", "client_id", "client_secret", "history_zone", "calls_per_minute")


class SettingsForm(TuningForm, NamedForm):
    """Name and settings of a connection that is there."""

    field_order = ("name", "history_zone", "calls_per_minute")


# The three ways to sign in: for a new connection, and for one that is there or somebody's own.
NEW_FORMS: dict[str, type[SignInForm]] = {
    SignIn.PASSWORD: NewPasswordForm,
    SignIn.CODE: NewCodeForm,
    SignIn.TOKEN: NewTokenForm,
}
RENEWAL_FORMS: dict[str, type[SignInForm]] = {
    SignIn.PASSWORD: PasswordForm,
    SignIn.CODE: CodeForm,
    SignIn.TOKEN: TokenForm,
}


def zone_choices(chosen: str) -> list[Any]:
    """UTC first, then every zone that is named after a place, by continent; the chosen one whatever it is."""
    choices: list[Any] = [("UTC", "UTC"), *_zones()]
    known = {name for _continent, zones in _zones() for name, _label in zones} | {"UTC"}
    return choices if chosen in known else [(chosen, chosen), *choices]


@cache
def _zones() -> Sequence[tuple[str, list[tuple[str, str]]]]:
    continents: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        continent, _slash, place = name.partition("/")
        if place and continent in _CONTINENTS:
            continents.setdefault(continent, []).append((name, place.replace("_", " ")))
    return tuple(continents.items())


_CONTINENTS = {
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
}
