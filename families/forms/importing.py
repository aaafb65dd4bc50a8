"""What is chosen about an import: the sheet, how to read it, what to do with its rows, and until when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from families.models import Family, Rights, Sheet
from families.services import importing
from families.services.importing import Choices

_WORD = "word-"
MEANINGS = [
    (Rights.USER.value, _("Administrator")),
    (Rights.GUEST.value, _("Member")),
    (importing.LEAVE_OUT, _("Leave these rows out")),
]
COLUMN, ONE = "column", "one"
HOURS = (1, 4, 24, 72, 168)
USUAL_HOURS = 24


class UploadForm(forms.Form):
    """A file, or rows that were copied from a spreadsheet."""

    file = forms.FileField(
        label=_("A file"),
        required=False,
        allow_empty_file=True,
        help_text=_("CSV, as every spreadsheet saves it: up to 5,000 rows and 5 MB."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )
    rows = forms.CharField(
        label=_("Or rows, pasted"),
        required=False,
        strip=False,
        help_text=_(
            "Copied from a spreadsheet or typed, one person a line; with the line above that names the columns."
        ),
        widget=forms.Textarea(attrs={"autocomplete": "off", "spellcheck": "false", "wrap": "off"}),
    )

    # NUL is told where it stands, not refused in words of a framework's.
    rows.validators = []

    @property
    def content(self) -> bytes:
        """What was brought, as bytes."""
        file = self.cleaned_data["file"]
        return bytes(file.read()) if file else self.cleaned_data["rows"].encode("utf-8", "replace")

    @property
    def name(self) -> str:
        """The name of the file, or "" for rows."""
        file = self.cleaned_data["file"]
        return str(file.name) if file else ""

    @classmethod
    def too_large(cls) -> "UploadForm":
        """The form after a body that was too large to be read: nothing of it came."""
        form = cls({})
        form.is_valid()
        form.errors.clear()
        form.add_error(None, importing.too_large())
        return form

    def clean_file(self) -> "UploadedFile[bytes] | None":
        """The file, which is not too large."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > importing.LARGEST_BYTES:
            raise forms.ValidationError(importing.too_large())
        return file

    def clean(self) -> None:
        """One of the two."""
        if self.errors:
            return
        has_rows = bool(self.cleaned_data["rows"].strip())
        if self.cleaned_data["file"] is not None and has_rows:
            self.add_error("file", gettext("Bring either a file or pasted rows. The rows are kept below."))
        elif self.cleaned_data["file"] is None and not has_rows:
            self.add_error("file", gettext("Choose a file, or paste rows below."))

    def refuse(self, refused: importing.SheetRefused) -> None:
        """Say what is wrong with what was brought, beside it."""
        self.add_error("file" if self.cleaned_data["file"] is not None else "rows", str(refused))


class ChoicesForm(forms.Form):
    """How to read a sheet, and what to do with its rows. The columns' selects are ``column-0`` and so on; ``words`` are those
    for rights that nobody knows, each asked about by a field of its own."""

    encoding = forms.ChoiceField(label=_("Letters as"), choices=list(importing.ENCODINGS.items()))
    separator = forms.ChoiceField(label=_("Cells end with"), choices=list(importing.SEPARATORS.items()))
    has_header = forms.TypedChoiceField(
        label=_("First row"),
        choices=[("yes", _("Says what the columns are")), ("no", _("Is a person"))],
        coerce=lambda typed: typed == "yes",
    )
    whose = forms.ChoiceField(
        label=_("Into which family"),
        choices=[(COLUMN, _("The one that a column names")), (ONE, _("All of them into one family"))],
        widget=forms.RadioSelect,
    )
    way = forms.ChoiceField(
        label=_("Those who are new"),
        choices=[
            (importing.INVITE, _("Invite by e-mail: they join when they accept")),
            (importing.CREATE, _("Add directly: they are members at once")),
        ],
        widget=forms.RadioSelect,
    )
    auth = forms.ChoiceField(
        label=_("Where a row says no rights"),
        choices=[
            (Rights.GUEST.value, _("Member: opens doors")),
            (Rights.USER.value, _("Administrator: opens doors, invites and removes people")),
        ],
        widget=forms.RadioSelect,
    )
    differing = forms.ChoiceField(
        label=_("Members whose rights differ from the sheet"),
        choices=[("leave", _("Leave as they are")), ("change", _("Change to what the sheet says"))],
        widget=forms.RadioSelect,
    )

    def __init__(
        self,
        *args: Any,
        width: int,
        family: Family | None = None,
        words: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.family = family
        # What is wrong with the family, which is no field of the form.
        self.family_error = ""
        choices = [("", _("Leave out")), *importing.FIELDS.items()]
        for place in range(width):
            self.fields[f"column-{place}"] = forms.ChoiceField(
                label=gettext("Column %(number)d") % {"number": place + 1}, choices=choices, required=False
            )

        for word in words:
            self.fields[f"{_WORD}{importing.word_digest(word)}"] = forms.ChoiceField(
                label=gettext("What does “%(word)s” mean here?") % {"word": word},
                choices=MEANINGS,
                initial=importing.LEAVE_OUT,
                error_messages={"required": gettext("Say what it means, or leave its rows out.")},
            )

    @staticmethod
    def initial_of(sheet: Sheet, columns: Sequence[str]) -> dict[str, Any]:
        """How a draft stands, as the form shows it."""
        options = sheet.job.options
        return {
            "encoding": sheet.encoding,
            "separator": sheet.separator,
            "has_header": "yes" if sheet.has_header else "no",
            "whose": ONE if sheet.family_id or "family" not in columns else COLUMN,
            "way": options["way"],
            "auth": options["auth"],
            "differing": "change" if options["changes_rights"] else "leave",
            **ChoicesForm.columns_as(columns, sheet.words),
        }

    @staticmethod
    def columns_as(columns: Sequence[str], words: Mapping[str, str]) -> dict[str, str]:
        """What columns and words mean, as the form shows it."""
        return {
            **{f"column-{place}": name for place, name in enumerate(columns)},
            **{f"{_WORD}{digest}": meaning for digest, meaning in words.items()},
        }

    @property
    def column_fields(self) -> list[forms.BoundField]:
        """The selects above the columns."""
        return [self[name] for name in self.fields if name.startswith("column-")]

    @property
    def word_fields(self) -> list[forms.BoundField]:
        """The questions about words that nobody knows."""
        return [self[name] for name in self.fields if name.startswith(_WORD)]

    @property
    def columns(self) -> list[str]:
        """What each column means."""
        names = [name for name in self.fields if name.startswith("column-")]
        return [self.cleaned_data.get(name, "") for name in names]

    @property
    def choices(self) -> Choices:
        """What was chosen, as the services take it."""
        chosen = self.cleaned_data
        return Choices(
            encoding=chosen["encoding"],
            separator=chosen["separator"],
            has_header=chosen["has_header"],
            columns=self.columns,
            family=self.family if chosen["whose"] == ONE else None,
            way=chosen["way"],
            changes_rights=chosen["differing"] == "change",
            auth=chosen["auth"],
            words={name.removeprefix(_WORD): chosen[name] for name in self.fields if name.startswith(_WORD)},
        )

    def clean(self) -> None:
        """Each meaning once, an address in any case, and a family from one place."""
        columns = self.columns
        for place, words in importing.wrong_columns(columns):
            self.add_error(None if place is None else f"column-{place}", words)
        whose = self.cleaned_data.get("whose")
        if whose == COLUMN and "family" not in columns:
            self.add_error("whose", importing.no_family())
        elif whose == ONE and self.family is None:
            self.family_error = gettext("Choose the family.")

    def is_valid(self) -> bool:
        """Whether the fields and the family are."""
        return super().is_valid() and not self.family_error


class ConfirmForm(forms.Form):
    """Until when the rows of an import may be sent."""

    hours = forms.TypedChoiceField(
        label=_("Not after"),
        coerce=int,
        initial=USUAL_HOURS,
        help_text=_(
            "Whatever could not be sent by then, because a connection was down, is left out and told."
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["hours"].choices = [(hours, _until(hours)) for hours in HOURS]  # type: ignore[attr-defined]

    @property
    def not_after(self) -> datetime:
        """The moment after which nothing is begun."""
        return timezone.now() + timedelta(hours=self.cleaned_data["hours"])


def _until(hours: int) -> str:
    ends = timezone.localtime(timezone.now() + timedelta(hours=hours))
    if hours > 24:
        span = ngettext("%d day", "%d days", hours // 24) % (hours // 24)
    else:
        span = ngettext("%d hour", "%d hours", hours) % hours
    return gettext("%(span)s, until %(end)s") % {"span": span, "end": date_format(ends, "l j F, H:i")}
