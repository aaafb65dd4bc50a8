"""What people may type about a family, and what is said when it cannot be."""

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import FamilyInvitation, Rights
from portal.audit.models import State
from portal.web.typed import one_address, one_name

NAME_LENGTH = 64


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
        """The name in one line, without spaces around it."""
        return one_name(self.cleaned_data["name"], longest=NAME_LENGTH)


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
        return one_address(self.cleaned_data["email"])
