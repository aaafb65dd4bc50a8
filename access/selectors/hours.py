"""Reads how much passed through the doors in each hour."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import Q, Sum

from access.models import Call, HourlyCount, Opening
from portal.accounts.models import User


class Counted(NamedTuple):
    """How many rows of the log somebody may see there are in some time."""

    opened: int = 0
    refused: int = 0
    calls: int = 0


def count_by_hour(user: User, *, since: datetime, until: datetime) -> dict[datetime, Counted]:
    """What passed in each hour (UTC) of the time, as far as the person may see it; hours of silence are left out.

    ``since`` and ``until`` are full hours. One query over as many counts as there are hours; for a family admin two
    over their own rows, which alone know what was after the start of a grant.
    """
    if user.is_family_admin:
        return _count_rows_by_hour(user, since, until)
    counts = HourlyCount.objects.visible_to(user).filter(hour__gte=since, hour__lt=until)
    sums = [Sum(column) for column in Counted._fields]
    if not user.is_limited:
        # Each hour has one count.
        return {hour: Counted(*told) for hour, *told in counts.values_list("hour", *Counted._fields)}
    return {hour: Counted(*told) for hour, *told in counts.values_list("hour").annotate(*sums)}


def _count_rows_by_hour(user: User, since: datetime, until: datetime) -> dict[datetime, Counted]:
    within = Q(at__gte=since, at__lt=until)
    opened = Opening.objects.visible_to(user).filter(within).values_list("at", "is_success")
    told = [(at, "opened" if is_success else "refused") for at, is_success in opened]
    told += [
        (at, "calls") for at in Call.objects.visible_to(user).filter(within).values_list("at", flat=True)
    ]
    found: dict[datetime, Counter[str]] = defaultdict(Counter)
    for at, column in told:
        found[at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)][column] += 1
    return {hour: Counted(**counts) for hour, counts in found.items()}
