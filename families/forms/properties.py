"""What people may type about a property, and what is said when it cannot be."""

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.models import Property
from families.services.properties import LONGEST_CONTACT, LONGEST_NAME
from portal.web.typed import check_visible, one_name, one_zone


class PropertyForm(forms.Form):
    """A property's name, zone, and whom its visitors call; ``seen_…`` are how they stood when the form was made."""

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
    visitor_contact = forms.CharField(
        label=_("Whom visitors call"),
        required=False,
        strip=False,
        help_text=_(
            "Perhaps a name and a telephone number. Whoever holds the link of a visitor’s pass can read it; without one "
            "they are told to ask whoever gave them the link."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    seen_name = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    seen_zone = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    seen_contact = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    # Their own validators would speak of null characters beside what is said here.
    name.validators = []
    time_zone.validators = []
    visitor_contact.validators = []
    seen_name.validators = []
    seen_zone.validators = []
    seen_contact.validators = []

    @classmethod
    def of(cls, place: Property) -> "PropertyForm":
        """The form that changes a property."""
        return cls(
            initial={
                "name": place.name,
                "time_zone": place.time_zone,
                "visitor_contact": place.visitor_contact,
                "seen_name": place.name,
                "seen_zone": place.time_zone,
                "seen_contact": place.visitor_contact,
            }
        )

    def seen(self, place: Property) -> Property:
        """The property as it stood when the form was made."""
        name, zone = self.cleaned_data["seen_name"], self.cleaned_data["seen_zone"]
        # "" is nobody; a form that does not speak of it has seen it as it is.
        contact = self.cleaned_data["seen_contact"] if "seen_contact" in self.data else place.visitor_contact
        return Property(
            pk=place.pk,
            name=name or place.name,
            time_zone=zone or place.time_zone,
            visitor_contact=contact,
        )

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
        if now.visitor_contact:
            said = gettext(
                "Somebody else changed it meanwhile to “%(name)s”, %(zone)s, visitors call “%(contact)s”. "
                "Nothing was changed by you."
            )
        words = {"name": now.name, "zone": now.time_zone, "contact": now.visitor_contact}
        self.add_error(None, said % words)
        seen = {"seen_name": now.name, "seen_zone": now.time_zone, "seen_contact": now.visitor_contact}
        self.data = self.data.dict() | seen  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """The name in one line, every space a plain one."""
        return one_name(self.cleaned_data["name"], LONGEST_NAME)

    def clean_time_zone(self) -> str:
        """The zone as it is written, however it was typed."""
        return one_zone(self.cleaned_data["time_zone"])

    def clean_visitor_contact(self) -> str:
        """Whom to call in one line, "" for nobody."""
        typed = str(self.cleaned_data["visitor_contact"]).strip()
        check_visible(typed)
        contact = " ".join(typed.split())
        if len(contact) > LONGEST_CONTACT:
            raise forms.ValidationError(
                gettext("At most %(limit)d characters; these are %(count)s.")
                % {"limit": LONGEST_CONTACT, "count": f"{len(contact):,}"}
            )
        return contact
