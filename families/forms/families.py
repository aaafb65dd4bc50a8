"""What people may type about a family, and what is said when it cannot be."""

import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import FamilyInvitation, Rights
from portal.audit.models import State

NAME_LENGTH = 64
EMAIL_LENGTH = 254
# Control and format signs (zero-width ones and those that turn the direction), separators of lines.
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
# Letters and marks by their category, and yet nothing is seen of them.
_HIDDEN_SIGNS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_CONTROL_NAMES = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}


class NameForm(forms.Form):
    """A family's name: 1 to 64 signs that can be seen."""

    name = forms.CharField(
        label=_("Name"),
        strip=False,
        error_messages={"required": _("A family needs a name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )

    # Its own validator would speak of null characters beside what clean_name says.
    name.validators = []

    def clean_name(self) -> str:
        """The name without spaces around it."""
        name = unicodedata.normalize("NFC", self.cleaned_data["name"]).strip()
        if not name:
            raise ValidationError(gettext("A name of spaces alone cannot be read. Type at least one letter."))
        if len(name) > NAME_LENGTH:
            raise ValidationError(
                gettext("A name has at most %(limit)d signs; this one has %(count)s.")
                % {"limit": NAME_LENGTH, "count": f"{len(name):,}"}
            )
        check_visible(name)
        return name


class InviteForm(forms.Form):
    """Whom to invite, and what they may do. ``confirmed`` is the address that a second invitation was agreed for."""

    email = forms.CharField(
        label=_("E-mail address"),
        strip=False,
        error_messages={"required": _("Type the e-mail address of the person to invite.")},
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    auth = forms.ChoiceField(
        label=_("What they may do"),
        choices=[
            (Rights.GUEST.value, _("Member: opens doors")),
            (Rights.USER.value, _("Administrator: opens doors, invites and removes people")),
        ],
        initial=Rights.GUEST.value,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose member or administrator."),
            "invalid_choice": _(
                "Choose member or administrator. A family is handed to another owner, not given by invitation."
            ),
        },
    )
    confirmed = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    email.validators = []
    # Set when the address was invited before: the page then asks, naming this invitation.
    asked_about: FamilyInvitation | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the question was answered for this very address."""
        return bool(self.cleaned_data["confirmed"].casefold() == self.cleaned_data["email"].casefold())

    def ask(self, invitation: FamilyInvitation) -> None:
        """Ask whether to send a second invitation to this address."""
        self.asked_about = invitation
        if invitation.command.state == State.SUCCEEDED:
            words = gettext("This address was invited before and has not joined yet. Nothing was sent now.")
        else:
            words = gettext("An invitation to this address may be out already. Ask before sending another.")
        self.add_error("email", words)

    def clean_email(self) -> str:
        """One address, without spaces around it."""
        typed = self.cleaned_data["email"]
        if "\n" in typed.strip("\r\n") or "\r" in typed.strip("\r\n"):
            raise ValidationError(gettext("One address, on one line."))
        if typed != typed.strip("\r\n"):
            raise ValidationError(gettext("The address has a line break at its end. Type it without."))
        email = typed.strip()
        check_visible(email)
        if email.count("@") > 1 or any(sign in email for sign in ",; \t"):
            raise ValidationError(gettext("One address at a time."))
        if len(email) > EMAIL_LENGTH:
            raise ValidationError(
                gettext("An address has at most %(limit)d signs; this one has %(count)s.")
                % {"limit": EMAIL_LENGTH, "count": f"{len(email):,}"}
            )
        EmailValidator(gettext("That is no e-mail address. One looks like anna@example.org."))(email)
        return str(email)


def check_visible(text: str) -> None:
    """Nothing, if every sign of the text can be seen; else raises ValidationError naming the first that cannot."""
    for sign in text:
        if unicodedata.category(sign) in _HIDDEN_CATEGORIES or sign in _HIDDEN_SIGNS:
            name = unicodedata.name(sign, _CONTROL_NAMES.get(sign, "CONTROL CHARACTER"))
            raise ValidationError(
                gettext("There is a sign in it that cannot be seen: %(name)s (U+%(code)04X). Take it out.")
                % {"name": name, "code": ord(sign)}
            )
