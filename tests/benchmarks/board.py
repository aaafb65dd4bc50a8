"""B1: the board of 20,000 doors, beside Django's admin on the same table."""

from functools import cache
from urllib.parse import urlencode

from django.urls import reverse

from portal.accounts.models import User
from tests.benchmarks.asking import browser, page, queries
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.court import Court, make
from tests.benchmarks.measuring import Variant

FAMILIES = 10_000
ADMIN = "admin:access_device_changelist"


@cache
def court(families: int) -> Court:
    """The estate, made at the first use."""
    return make(families)


@benchmark(
    "B1", "the board of 20,000 doors: first page, a filter, a name, a MAC; beside the admin's; and queries"
)
def board(bench: Bench) -> None:
    made = court(bench.part(FAMILIES, least=60))
    client = browser(made.manager)
    url, admin, typing = reverse("access:device_list"), reverse(ADMIN), {"HX-Request": "true"}
    dashed = "-".join(made.mac[at : at + 2] for at in range(0, 12, 2)).lower()
    # What is asked for, of us and of the admin, which knows a MAC only as it is stored.
    asked: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "first page": ({}, {}),
        "offline": ({"show": "offline"}, {"is_online__exact": "0"}),
        "a name": ({"q": made.surname}, {"q": made.surname}),
        "a MAC": ({"q": dashed}, {"q": made.mac}),
    }
    for name, (ours, theirs) in asked.items():
        measured = bench.measure(
            Variant("ours", page(client, f"{url}?{urlencode(ours)}")),
            Variant("its fragment", page(client, f"{url}?{urlencode(ours)}", **typing)),
            Variant("admin", page(client, f"{admin}?{urlencode(theirs)}")),
        )
        bench.say(name)
        bench.tell(measured, [_beside_admin(bench, f"{name}: admin / ours", measured.ratio("admin", "ours"))])
    _count_queries(bench, made, url)


def _count_queries(bench: Bench, made: Court, url: str) -> None:
    every = {
        "q": made.surname,
        "type": "Multi-tenants Doorphone",
        "property": made.a_property.public_id,
        "family": made.a_family.public_id,
        "show": "online",
        "public": "1",
    }
    counted = {}
    for name, person, query in (
        ("first page", made.manager, {}),
        ("every filter", made.manager, every),
        ("a limited manager", made.limited, {}),
        ("a family admin", made.family_admin, {}),
    ):
        counted[name] = _queries(person, f"{url}?{urlencode(query)}")
    bench.say("   ".join(f"{name} {count}" for name, count in counted.items()))
    bench.say(f"admin {_queries(made.manager, reverse(ADMIN))}")
    bench.judge(None, [Claim("queries beside session and person, at most", max(counted.values()), most=4)])


def _queries(person: User, url: str) -> int:
    client = browser(person)
    return len(queries(page(client, url))) - len(queries(page(client, "/peer/nothing/")))


def _beside_admin(bench: Bench, words: str, ratio: float) -> Claim:
    on = "PostgreSQL" if bench.is_postgresql else "SQLite"
    return Claim(words, ratio, least=20 if bench.is_postgresql else 4, only_if=f"on {on}")
