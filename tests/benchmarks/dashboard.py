"""D1: openings by hour and by day, from the hourly counts beside a GROUP BY over the history."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from access.models import HourlyCount, Opening
from portal.desk import day
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.estate import moment
from tests.benchmarks.measuring import Variant

SUCCESS, REFUSAL = Q(is_success=True), Q(is_success=False)


@benchmark("D1", "dashboard: the hourly counts beside GROUP BY over the openings")
def hours(bench: Bench) -> None:
    """Today is what the page shows; 30 and 365 days ask the same table by day."""
    manager = bench.estate.manager
    counts, rows = HourlyCount.objects.count(), Opening.objects.count()
    bench.say(f"{counts:,} counts for {rows:,} openings: {rows / counts:.1f} openings to a count")
    for days, least in ((1, None), (30, 50.0), (365, 100.0)):
        since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        ours = (lambda: day.count_hours(manager)) if days == 1 else _listing(_counted(since))
        measured = bench.measure(
            Variant(f"ours, {days} d", ours),
            Variant("GROUP BY", _listing(_grouped(since, by_hour=days == 1))),
            Variant("one scan", lambda since=since: _scan(since)),  # type: ignore[misc]
        )
        words = f"GROUP BY / ours, {days} d"
        bench.tell(measured, [Claim(words, measured.ratio("GROUP BY", f"ours, {days} d"), least=least or 1)])


def _listing(
    found: "QuerySet[HourlyCount, dict[str, object]] | QuerySet[Opening, dict[str, object]]",
) -> object:
    return lambda: list(found.all())


def _counted(since: datetime) -> "QuerySet[HourlyCount, dict[str, object]]":
    counts = HourlyCount.objects.filter(hour__gte=since).annotate(day=TruncDay("hour"))
    return counts.values("day").annotate(opened_sum=Sum("opened"), refused_sum=Sum("refused")).order_by()


def _grouped(since: datetime, *, by_hour: bool) -> "QuerySet[Opening, dict[str, object]]":
    bucket = TruncHour("at") if by_hour else TruncDay("at")
    rows = Opening.objects.filter(at__gte=since).annotate(bucket=bucket).values("bucket")
    return rows.annotate(opened=Count("pk", filter=SUCCESS), refused=Count("pk", filter=REFUSAL)).order_by()


def _scan(since: datetime) -> object:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(opened), SUM(refused) FROM access_hourlycount WHERE hour >= %s", [moment(since)]
        )
        return cursor.fetchone()
