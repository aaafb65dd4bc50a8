"""What people may type about a property, and what is said when it cannot be."""

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import Property
from families.services.properties import LONGEST_NAME
from portal.web.typed import one_name, one_zone


class PropertyForm(forms.Form):
    """A property's name and zone. ``seen_name`` and ``seen_zone`` are how it stood when the form was made."""

    name = forms.CharField(
        label=_("Name"),
        strip=False,
        error_messages={"required": _("A property needs a name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        strip=False,
        help_text=_("Where it stands, like Europe/Lisbon. The times of its families are told in this zone."),
        error_messages={"required": _("Choose the time zone that the property stands in.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "list": "zone-names", "maxlength": 64}
        ),
    )
    seen_name = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    seen_zone = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    # Their own validators would speak of null characters beside what is said here.
    name.validators = []
    time_zone.validators = []
    seen_name.validators = []
    seen_zone.validators = []

    @classmethod
    def of(cls, place: Property) -> "PropertyForm":
        """The form that changes a property."""
        return cls(
            initial={
                "name": place.name,
                "time_zone": place.time_zone,
                "seen_name": place.name,
                "seen_zone": place.time_zone,
            }
        )

    def seen(self, place: Property) -> Property:
        """The property as it stood when the form was made."""
        name, zone = self.cleaned_data["seen_name"], self.cleaned_data["seen_zone"]
        return Property(pk=place.pk, name=name or place.name, time_zone=zone or place.time_zone)

    def say_taken(self, name: str) -> None:
        """Say that another property has the name."""
        self.add_error(
            "name",
            gettext("There is a property “%(name)s” already. Give this one another name.") % {"name": name},
        )

    def say_changed(self, now: Property) -> None:
        """Say how it stands since somebody else changed it; what was typed is kept, and can be sent again."""
        said = gettext(
            "Somebody else changed it meanwhile to “%(name)s”, %(zone)s. Nothing was changed by you."
        )
        self.add_error(None, said % {"name": now.name, "zone": now.time_zone})
        self.data = {**self.data.dict(), "seen_name": now.name, "seen_zone": now.time_zone}  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """The name in one line, every space a plain one."""
        return one_name(self.cleaned_data["name"], LONGEST_NAME)

    def clean_time_zone(self) -> str:
        """The zone as it is written, however it was typed."""
        return one_zone(self.cleaned_data["time_zone"])
