"""What somebody types to take up an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.accounts.people import LONGEST_PASSWORD
from portal.web.zones import zone_names

LONGEST_NAME = 100


class JoinForm(forms.Form):
    """A name, a password typed twice, and the time zone, in which the browser guesses for them."""

    name = forms.CharField(
        label=_("Your name"),
        strip=False,
        help_text=_("As others here shall read it."),
        error_messages={"required": _("Type your name: others see by it who did something.")},
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=password_validators_help_text_html(),
        error_messages={"required": _("Choose a password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The password again"),
        strip=False,
        error_messages={"required": _("Type the password a second time.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(name, name.replace("_", " ")) for name in zone_names()],
        help_text=_("Times are told in it."),
        error_messages={
            "required": _("Choose a time zone."),
            "invalid_choice": _("There is no such time zone. Choose one of the list."),
        },
        widget=forms.Select(attrs={"data-guess-zone": ""}),
    )

    # Its own validator would speak of null characters beside what clean_name says.
    name.validators = []

    def __init__(self, person: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.person = person

    def clean_name(self) -> str:
        """The name in one line, without spaces around it."""
        name = " ".join(self.cleaned_data["name"].split(" ")).strip()
        if not name or not name.isprintable():
            raise ValidationError(gettext("A name has letters that can be seen, in one line."))
        if len(name) > LONGEST_NAME:
            raise ValidationError(
                gettext("A name has at most %(limit)d signs; this one has %(count)s.")
                % {"limit": LONGEST_NAME, "count": f"{len(name):,}"}
            )
        return name

    def clean_password(self) -> str:
        """A password that keeps to the rules, for this person."""
        password = str(self.cleaned_data["password"])
        if len(password) > LONGEST_PASSWORD:
            raise ValidationError(
                gettext("A password has at most %(limit)d signs.") % {"limit": LONGEST_PASSWORD}
            )
        self.person.name = self.cleaned_data.get("name", "")
        validate_password(password, self.person)
        return password

    def clean(self) -> None:
        """Both passwords are the same one."""
        password, again = self.cleaned_data.get("password"), self.cleaned_data.get("again")
        if password and again and password != again:
            self.add_error("again", gettext("This is not the same password. Type both once more."))
