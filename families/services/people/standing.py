"""What a person shall be: their role, what they reach with it, and for how long."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Family, Property
from portal.accounts.models import Role
from portal.accounts.people import PersonRefused
from portal.web.zones import zone_called

MOST_YEARS = 50


class TermRefused(PersonRefused):
    """Days that cannot be; ``field`` is the one that is wrong."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True)
class Term:
    """From which day to which a family is given; None is now, and for good. Days are those where the family is."""

    starts_on: date | None = None
    ends_on: date | None = None
    may_invite: bool = False

    def begin(self, family: Family) -> datetime:
        """When it begins for this family; raises TermRefused for a day that is over."""
        now = timezone.now()
        today = now.astimezone(zone_called(family.time_zone)).date()
        if self.starts_on is None or self.starts_on == today:
            return now
        if self.starts_on < today:
            raise TermRefused("starts_on", _("This day is over: it begins today at the earliest."))
        _check_near(self.starts_on, today, "starts_on")
        return _midnight(self.starts_on, family)

    def end(self, family: Family, begins_at: datetime) -> datetime | None:
        """When it ends for this family, after its last day; raises TermRefused for one that is over or before its begin."""
        if self.ends_on is None:
            return None
        zone = zone_called(family.time_zone)
        today = timezone.now().astimezone(zone).date()
        if self.ends_on < today:
            raise TermRefused("ends_on", _("This day is over. To end it now, end it."))
        if self.ends_on < begins_at.astimezone(zone).date():
            raise TermRefused("ends_on", _("It would end before it begins."))
        _check_near(self.ends_on, today, "ends_on")
        return _midnight(self.ends_on + timedelta(days=1), family)


@dataclass(frozen=True)
class Standing:
    """A role and what it reaches: ``properties`` of a manager or an auditor, None being everything; ``families`` else."""

    role: str
    properties: tuple[Property, ...] | None = None
    families: tuple[Family, ...] = ()
    term: Term = Term()

    @property
    def is_limited(self) -> bool:
        return self.role != Role.FAMILY_ADMIN and self.properties is not None


def first_day(starts_at: datetime, family: Family) -> date:
    """The day on which a grant begins, where the family is."""
    return starts_at.astimezone(zone_called(family.time_zone)).date()


def last_day(ends_at: datetime, family: Family) -> date:
    """The last day of a grant that ends at this moment, where the family is."""
    return (ends_at - timedelta(seconds=1)).astimezone(zone_called(family.time_zone)).date()


def _midnight(day: date, family: Family) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone_called(family.time_zone))


def _check_near(day: date, today: date, field: str) -> None:
    if day.year > today.year + MOST_YEARS:
        raise TermRefused(field, _("This is more than %(years)d years away.") % {"years": MOST_YEARS})
