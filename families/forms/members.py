"""What is typed about members: somebody added directly, the next owner, a family to join."""

import unicodedata
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import Member, Rights
from portal.connections.models import Connection
from portal.web.typed import check_visible, one_address, one_name

NAME_LENGTH = 64
PASSWORD_LENGTH = 128
RESIDENCE_LENGTH = 128
_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class RightsField(forms.ChoiceField):
    """Administrator or member: all that anybody can be given."""

    def __init__(self, label: Any) -> None:
        super().__init__(
            label=label,
            choices=[
                (Rights.GUEST.value, _("Member: opens doors")),
                (Rights.USER.value, _("Administrator: opens doors, invites and removes people")),
            ],
            initial=Rights.GUEST.value,
            widget=forms.RadioSelect,
            error_messages={
                "required": _("Choose member or administrator."),
                "invalid_choice": _(
                    "Choose member or administrator. A family is handed to another owner, not given by rights."
                ),
            },
        )


class AddForm(forms.Form):
    """Somebody to be added without an invitation. The password is never written back into the page."""

    first_name = forms.CharField(
        label=_("First name"),
        strip=False,
        error_messages={"required": _("Type at least a first name.")},
        widget=forms.TextInput(attrs={**_PLAIN, "autofocus": True}),
    )
    last_name = forms.CharField(
        label=_("Last name"), required=False, strip=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    email = forms.CharField(
        label=_("E-mail address"),
        strip=False,
        error_messages={"required": _("Type the e-mail address of the person to add.")},
        widget=forms.EmailInput(attrs=_PLAIN),
    )
    auth = RightsField(_("What they may do"))
    password = forms.CharField(
        label=_("First password"),
        required=False,
        strip=False,
        help_text=_(
            "For the app of the door system. It is sent once, shown to nobody afterwards and kept nowhere: tell it to them yourself."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    first_name.validators = []
    last_name.validators = []
    email.validators = []
    password.validators = []

    def clean_first_name(self) -> str:
        """The name in one line."""
        return one_name(self.cleaned_data["first_name"], NAME_LENGTH)

    def clean_last_name(self) -> str:
        """The name in one line, "" for none."""
        typed = self.cleaned_data["last_name"]
        return one_name(typed, NAME_LENGTH) if typed else ""

    def clean_email(self) -> str:
        """One address, without spaces around it."""
        return one_address(self.cleaned_data["email"])

    def clean_password(self) -> str:
        """The password as it was typed, if it can be sent."""
        password = str(self.cleaned_data["password"])
        check_visible(password)
        if len(password) > PASSWORD_LENGTH:
            raise ValidationError(
                gettext("A first password has at most %(limit)d characters.") % {"limit": PASSWORD_LENGTH}
            )
        return password

    def say_again(self) -> None:
        """Say beside the empty field that the password has to be typed again, if one was typed."""
        if self.data.get("password") and "password" not in self.errors:
            self.add_error("password", gettext("Type it again: it was not kept."))


class HandOverForm(forms.Form):
    """The next owner, chosen among ``members``, whose name is typed to be sure."""

    member = forms.ChoiceField(
        label=_("The next owner"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose the next owner."),
            "invalid_choice": _("They are not in this family any more. Choose another."),
        },
    )
    typed = forms.CharField(
        label=_("Their name"),
        strip=False,
        help_text=_("Type it as it stands above: a family is not handed over by a slip of the mouse."),
        error_messages={"required": _("Type the name of the next owner.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    typed.validators = []

    def __init__(self, members: Sequence[Member], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.members = {member.public_id: member for member in members}
        chosen = [(member.public_id, _described(member)) for member in members]
        cast("forms.ChoiceField", self.fields["member"]).choices = chosen

    @property
    def chosen(self) -> Member:
        """The next owner; only of a valid form."""
        return self.members[self.cleaned_data["member"]]

    def clean(self) -> None:
        """The name is that of who was chosen."""
        member = self.members.get(self.cleaned_data.get("member", ""))
        typed = self.cleaned_data.get("typed")
        if member is not None and typed is not None and _plain(typed) != _plain(member.name):
            self.add_error("typed", gettext("That is not the name of who was chosen. Nothing was sent."))


class JoinForm(forms.Form):
    """A family by the door system's id, and the connection whose account is to join it."""

    residence_id = forms.CharField(
        label=_("The family’s id at the door system"),
        strip=False,
        help_text=_("Whoever owns the family finds it in their app, or asks the vendor for it."),
        error_messages={"required": _("Type the id of the family.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    connection = forms.ChoiceField(
        label=_("With the account of"),
        error_messages={
            "required": _("Choose a connection."),
            "invalid_choice": _("This connection is not there any more. Choose another."),
        },
    )
    auth = RightsField(_("What the account may do there"))
    residence_id.validators = []

    def __init__(self, connections: Sequence[Connection], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections = {connection.public_id: connection for connection in connections}
        named = [(each.public_id, each.name) for each in connections]
        cast("forms.ChoiceField", self.fields["connection"]).choices = named
        self.fields["auth"].initial = Rights.USER.value

    @property
    def chosen(self) -> Connection:
        """The connection; only of a valid form."""
        return self.connections[self.cleaned_data["connection"]]

    def clean_residence_id(self) -> str:
        """The id without spaces around it."""
        found = str(self.cleaned_data["residence_id"]).strip()
        check_visible(found)
        if not found or " " in found:
            raise ValidationError(
                gettext("An id is one word; one looks like r1fe84136a5f04507a40f9cdd1de82ba4.")
            )
        if len(found) > RESIDENCE_LENGTH:
            raise ValidationError(
                gettext("An id has at most %(limit)d characters; this one has %(count)s.")
                % {"limit": RESIDENCE_LENGTH, "count": f"{len(found):,}"}
            )
        return found


def _described(member: Member) -> str:
    told = [member.name, member.rights, member.email if member.email != member.name else ""]
    return " · ".join(part for part in told if part)


def _plain(name: str) -> str:
    """A name as two people may type it: capitals, spaces and signs that cannot be seen do not count."""
    seen = (sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return " ".join("".join(seen).split()).casefold()
