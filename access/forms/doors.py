"""What people may ask of a door."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.models import Relay

REASON_LENGTH = 200


def security_word() -> str:
    """What is typed to open a security door, in the reader's language."""
    return _("open")


class OpenDoorForm(forms.Form):
    """A press and what was answered ahead of it.

    ``families`` are the doors among which it is chosen through which family to open; without, there is no such field.
    ``offline`` and ``again`` say what the person was told and wants all the same.
    """

    press = forms.CharField(max_length=400, widget=forms.HiddenInput)
    through = forms.ChoiceField()
    word = forms.CharField(
        max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Kept in the audit trail, for example: locked out, called at 16:41."),
    )
    offline = forms.BooleanField(required=False, widget=forms.HiddenInput)
    again = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None, *, relay: Relay, families: Sequence[Relay] | None = None
    ) -> None:
        # Several doors stand on a page, each with its question.
        super().__init__(data, auto_id=f"press-%s-{relay.public_id}")
        self.fields["reason"].required = settings.OPEN_REASON_REQUIRED
        self.families = {door.public_id: door for door in families or ()}
        if families is None:
            del self.fields["through"]
        else:
            self._offer(families)
        if relay.is_security:
            self.fields["word"].label = _("Type “%(word)s” to open a security door") % {
                "word": security_word()
            }
        else:
            del self.fields["word"]
        shown = [name for name in ("through", "word", "reason") if name in self.fields]
        # What is to be answered first, and the second time what was answered wrongly.
        first = next((name for name in shown if self.is_bound and name in self.errors), shown[0])
        self.fields[first].widget.attrs["autofocus"] = True

    def clean_word(self) -> str:
        typed = str(self.cleaned_data["word"])
        if _without_spaces(typed) != _without_spaces(security_word()):
            raise forms.ValidationError(
                _("That is another word. Nothing was sent. Type “%(word)s”.") % {"word": security_word()}
            )
        return typed

    @property
    def chosen(self) -> Relay | None:
        """The door of the family that was chosen; None where there was no choice."""
        return self.families.get(self.cleaned_data.get("through", ""))

    def _offer(self, families: Sequence[Relay]) -> None:
        choices = [(door.public_id, _family_words(door)) for door in families]
        if not (families and getattr(families[0], "last_used_at", None)):
            choices.insert(0, ("", _("Choose a family")))
        self.fields["through"] = forms.ChoiceField(
            label=_("Open through the family"),
            choices=choices,
            help_text=_("Its log will show the opening."),
        )


def _family_words(door: Relay) -> str:
    family = door.device.family
    return f"{family.name}, {family.property}" if family.property else family.name


def _without_spaces(text: str) -> str:
    return "".join(text.split()).casefold()
