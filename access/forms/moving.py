"""What is typed about a move-out: who owns the family then, when the next household comes, and that it is meant."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.services.moving.beginning import Owner
from access.services.moving.planning import Plan
from families.models import Family
from portal.connections.models import Connection
from portal.web.typed import check_visible
from portal.web.zones import zone_called

LONGEST_REASON = 200
MOST_YEARS = 5


class MoveOutForm(forms.Form):
    """Everything but who leaves, which stands in the address and is read by the view."""

    new_owner = forms.ChoiceField(
        label=_("Who owns the family then"),
        error_messages={
            "required": _("Choose who owns the family then."),
            "invalid_choice": _("They cannot own this family any more. Choose somebody else."),
        },
    )
    next_begins_on = forms.DateField(
        label=_("The next household comes on"),
        required=False,
        help_text=_("Afterwards you can give them the family from this day on. They see nothing of before."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("That is no day. One looks like 2026-05-31.")},
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        strip=False,
        help_text=_("It stands in the record and in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "maxlength": LONGEST_REASON}),
    )
    typed = forms.CharField(
        label=_("Type the name of the family to go on"),
        strip=False,
        error_messages={"required": _("Type the name of the family, so that it is not done by mistake.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason.validators = []
    typed.validators = []

    def __init__(
        self, family: Family, plan: Plan, connections: list[Connection], *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.family = family
        self._owners: dict[str, Owner] = {
            **{f"connection-{one.public_id}": Owner(connection=one) for one in connections},
            **{f"member-{one.public_id}": Owner(member=one) for one in plan.staying},
        }
        if plan.owner is None:
            del self.fields["new_owner"]
        else:
            account = gettext("The account of the connection “%(name)s”")
            choices = [
                (value, owner.member.name if owner.member else account % {"name": owner.name})
                for value, owner in self._owners.items()
            ]
            self.fields["new_owner"].choices = choices  # type: ignore[attr-defined]
        if not plan.leaving.is_whole:
            del self.fields["next_begins_on"]

    @property
    def owner(self) -> Owner:
        """Whom the family is handed to, as the service takes it."""
        return self._owners.get(self.cleaned_data.get("new_owner", ""), Owner())

    def clean_next_begins_on(self) -> date | None:
        """A day from today on, where the family is."""
        day: date | None = self.cleaned_data["next_begins_on"]
        today = timezone.now().astimezone(zone_called(self.family.time_zone)).date()
        if day is not None and day < today:
            raise ValidationError(
                gettext("This day is over. The next household comes today at the earliest.")
            )
        if day is not None and day.year > today.year + MOST_YEARS:
            words = gettext("This is more than %(years)d years away.")
            raise ValidationError(words % {"years": MOST_YEARS})
        return day

    def clean_reason(self) -> str:
        """One line, or nothing."""
        reason = " ".join(str(self.cleaned_data["reason"]).split())
        check_visible(reason)
        if len(reason) > LONGEST_REASON:
            raise ValidationError(gettext("At most %(most)d characters.") % {"most": LONGEST_REASON})
        return reason

    def clean_typed(self) -> str:
        """The family's name; spaces around it and between its words do not count."""
        typed = str(self.cleaned_data["typed"])
        if " ".join(typed.split()) != " ".join((self.family.name or self.family.residence_id).split()):
            words = gettext("That is not the name of this family. Type “%(name)s”.")
            raise ValidationError(words % {"name": self.family.name})
        return typed
