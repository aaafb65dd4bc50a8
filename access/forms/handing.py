"""What is typed about a pass that exists: its words, and a mail to its visitor."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.models import TempKey
from portal.accounts import mails
from portal.web.typed import check_visible, one_address, one_name

LABEL_LENGTH = 100
NOTE_LENGTH = 300
SUBJECT_LENGTH = 120
MESSAGE_LENGTH = 1_000
MESSAGE_LINES = 30
_PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class PassWordsForm(forms.Form):
    """What we say of a pass: all of it may be empty."""

    label = forms.CharField(
        label=_("Label"),
        required=False,
        strip=False,
        help_text=_("By it the pass is found again."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    visitor_name = forms.CharField(
        label=_("Who it is for"), required=False, strip=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    visitor_email = forms.CharField(
        label=_("Their e-mail address"), required=False, strip=False, widget=forms.EmailInput(attrs=_PLAIN)
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        strip=False,
        help_text=_("For those who see the pass here. The visitor never sees it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    # Their own validators would speak of null characters beside what is said here.
    label.validators = visitor_name.validators = visitor_email.validators = note.validators = []

    @classmethod
    def of(cls, key: TempKey) -> "PassWordsForm":
        """The form with what is said now."""
        return cls(initial={name: getattr(key, name) for name in cls.base_fields})

    def clean_label(self) -> str:
        """The label in one line."""
        return _one_line(self.cleaned_data["label"], LABEL_LENGTH)

    def clean_visitor_name(self) -> str:
        """The name in one line."""
        return _one_line(self.cleaned_data["visitor_name"], LABEL_LENGTH)

    def clean_visitor_email(self) -> str:
        """One address, or none."""
        typed = self.cleaned_data["visitor_email"]
        return one_address(typed) if typed.strip(" ") else ""

    def clean_note(self) -> str:
        """The note in one line."""
        return _one_line(self.cleaned_data["note"], NOTE_LENGTH)


class PassMailForm(forms.Form):
    """A mail to a visitor."""

    to = forms.CharField(
        label=_("To"),
        strip=False,
        error_messages={"required": _("Type the visitor’s e-mail address.")},
        widget=forms.EmailInput(attrs=_PLAIN),
    )
    subject = forms.CharField(
        label=_("Subject"),
        strip=False,
        error_messages={"required": _("A mail needs a subject.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    message = forms.CharField(
        label=_("Message"),
        required=False,
        strip=False,
        help_text=_("Window and doors are added below it."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    carries = forms.ChoiceField(
        label=_("What it brings"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what the mail brings."),
            "invalid_choice": _("That cannot be sent of this pass now. Choose what is offered."),
        },
    )

    to.validators = subject.validators = message.validators = []

    def __init__(self, *args: Any, may_link: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [
            ("code", _("The code itself: whoever reads the mail can open the door")),
            ("none", _("Window and doors alone: I tell the code myself")),
        ]
        if may_link:
            words = _("A link that shows the code from the beginning of the window on, and can be ended")
            choices.insert(0, ("link", words))
        cast("forms.ChoiceField", self.fields["carries"]).choices = choices

    def clean_to(self) -> str:
        """One address."""
        return one_address(self.cleaned_data["to"])

    def clean_subject(self) -> str:
        """One line: a mail's head has one for it."""
        return one_name(self.cleaned_data["subject"], SUBJECT_LENGTH)

    def clean_message(self) -> str:
        """Lines of signs that can be seen, as they were typed."""
        lines = self.cleaned_data["message"].replace("\r\n", "\n").strip().split("\n")
        for line in lines:
            check_visible(line)
        if len(lines) > MESSAGE_LINES:
            raise ValidationError(
                gettext("A message has at most %(limit)d lines; this one has %(count)d.")
                % {"limit": MESSAGE_LINES, "count": len(lines)}
            )
        text = "\n".join(line.rstrip() for line in lines)
        if len(text) > MESSAGE_LENGTH:
            raise ValidationError(
                gettext("A message has at most %(limit)d characters; this one has %(count)s.")
                % {"limit": MESSAGE_LENGTH, "count": f"{len(text):,}"}
            )
        return text

    def clean_carries(self) -> str:
        """What it brings; no code into a mail that is written into this machine's own log."""
        carries = str(self.cleaned_data["carries"])
        if carries == "code" and mails.are_shown_here():
            raise ValidationError(
                gettext(
                    "No mail leaves this machine: it would write the code into its own log. Show the code, or print it."
                )
            )
        return carries


def _one_line(typed: str, longest: int) -> str:
    """The words in one line, "" for none; raises ValidationError."""
    return one_name(typed, longest) if typed.strip(" ") else ""
