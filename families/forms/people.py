"""What is typed about people: whom to invite, as what, and from when to when."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import Family, Property
from families.services.people import Standing, Term
from portal.accounts.models import Role, User
from portal.web.typed import one_address, one_name

MOST_FAMILIES = 50
EVERYTHING, SOME = "everything", "some"


class TermForm(forms.Form):
    """From which day to which, and whether others may be invited. Nothing typed: now, and for good."""

    starts_on = forms.DateField(
        label=_("First day"),
        required=False,
        help_text=_("Nothing typed: from now on. What was before it stays hidden from them."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("That is no day. One looks like 2026-05-31.")},
    )
    ends_on = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("Nothing typed: for good. Days count where the family is."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("That is no day. One looks like 2026-05-31.")},
    )
    may_invite = forms.BooleanField(
        label=_("May invite other members of the family to Gatehouse"),
        required=False,
    )

    @property
    def term(self) -> Term:
        """What was typed, as the services take it."""
        return Term(
            self.cleaned_data.get("starts_on"),
            self.cleaned_data.get("ends_on"),
            self.cleaned_data.get("may_invite", False),
        )


class StandingForm(TermForm):
    """A role, and what it reaches. Properties and families are read by the view: a foreign one is no error of the form."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        strip=False,
        help_text=_("They can change it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(
        label=_("As"),
        choices=[
            (Role.FAMILY_ADMIN.value, _("Family admin: looks after the families you choose")),
            (Role.MANAGER.value, _("Property manager: sees and changes everything within their reach")),
            (Role.AUDITOR.value, _("Auditor: sees everything within their reach, and changes nothing")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what they come as."),
            "invalid_choice": _("Choose one of these."),
        },
    )
    reach = forms.ChoiceField(
        label=_("Their reach"),
        choices=[
            (EVERYTHING, _("Everything; a manager of everything gives others their rights, too")),
            (SOME, _("Only the properties chosen below")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how far they reach."),
            "invalid_choice": _("You have properties of your own only: choose among them."),
        },
    )
    name.validators = []
    field_order = ["email", "name", "role", "reach", "starts_on", "ends_on", "may_invite"]

    def __init__(
        self,
        user: User,
        *args: Any,
        properties: Sequence[Property] = (),
        families: Sequence[Family] = (),
        keeps_families: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.user, self.properties, self.families = user, tuple(properties), tuple(families)
        # Whoever is a family admin and stays one keeps their families: those are given and taken one by one.
        self.keeps_families = keeps_families
        # What is wrong with the lists, which are no fields of the form.
        self.property_error = self.family_error = ""
        if user.is_limited:
            self.fields["reach"].choices = [(SOME, _("The properties chosen below"))]  # type: ignore[attr-defined]

    @property
    def standing(self) -> Standing:
        """What was chosen, as the services take it."""
        role = self.cleaned_data["role"]
        if role == Role.FAMILY_ADMIN:
            return Standing(role, None, () if self.keeps_families else self.families, self.term)
        return Standing(role, self.properties if self.cleaned_data["reach"] == SOME else None)

    def clean_name(self) -> str:
        """A name in one line, or none."""
        typed = self.cleaned_data["name"]
        return one_name(typed) if typed.strip() else ""

    def clean(self) -> None:
        """What the role needs is there; what it does not need is left out, since one sees only what it needs."""
        role, reach = self.cleaned_data.get("role"), self.cleaned_data.get("reach")
        for name in ("reach",) if role == Role.FAMILY_ADMIN else ("starts_on", "ends_on"):
            self.errors.pop(name, None)
        if role == Role.FAMILY_ADMIN:
            if not (self.families or self.keeps_families):
                self.family_error = gettext("Choose at least one family for them to look after.")
            elif len(self.families) > MOST_FAMILIES:
                words = gettext("At most %(limit)d families at a time. Give the others afterwards.")
                self.family_error = words % {"limit": MOST_FAMILIES}
        elif role and reach == SOME and not self.properties:
            self.property_error = gettext("Choose at least one property.")

    def is_valid(self) -> bool:
        """Whether the fields and the two lists are."""
        return super().is_valid() and not (self.property_error or self.family_error)


class InvitePersonForm(StandingForm):
    """Whom to invite to the portal, and as what."""

    email = forms.CharField(
        label=_("E-mail address"),
        strip=False,
        help_text=_("They sign in with it. The invitation goes there."),
        error_messages={"required": _("Type the e-mail address of the person to invite.")},
        widget=forms.EmailInput(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "autofocus": True}
        ),
    )
    email.validators = []
    # Whom the address belongs to already, as a link beside the field.
    known: SafeString | str = ""

    def clean_email(self) -> str:
        """One address, in lower case as it is kept."""
        return one_address(self.cleaned_data["email"]).lower()
