"""Today in numbers, from the counts that each sync keeps: no query over all history."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format

from access.models import Device
from access.selectors import Counted, count_by_hour
from families.models import Family
from portal.accounts.models import User


@dataclass(frozen=True)
class Hour:
    """One hour of the day in the current time zone."""

    words: str
    short: str
    opened: int
    refused: int


@dataclass(frozen=True)
class Estate:
    """How many there are, and how many of them answer."""

    families: int
    families_online: int
    doors: int
    doors_online: int


def count_hours(user: User) -> list[Hour]:
    """The hours of today, in the current time zone. One query; for a family admin two."""
    begins = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    ends = begins + timedelta(days=1)
    counted = count_by_hour(user, since=_hour(begins.astimezone(UTC)), until=ends)
    hours = []
    moment = begins.astimezone(UTC)
    for _ in range(24):
        passed = counted.get(_hour(moment), Counted())
        local = timezone.localtime(moment)
        following = timezone.localtime(moment + timedelta(hours=1))
        words = f"{date_format(local, 'H:i')} – {date_format(following, 'H:i')}"
        hours.append(Hour(words, date_format(local, "H"), passed.opened, passed.refused))
        moment += timedelta(hours=1)
    return hours


def count_estate(user: User) -> Estate:
    """The families and doors within the person's reach. Two queries."""
    families = Family.objects.visible_to(user).filter(gone_at=None)
    counted = families.aggregate(total=Count("pk"), online=Count("pk", filter=Q(is_online=True)))
    devices = Device.objects.visible_to(user).filter(gone_at=None, family__gone_at=None)
    doors = devices.aggregate(
        total=Count("mac", distinct=True), online=Count("mac", distinct=True, filter=Q(is_online=True))
    )
    return Estate(counted["total"], counted["online"], doors["total"], doors["online"])


def _hour(moment: datetime) -> datetime:
    # In a zone half an hour off, an hour of the clock takes in the counted hour that it begins in.
    return moment.replace(minute=0, second=0, microsecond=0)
