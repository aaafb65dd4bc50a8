"""What is typed to have passes made: what they are called, for whom, from when to when, and how often they work."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from access.forms.handing import LABEL_LENGTH, PassWordsForm
from access.services.passes import windows
from access.services.passes.windows import LONG, NoSuchTime, Preset, Window
from families.models import Family
from portal.accounts.models import User
from portal.web.typed import one_address, one_name
from portal.web.zones import zone_called

OWN = "own"
USUAL_USES = (1, 2, 10, 100)
MANY_USES, MOST_USES = 100, 10_000
MOST_PEOPLE = 100
LONGEST_LINE = 500
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,12}")
_BETWEEN = re.compile(r"[,;\t]")


@dataclass(frozen=True)
class Visitor:
    """Whom a pass is for; both may be empty."""

    name: str = ""
    email: str = ""


class PassForm(PassWordsForm):
    """A pass, or several alike: one for each family and each visitor.

    ``families`` are those that were chosen: their clocks say when. ``agreed`` holds what was warned of and is meant so.
    """

    visitors = forms.CharField(
        label=_("Several people at once"),
        required=False,
        strip=False,
        help_text=_(
            "One a line: a name, and after a comma an e-mail address. Each gets a pass of their own."
        ),
        widget=forms.Textarea(attrs={"autocomplete": "off", "spellcheck": "false", "wrap": "off"}),
    )
    window = forms.ChoiceField(
        label=_("When"),
        initial=Preset.TODAY.value,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose when."), "invalid_choice": _("Choose one of these.")},
    )
    begins = forms.CharField(
        label=_("From"),
        required=False,
        strip=True,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "autocomplete": "off"}),
    )
    ends = forms.CharField(
        label=_("To"),
        required=False,
        strip=True,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "autocomplete": "off"}),
    )
    often = forms.ChoiceField(
        label=_("How often it opens"),
        initial="10",
        widget=forms.RadioSelect,
        help_text=_("Each door on the way counts: the gate is one, the house another."),
        error_messages={"required": _("Choose how often."), "invalid_choice": _("Choose one of these.")},
    )
    uses = forms.CharField(
        label=_("Number of uses"),
        required=False,
        strip=True,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    agreed = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    visitors.validators = begins.validators = ends.validators = uses.validators = agreed.validators = []

    def __init__(self, user: User, *args: Any, families: Sequence[Family] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.user, self.families = user, tuple(families)
        self.now = timezone.now()
        self.zones = sorted({family.time_zone for family in families} or {"UTC"})
        # What has to be meant so before anything is sent: a code and the words.
        self.warnings: dict[str, str] = {}
        self.windows: Mapping[str, Window] = {}
        self.fields["label"].help_text = gettext("What it is called here. Nothing typed: the visitor’s name.")
        # What is said first is whom it is for; a form that comes back says first what is wrong.
        self.fields["label"].widget.attrs.pop("autofocus", None)
        if families and not self.is_bound:
            self.fields["visitor_name"].widget.attrs["autofocus"] = True
        if user.is_family_admin:
            del self.fields["visitors"]
        self.fields["window"].choices = [  # type: ignore[attr-defined]
            *((preset.value, self._told(preset)) for preset in Preset),
            (OWN, gettext("Other times")),
        ]
        self.fields["often"].choices = [  # type: ignore[attr-defined]
            *((str(n), ngettext("%(n)d time", "%(n)d times", n) % {"n": n}) for n in USUAL_USES),
            (OWN, gettext("Another number")),
        ]

    @property
    def place(self) -> str:
        """Where the clocks are that count, and what they show; of families in several zones each counts its own."""
        if len(self.zones) > 1 or not self.families:
            return gettext("Times count where each family is.")
        zone = zone_called(self.zones[0])
        if str(zone) == "UTC":
            return gettext("Times in UTC, where it is %(utc)s now.") % {"utc": f"{self.now:%H:%M}"}
        words = gettext("Times in %(place)s, where it is %(clock)s now (%(utc)s UTC).")
        clock = f"{self.now.astimezone(zone):%H:%M}"
        return words % {"place": windows.place_of(zone), "clock": clock, "utc": f"{self.now:%H:%M}"}

    @property
    def people(self) -> Sequence[Visitor]:
        """Whom the passes are for, at least one."""
        several: Sequence[Visitor] = self.cleaned_data.get("visitors") or ()
        chosen = self.cleaned_data
        return several or (Visitor(chosen.get("visitor_name", ""), chosen.get("visitor_email", "")),)

    @property
    def count(self) -> int:
        """How often each of them opens."""
        often = self.cleaned_data["often"]
        return int(self.cleaned_data["uses"] if often == OWN else often)

    def label_of(self, visitor: Visitor) -> str:
        """What the pass of this visitor is called."""
        label: str = self.cleaned_data["label"]
        return (label or visitor.name or visitor.email)[:LABEL_LENGTH]

    @property
    def unconfirmed(self) -> list[str]:
        """What was not agreed to yet, in words."""
        agreed = set(self.data.get("agreed", "").split())
        return [words for code, words in self.warnings.items() if code not in agreed]

    def clean_visitors(self) -> Sequence[Visitor]:
        """The people that stand in the lines."""
        lines = [line for line in self.cleaned_data["visitors"].splitlines() if line.strip()]
        if len(lines) > MOST_PEOPLE:
            words = gettext("At most %(limit)d people at once; these are %(count)s.")
            raise ValidationError(words % {"limit": MOST_PEOPLE, "count": f"{len(lines):,}"})
        found: dict[Visitor, int] = {}
        wrong = []
        for number, line in enumerate(lines, 1):
            try:
                visitor = _visitor(line)
            except ValidationError as error:
                wrong.append(_in_line(number, " ".join(error.messages)))
                continue
            if visitor in found:
                words = gettext("the same stands in line %(number)d already.") % {"number": found[visitor]}
                wrong.append(_in_line(number, words))
            found.setdefault(visitor, number)
        if wrong:
            raise ValidationError(wrong[:10])
        return tuple(found)

    def clean(self) -> None:
        """What belongs together: a name of some kind, the window where each family is, the number of uses."""
        chosen = self.cleaned_data
        several = chosen.get("visitors")
        if several and (chosen.get("visitor_name") or chosen.get("visitor_email")):
            self.add_error("visitors", gettext("Type either one visitor above, or several here."))
        nobody = not (several or self.errors or chosen.get("visitor_name") or chosen.get("visitor_email"))
        if nobody and not chosen.get("label"):
            self.add_error("label", gettext("Type what it is called, or whom it is for."))
        if chosen.get("often") == OWN:
            self._check_uses(chosen.get("uses", ""))
        if chosen.get("window"):
            self.windows = {
                zone: found for zone in self.zones if (found := self._window_in(zone)) is not None
            }
        self._warn()

    def _told(self, preset: Preset) -> str:
        if len(self.zones) > 1 or not self.families:
            return str(preset.label)
        zone = zone_called(self.zones[0])
        return f"{preset.label}: {windows.offered(preset, zone, self.now).told(zone)}"

    def _check_uses(self, typed: str) -> None:
        if not typed:
            self.add_error("uses", gettext("Type how often it opens."))
        elif not _DIGITS.fullmatch(typed):
            words = gettext("Use the digits 0 to 9 alone: no letters, no signs, no digits of other scripts.")
            self.add_error("uses", words)
        elif not 1 <= int(typed) <= MOST_USES:
            words = gettext("From 1 to %(most)s.") % {"most": f"{MOST_USES:,}"}
            self.add_error("uses", words)

    def _window_in(self, name: str) -> Window | None:
        """The window where the clocks are these; None where something is wrong with it, which is said beside it."""
        chosen = self.cleaned_data
        zone = zone_called(name)
        if chosen["window"] != OWN:
            return windows.offered(Preset(chosen["window"]), zone, self.now)
        begins = self._moment("begins", zone, is_last=False)
        ends = self._moment("ends", zone, is_last=True)
        if begins is None or ends is None:
            return None
        wrong = self._wrong_with(begins, ends, zone)
        if wrong:
            self._say("ends", wrong)
        return None if wrong else Window(begins, ends)

    def _wrong_with(self, begins: datetime, ends: datetime, zone: ZoneInfo) -> str:
        if ends == begins:
            return gettext("It ends when it begins. Take a later end.")
        if ends < begins:
            return gettext("It ends before it begins. Take a later end.")
        if ends <= self.now:
            return gettext("That is over already. Take a later end.")
        last = windows.too_late(self.now)
        if ends > last:
            words = gettext("A pass ends within a year and a day: by %(day)s. Make another then.")
            return words % {"day": date_format(last.astimezone(zone), "j F Y")}
        return ""

    def _moment(self, field: str, zone: ZoneInfo, *, is_last: bool) -> datetime | None:
        typed = self.cleaned_data.get(field, "")
        words = ""
        all_of_them: Sequence[datetime] = ()
        if not typed:
            words = gettext("Say until when.") if is_last else gettext("Say from when.")
        elif not _MOMENT.fullmatch(typed):
            words = gettext("That is no day and time. They look like 2026-05-31 14:00.")
        else:
            try:
                local = datetime.fromisoformat(typed)
                all_of_them = windows.moments(local, zone)
            except NoSuchTime as none:
                words = none.words
            except (ValueError, OverflowError):
                words = gettext("There is no such day or time. Look at the calendar.")
        if words:
            self._say(field, words)
            return None
        taken = all_of_them[-1 if is_last else 0]
        if len(all_of_them) > 1:
            self._note_twice(field, local, zone, taken)
        return taken

    def _note_twice(self, field: str, local: datetime, zone: ZoneInfo, taken: datetime) -> None:
        words = gettext(
            "The clock in %(place)s shows %(clock)s twice on %(day)s. The pass begins with the first of them (%(utc)s UTC)."
        )
        if field == "ends":
            words = gettext(
                "The clock in %(place)s shows %(clock)s twice on %(day)s. The pass ends with the second of them (%(utc)s UTC)."
            )
        told = {
            "place": windows.place_of(zone),
            "clock": f"{local:%H:%M}",
            "day": date_format(local, "j F Y"),
        }
        self.warnings[f"twice-{field}-{taken:%Y%m%d%H%M}"] = words % (told | {"utc": f"{taken:%H:%M}"})

    def _warn(self) -> None:
        for window in self.windows.values():
            length = window.ends_at - window.starts_at
            if length > LONG:
                days = -(-length // timedelta(days=1))
                words = gettext(
                    "It is good for %(days)d days. Whoever has the code can come in all that time."
                )
                self.warnings[f"days-{days}"] = words % {"days": days}
        often = self.cleaned_data.get("often")
        if often and not self.errors.get("uses") and self.count > MANY_USES:
            words = gettext("It opens %(n)s times. Most visitors need fewer than a hundred.")
            self.warnings[f"uses-{self.count}"] = words % {"n": f"{self.count:,}"}

    def _say(self, field: str, words: str) -> None:
        """Beside its field, once, however many zones say the same."""
        if words not in self.errors.get(field, []):
            self.add_error(field, words)


def _visitor(line: str) -> Visitor:
    if len(line) > LONGEST_LINE:
        raise ValidationError(gettext("it is too long."))
    parts = [part for part in _BETWEEN.split(line) if part.strip()]
    addresses = [part for part in parts if "@" in part]
    names = [part for part in parts if "@" not in part]
    if len(addresses) > 1 or len(names) > 1:
        raise ValidationError(gettext("one name, and after a comma one e-mail address."))
    email = one_address(addresses[0].strip(" ")) if addresses else ""
    return Visitor(one_name(names[0], LABEL_LENGTH) if names else "", email)


def _in_line(number: int, words: str) -> str:
    return gettext("Line %(number)d: %(words)s") % {"number": number, "words": words}
