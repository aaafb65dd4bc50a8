"""What people may type about credentials, and what is said when it cannot be."""

from itertools import pairwise
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal.web.typed import check_visible

FILENAME_LENGTH = 255
PICTURES = (".jpg", ".png")
# A path, or what some system takes for one.
PATH_SIGNS = frozenset("/\\:")
DIGITS = frozenset("0123456789")


class PinForm(forms.Form):
    """Another PIN, typed twice. What was typed never comes back in the form, nor in what is said of it."""

    pin = forms.CharField(
        label=_("New PIN"),
        strip=True,
        error_messages={"required": _("Type the new PIN.")},
    )
    again = forms.CharField(
        label=_("The same once more"),
        strip=True,
        error_messages={"required": _("Type the new PIN a second time.")},
    )

    # Their own validator would speak of null characters beside what clean_pin says.
    pin.validators = again.validators = []

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        self.fields["pin"].help_text = _length_words()
        for name in self.fields:
            self.fields[name].widget = forms.PasswordInput(
                render_value=False,
                attrs={"autocomplete": "off", "inputmode": "numeric", "spellcheck": "false"},
            )
        self.fields["pin"].widget.attrs["autofocus"] = True

    def clean_pin(self) -> str:
        """Digits alone, as many as are allowed, and not the first that somebody would try; leading zeros stay."""
        return one_pin(self.cleaned_data["pin"])

    def clean(self) -> dict[str, Any]:
        """Both times the same."""
        fields = super().clean() or self.cleaned_data
        if fields.get("pin") and fields.get("again") and fields["pin"] != fields["again"]:
            self.add_error("again", gettext("It is not the same as the first. Type both again."))
        return fields


class FaceForm(forms.Form):
    """The name of a face's file, as the door system knows it."""

    filename = forms.CharField(
        label=_("Name of the picture"),
        strip=True,
        help_text=_("Ends in .jpg or .png, for example maria.jpg."),
        error_messages={"required": _("Type the name of the picture.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "autofocus": True}
        ),
    )

    filename.validators = []

    def clean_filename(self) -> str:
        """One file's name without a path."""
        return one_filename(self.cleaned_data["filename"])


def one_pin(typed: str) -> str:
    """The PIN, if it is one that may be given; raises ValidationError, which never holds what was typed."""
    if not set(typed) <= DIGITS:
        raise ValidationError(
            gettext("Use the digits 0 to 9 alone: no letters, no spaces, no digits of other scripts.")
        )
    if not settings.PIN_MIN_LENGTH <= len(typed) <= settings.PIN_MAX_LENGTH:
        raise ValidationError(
            gettext("%(limits)s What you typed had %(count)s.")
            % {"limits": _length_words(), "count": f"{len(typed):,}"}
        )
    if _is_repeated(typed):
        raise ValidationError(gettext("It repeats itself: that is tried first. Take another."))
    if _is_sequence(typed):
        raise ValidationError(gettext("Digits in a row are tried first. Take another."))
    return typed


def one_filename(typed: str) -> str:
    """The name of a picture, without a path; raises ValidationError."""
    check_visible(typed)
    if set(typed) & PATH_SIGNS:
        raise ValidationError(gettext("The name alone, without a folder: none of / \\ and : may be in it."))
    if typed.startswith("."):
        raise ValidationError(gettext("It begins with a dot. Type the name of the picture."))
    if len(typed.encode()) > FILENAME_LENGTH:
        raise ValidationError(
            gettext("A name has at most %(limit)d characters; this one is longer.")
            % {"limit": FILENAME_LENGTH}
        )
    if not typed.lower().endswith(PICTURES):
        raise ValidationError(gettext("It has to end in .jpg or .png."))
    return typed


def _length_words() -> str:
    shortest, longest = settings.PIN_MIN_LENGTH, settings.PIN_MAX_LENGTH
    if shortest == longest:
        return ngettext("Exactly %(n)d digit.", "Exactly %(n)d digits.", longest) % {"n": longest}
    return gettext("From %(shortest)d to %(longest)d digits.") % {"shortest": shortest, "longest": longest}


def _is_repeated(pin: str) -> bool:
    """Whether a shorter part makes up all of it: 0000, 1212, 123123."""
    return pin in (pin + pin)[1:-1]


def _is_sequence(pin: str) -> bool:
    """Whether each digit is one more, or one less, than the one before, with 0 after 9: 1234, 8765, 7890."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return steps in ({1}, {9})
