"""What somebody types to take up an invitation."""

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.utils.translation import gettext_lazy as _

from portal.accounts.forms.passwords import ChosenPasswordForm
from portal.web.typed import one_name
from portal.web.zones import zone_names


class JoinForm(ChosenPasswordForm):
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

    def clean_name(self) -> str:
        """The name in one line, without spaces around it."""
        return one_name(self.cleaned_data["name"])

    def clean_password(self) -> str:
        """A password that keeps to the rules: among them that it is not like the name typed above it."""
        self.user.name = self.cleaned_data.get("name", "")
        return super().clean_password()
