"""Windows of passes, as people say them: a clock where the family is, or one of a few that are offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# A window that is longer is asked about; one that ends later than this, from now, is a mistake.
LONG = timedelta(days=30)
FURTHEST_DAYS = 366


class Preset(TextChoices):
    """A window that is offered: it is counted from the moment at which it is asked for."""

    TWO_HOURS = "two_hours", gettext_lazy("The next two hours")
    TODAY = "today", gettext_lazy("Today")
    TOMORROW = "tomorrow", gettext_lazy("Tomorrow")
    WEEK = "week", gettext_lazy("This week")


@dataclass(frozen=True)
class Window:
    """From one moment to another, in UTC and whole seconds."""

    starts_at: datetime
    ends_at: datetime

    def told(self, zone: tzinfo) -> str:
        """In words, in a zone: "22 Nov 14:00 – 16:00"."""
        begins, ends = self.starts_at.astimezone(zone), self.ends_at.astimezone(zone)
        day = "j M" if begins.year == ends.year == datetime.now(zone).year else "j M Y"
        last = date_format(ends, "H:i" if begins.date() == ends.date() else f"{day} H:i")
        return f"{date_format(begins, f'{day} H:i')} – {last}"


class NoSuchTime(Exception):
    """A clock there never shows this: ``words`` say why."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def offered(preset: Preset, zone: tzinfo, now: datetime) -> Window:
    """What a preset means at ``now`` where the clocks are these: days end at midnight there, weeks with Sunday."""
    there = now.astimezone(zone)
    today = there.date()
    begins = now.replace(second=0, microsecond=0)
    match preset:
        case Preset.TWO_HOURS:
            return _window(begins, begins + timedelta(hours=2))
        case Preset.TODAY:
            return _window(begins, _midnight(today + timedelta(days=1), zone))
        case Preset.TOMORROW:
            day = today + timedelta(days=1)
            return _window(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))
        case Preset.WEEK:
            return _window(begins, _midnight(today + timedelta(days=7 - today.weekday()), zone))


def moments(local: datetime, zone: tzinfo) -> Sequence[datetime]:
    """The moments, in UTC, at which a clock there shows ``local``: one, or the two of an hour that comes twice.

    Raises NoSuchTime for an hour that the clock jumps over.
    """
    found = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if _clock(found[0], zone) != local:
        raise NoSuchTime(_skipped(local, zone))
    return sorted(set(found))


def too_late(now: datetime) -> datetime:
    """The moment after which no pass ends."""
    return now + timedelta(days=FURTHEST_DAYS)


def place_of(zone: tzinfo) -> str:
    """The place a time zone is called after: "Lisbon" for Europe/Lisbon."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def _window(starts_at: datetime, ends_at: datetime) -> Window:
    return Window(starts_at.astimezone(UTC), ends_at.astimezone(UTC))


def _midnight(day: date, zone: tzinfo) -> datetime:
    # Where the clock jumps over midnight it is the moment of the jump, give or take.
    return datetime.combine(day, time(), tzinfo=zone)


def _clock(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _skipped(local: datetime, zone: tzinfo) -> str:
    """What is said of a time that the clock jumps over: from where to where."""
    jump = local
    step = timedelta(minutes=1)
    # Clocks jump by an hour, seldom by less; once, in Samoa, by a day.
    for _each in range(24 * 60):
        if _clock((jump - step).replace(tzinfo=zone).astimezone(UTC), zone) == jump - step:
            break
        jump -= step
    after = _clock((jump - step).replace(tzinfo=zone).astimezone(UTC) + step, zone)
    words = _(
        "There is no %(clock)s in %(place)s on %(day)s: the clock goes from %(from)s to %(to)s. Take a time before or after."
    )
    return words % {
        "clock": f"{local:%H:%M}",
        "place": place_of(zone),
        "day": date_format(local, "j F Y"),
        "from": f"{jump:%H:%M}",
        "to": f"{after:%H:%M}",
    }
