"""L1 to L5: the pages of the log beside Django's admin, the offset paginator, and raw SQL."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db import connection
from django.urls import reverse

from access.models import Opening
from portal.accounts.models import User
from portal.desk import log
from portal.desk.log import LogFilter, Row
from tests.benchmarks.asking import browser, page, queries
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant

MILLION = 1_000_000
ADMIN = "admin:access_opening_changelist"
HOSTILE = "%_%' OR 1=1 -- \\ " + "ß" * 60


def raw_first_page() -> object:
    """The limit: the rows of a first page, by statements written for it and nothing else."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.id, o.at, o.is_time_readable, o.raw_time, o.is_success, o.account_name, o.device_name, "
            "o.open_door_type, o.picture, o.seen_at, f.public_id, f.name, c.actor_name, c.reason, c.command_id "
            "FROM access_opening o JOIN families_family f ON f.id = o.family_id "
            "LEFT JOIN audit_command c ON c.id = o.command_id ORDER BY o.at DESC, o.id DESC LIMIT 51"
        )
        found.append(cursor.fetchall())
        cursor.execute(
            "SELECT o.id, o.at, o.is_time_readable, o.raw_time, o.call_name, o.call_sip, o.seen_at, f.public_id, "
            "f.name FROM access_call o JOIN families_family f ON f.id = o.family_id "
            "ORDER BY o.at DESC, o.id DESC LIMIT 51"
        )
        found.append(cursor.fetchall())
        cursor.execute(
            "SELECT o.id, o.at, o.begins_at, o.kind, o.cause, f.public_id, f.name FROM access_gap o "
            "JOIN families_family f ON f.id = o.family_id ORDER BY o.at DESC, o.id DESC LIMIT 51"
        )
        found.append(cursor.fetchall())
    return found


def deep_cursor(bench: Bench) -> str:
    """The cursor of a page nine tenths down, found by walking one page from a day there."""
    estate = bench.estate
    until = estate.oldest_at + (estate.newest_at - estate.oldest_at) / 10
    _, cursor = log.list_log(estate.manager, LogFilter(until=until))
    return cursor


@benchmark("L1", "log, first page: the page beside the admin's, its reading beside raw SQL")
def first_page(bench: Bench) -> None:
    client = browser(bench.estate.manager)
    measured = bench.measure(
        Variant("ours", page(client, reverse("desk:log_list"))),
        Variant("admin", page(client, reverse(ADMIN))),
        Variant("our reading", lambda: log.list_log(bench.estate.manager, LogFilter())),
        Variant("raw SQL", raw_first_page),
    )
    bench.tell(
        measured,
        [
            _beside_admin(bench, measured.ratio("admin", "ours"), sqlite=6, postgresql=60),
            Claim("our reading / raw SQL", measured.ratio("our reading", "raw SQL"), most=4),
        ],
    )


@benchmark("L2", "log, a page nine tenths down: beside the first, the offset paginator and the admin")
def deep_page(bench: Bench) -> None:
    client, manager = browser(bench.estate.manager), bench.estate.manager
    url = reverse("desk:log_list")
    cursor = deep_cursor(bench)
    assert log.list_log(manager, LogFilter(), cursor=cursor)[0]
    number = bench.rows // log.PAGE_SIZE * 9 // 10
    rows = Opening.objects.select_related("family", "command").order_by("-at", "-id")

    def offset() -> object:
        return list(Paginator(rows, log.PAGE_SIZE).page(number))

    measured = bench.measure(
        Variant("ours", page(client, f"{url}?{urlencode({'before': cursor})}")),
        Variant("ours, first page", page(client, url)),
        Variant("admin", page(client, f"{reverse(ADMIN)}?p={number}")),
        Variant("our reading", lambda: log.list_log(manager, LogFilter(), cursor=cursor)),
        Variant("offset paginator", offset),
    )
    bench.tell(
        measured,
        [
            Claim("deep page / first page", measured.ratio("ours", "ours, first page"), most=1.2),
            Claim(
                "admin / ours",
                measured.ratio("admin", "ours"),
                least=300,
                only_if="at 10 M on PostgreSQL",
                holds_here=bench.is_postgresql and bench.rows >= 10 * MILLION,
            ),
            Claim(
                "offset paginator / our reading", measured.ratio("offset paginator", "our reading"), least=1
            ),
        ],
    )


@benchmark("L3", "log, the worst of all filters beside the admin's worst")
def filters(bench: Bench) -> None:
    estate = bench.estate
    client, url, peer = browser(estate.manager), reverse("desk:log_list"), reverse(ADMIN)
    spring = estate.newest_at - timedelta(days=300)
    asked: dict[str, tuple[User, LogFilter]] = {
        "a large property": (estate.manager, LogFilter(in_property=estate.properties[0])),
        "a property of one family": (estate.manager, LogFilter(in_property=estate.properties[4])),
        "an empty property": (estate.manager, LogFilter(in_property=estate.properties[5])),
        "a family": (estate.manager, LogFilter(family=estate.families[5])),
        "a door": (estate.manager, LogFilter(device=estate.devices[5])),
        "refused": (estate.manager, LogFilter(result=log.REFUSED)),
        "a door, refused": (estate.manager, LogFilter(device=estate.devices[5], result=log.REFUSED)),
        "an empty property, refused": (
            estate.manager,
            LogFilter(in_property=estate.properties[5], result=log.REFUSED),
        ),
        "calls": (estate.manager, LogFilter(result=log.CALLS)),
        "a day long ago": (estate.manager, LogFilter(since=spring, until=spring + timedelta(days=1))),
        "a limited person": (estate.limited, LogFilter()),
        "a family admin": (estate.family_admin, LogFilter()),
        "a family admin, refused": (estate.family_admin, LogFilter(result=log.REFUSED)),
    }
    variants = [Variant(words, _reading(*one)) for words, one in asked.items()]
    ours = bench.measure(*variants, Variant("raw SQL", raw_first_page))
    worst = max(asked, key=lambda words: ours.seconds[words])
    bench.show(ours)
    bench.say(f"the worst is {worst}")
    large, small = estate.properties[0], estate.properties[4]
    pairs = {
        "large property": ({"property": large.public_id}, {"family__property__id__exact": large.pk}),
        "small property": ({"property": small.public_id}, {"family__property__id__exact": small.pk}),
        "refused": ({"result": log.REFUSED}, {"is_success__exact": 0}),
    }
    pages = bench.measure(
        *[
            Variant(f"ours, {words}", page(client, f"{url}?{urlencode(one)}"))
            for words, (one, _) in pairs.items()
        ],
        *[
            Variant(f"admin, {words}", page(client, f"{peer}?{urlencode(two)}"))
            for words, (_, two) in pairs.items()
        ],
    )
    bench.tell(
        pages,
        [
            Claim(
                "worst admin / worst of ours",
                max(pages.seconds[f"admin, {words}"] for words in pairs)
                / max(pages.seconds[f"ours, {words}"] for words in pairs),
                least=25,
                only_if="at 10 M on PostgreSQL",
                holds_here=bench.is_postgresql and bench.rows >= 10 * MILLION,
            ),
        ],
    )
    bench.judge(ours, [Claim("worst reading / raw SQL", ours.ratio(worst, "raw SQL"), most=5)])


@benchmark("L4", "log, text: rare, common, absent and hostile, beside the admin's search")
def text(bench: Bench) -> None:
    estate = bench.estate
    client, url, peer = browser(estate.manager), reverse("desk:log_list"), reverse(ADMIN)
    words = {"rare": estate.rare, "common": estate.common, "absent": "nobody at all", "hostile": HOSTILE}
    variants = [
        Variant(f"{name}, {who}", page(client, f"{address}?{urlencode({'q': asked})}"), once=True)
        for name, asked in words.items()
        for who, address in (("ours", url), ("admin", peer))
    ]
    measured = bench.measure(*variants)
    slowest = max(measured.seconds[f"{name}, ours"] for name in words)
    bench.tell(
        measured,
        [
            Claim(
                "admin / ours, rare",
                measured.ratio("rare, admin", "rare, ours"),
                least=500,
                only_if="at 10 M on PostgreSQL",
                holds_here=bench.is_postgresql and bench.rows >= 10 * MILLION,
            ),
            Claim("slowest text, ms", slowest * 1000, most=1000),
        ],
    )


@benchmark("L5", "log, queries for a page, beside session and person")
def count_queries(bench: Bench) -> None:
    client, url = browser(bench.estate.manager), reverse("desk:log_list")
    counted = {
        "first page": len(queries(page(client, url))),
        "deep page": len(queries(page(client, f"{url}?{urlencode({'before': deep_cursor(bench)})}"))),
        "unchanged poll": len(queries(page(client, _poll_url(), status=204, **{"HX-Request": "true"}))),
        "admin": len(queries(page(client, reverse(ADMIN)))),
        "nothing": len(queries(page(client, "/peer/nothing/"))),
    }
    bench.say("   ".join(f"{name} {count}" for name, count in counted.items()))
    own = counted["first page"] - counted["nothing"]
    bench.judge(None, [Claim("queries beside session and person", own, most=3)])


def _poll_url() -> str:
    return f"{reverse('desk:log_new')}?{urlencode({'seen': str(log.watermark())})}"


def _reading(person: User, chosen: LogFilter) -> Callable[[], tuple[list[Row], str]]:
    return lambda: log.list_log(person, chosen)


def _beside_admin(bench: Bench, ratio: float, *, sqlite: float, postgresql: float) -> Claim:
    if bench.is_postgresql:
        return Claim(
            "admin / ours",
            ratio,
            least=postgresql,
            only_if="at 10 M on PostgreSQL",
            holds_here=bench.rows >= 10 * MILLION,
        )
    return Claim(
        "admin / ours", ratio, least=sqlite, only_if="at 1 M on SQLite", holds_here=bench.rows >= MILLION
    )
