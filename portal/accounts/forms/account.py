"""What people may type about themselves, and what is said when it cannot be."""

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.forms.passwords import ChosenPasswordForm
from portal.accounts.models import Theme, User
from portal.accounts.services.own import Preferences
from portal.web.typed import one_name, one_zone

# What a form calls the colours that an account keeps as "".
SYSTEM = "system"


class PreferencesForm(forms.Form):
    """A name, a language, a time zone and colours."""

    name = forms.CharField(
        label=_("Name"),
        strip=False,
        help_text=_("As others here read it, beside what you do."),
        error_messages={"required": _("Type your name: others see by it who did something.")},
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=lambda: settings.LANGUAGES,
        error_messages={
            "invalid_choice": _("Gatehouse does not speak that language. Choose one of the list.")
        },
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        strip=False,
        help_text=_("All times are told in it. Type a place, like Lisbon."),
        error_messages={"required": _("Choose a time zone.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "list": "zone-names",
                "maxlength": 64,
            }
        ),
    )
    theme = forms.ChoiceField(
        label=_("Colours"),
        choices=[(value or SYSTEM, label) for value, label in Theme.choices],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose one of the three."),
            "invalid_choice": _("There are no such colours. Choose one of the three."),
        },
    )

    # Their own validators would speak of null characters beside what is said below.
    name.validators = []
    time_zone.validators = []

    @classmethod
    def of(cls, user: User) -> "PreferencesForm":
        """The form that shows how it is."""
        return cls(
            initial={
                "name": user.name,
                "language": user.language,
                "time_zone": user.time_zone,
                "theme": user.theme or SYSTEM,
            }
        )

    def wanted(self) -> Preferences:
        """What they chose."""
        return Preferences(**{field: self.cleaned_data[field] for field in self.fields})

    def clean_theme(self) -> str:
        """The colours as the account keeps them."""
        theme: str = self.cleaned_data["theme"]
        return "" if theme == SYSTEM else theme

    def clean_name(self) -> str:
        """The name in one line, without spaces around it."""
        return one_name(self.cleaned_data["name"])

    def clean_time_zone(self) -> str:
        """The zone as it is written, however it was typed."""
        return one_zone(self.cleaned_data["time_zone"])


class ThemeForm(forms.Form):
    """One of the three."""

    theme = forms.ChoiceField(choices=Theme.choices, required=False)


class NewPasswordForm(ChosenPasswordForm):
    """A new password, typed twice."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=password_validators_help_text_html(),
        error_messages={"required": _("Choose a password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )
    again = forms.CharField(
        label=_("The new password again"),
        strip=False,
        error_messages={"required": _("Type the password a second time.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        """A password that keeps to the rules, and is another one."""
        password = super().clean_password()
        if self.user.has_usable_password() and self.user.check_password(password):
            raise ValidationError(gettext("This is your password already. Choose another one."))
        return password
