"""D1: openings by hour and by day, from the hourly counts beside a GROUP BY over the history."""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import partial

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from access.models import HourlyCount, Opening
from access.selectors import count_by_hour
from portal.accounts.models import User
from portal.desk import day
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.estate import moment
from tests.benchmarks.measuring import Variant

MILLION = 1_000_000
SUCCESS, REFUSAL = Q(is_success=True), Q(is_success=False)


@benchmark("D1", "dashboard: the hourly counts beside GROUP BY over the openings")
def hours(bench: Bench) -> None:
    """Today is what the page shows, words and all; 30 and 365 days sum the same counts by day."""
    estate = bench.estate
    counts, rows = HourlyCount.objects.filter(property=None).count(), Opening.objects.count()
    bench.say(
        f"{counts:,} counts of the estate for {rows:,} openings: {rows / counts:.1f} openings to a count"
    )
    for days, least in ((1, 1.0), (30, 50.0), (365, 100.0)):
        now = timezone.now()
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        ours = (
            partial(day.count_hours, estate.manager) if days == 1 else partial(by_day, estate.manager, since)
        )
        measured = bench.measure(
            Variant(f"ours, {days} d", ours),
            Variant("a limited person's", partial(by_day, estate.limited, since)),
            Variant("GROUP BY", _listing(_grouped(since, by_hour=days == 1))),
            Variant("one scan", partial(_scan, since)),
        )
        bench.tell(
            measured,
            [
                Claim(
                    f"GROUP BY / ours, {days} d",
                    measured.ratio("GROUP BY", f"ours, {days} d"),
                    least=least,
                    only_if="from 1 M on",
                    holds_here=rows >= MILLION,
                )
            ],
        )


def by_day(person: User, since: datetime) -> dict[date, Counter[str]]:
    """Openings and refusals of each day since, in UTC."""
    days: dict[date, Counter[str]] = {}
    for hour, counted in count_by_hour(person, since=since, until=timezone.now()).items():
        sums = days.setdefault(hour.date(), Counter())
        sums["opened"] += counted.opened
        sums["refused"] += counted.refused
    return days


def _listing(found: "QuerySet[Opening, dict[str, object]]") -> object:
    return lambda: list(found.all())


def _grouped(since: datetime, *, by_hour: bool) -> "QuerySet[Opening, dict[str, object]]":
    bucket = TruncHour("at") if by_hour else TruncDay("at")
    rows = Opening.objects.filter(at__gte=since).annotate(bucket=bucket).values("bucket")
    return rows.annotate(opened=Count("pk", filter=SUCCESS), refused=Count("pk", filter=REFUSAL)).order_by()


def _scan(since: datetime) -> object:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(opened), SUM(refused) FROM access_hourlycount WHERE property_id IS NULL AND hour >= %s",
            [moment(since)],
        )
        return cursor.fetchone()
