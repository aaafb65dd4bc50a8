"""F2 to F4: the list of families among a hundred thousand people, beside Django's admin and raw SQL."""

from functools import cache
from urllib.parse import urlencode

from django.urls import reverse

from tests.benchmarks.asking import browser, page, queries
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant
from tests.benchmarks.village import TYPED, Village, make

FAMILIES = 10_000
ADMIN, RAW = "admin:families_family_changelist", "raw_families"


@cache
def village(bench_families: int) -> Village:
    """The families, made at the first use."""
    return make(bench_families)


@benchmark("F2", "families, first page: beside the admin's, and raw SQL with the same rendering")
def first_page(bench: Bench) -> None:
    client = browser(_village(bench).manager)
    measured = bench.measure(
        Variant("ours", page(client, reverse("families:family_list"))),
        Variant("admin", page(client, reverse(ADMIN))),
        Variant("raw SQL and rendering", page(client, reverse(RAW))),
    )
    bench.tell(
        measured,
        [
            _beside_admin(bench, "admin / ours", measured.ratio("admin", "ours")),
            Claim("ours / raw SQL and rendering", measured.ratio("ours", "raw SQL and rendering"), most=1.5),
        ],
    )


@benchmark("F3", "families, search as one types: rare, common, two letters, an accent")
def search(bench: Bench) -> None:
    client = browser(_village(bench).manager)
    # As one types: htmx asks, and the rows alone come back. The admin has only its page; so has the whole page of ours.
    typing = {"HX-Request": "true"}
    for name, text in TYPED.items():
        query = urlencode({"q": text})
        measured = bench.measure(
            Variant(f"{name}: ours", page(client, f"{reverse('families:family_list')}?{query}")),
            Variant("its fragment", page(client, f"{reverse('families:family_list')}?{query}", **typing)),
            Variant("admin", page(client, f"{reverse(ADMIN)}?{query}")),
            Variant("raw SQL and rendering", page(client, f"{reverse(RAW)}?{query}")),
        )
        ours = measured.ratio(f"{name}: ours", "raw SQL and rendering")
        bench.tell(
            measured,
            [
                _beside_admin(bench, f"{name}: admin / ours", measured.ratio("admin", f"{name}: ours")),
                Claim(f"{name}: ours / raw SQL and rendering", ours, most=1.5),
            ],
        )


@benchmark("F4", "families, queries for a page, beside those for the session and the person")
def count_queries(bench: Bench) -> None:
    client, url = browser(_village(bench).manager), reverse("families:family_list")
    asked = {
        "first page": {},
        "search": {"q": "ana"},
        "every filter": {
            "q": "ana",
            "state": "attention",
            "connection": "paused",
            "invited": "1",
            "property": "none",
        },
        "most people first": {"sort": "people"},
    }
    nothing = len(queries(page(client, "/peer/nothing/")))
    counted = {
        name: len(queries(page(client, f"{url}?{urlencode(query)}"))) - nothing
        for name, query in asked.items()
    }
    counted["admin"] = len(queries(page(client, reverse(ADMIN)))) - nothing
    bench.say("   ".join(f"{name} {count}" for name, count in counted.items()))
    most = max(counted[name] for name in asked)
    bench.judge(None, [Claim("queries beside session and person, at most", most, most=4)])


def _village(bench: Bench) -> Village:
    return village(bench.part(FAMILIES, least=60))


def _beside_admin(bench: Bench, words: str, ratio: float) -> Claim:
    on = "PostgreSQL" if bench.is_postgresql else "SQLite"
    return Claim(words, ratio, least=20 if bench.is_postgresql else 4, only_if=f"on {on}")
