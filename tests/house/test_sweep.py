"""Every address with everybody: one's own, foreign, missing and malformed ids, as a page and as a fragment."""

from urllib.parse import urlencode

import pytest
from django.urls import reverse

from portal.policies import POLICIES
from tests.house.canaries import EARLIER, ELSEWHERE, HOME, OFFICE, words_in
from tests.house.sweep import ALLOWED, MISSING, WHO, Case, addresses, asks, cases, expected, lets_in
from tests.house.sweep_browser import undone
from tests.house.sweeping import Sweep

CLOSED = sorted(name for name in addresses() if name in POLICIES and not POLICIES[name].is_open)
LISTS = [name for name in CLOSED if not POLICIES[name].objects and "GET" in POLICIES[name].methods]
FORMS = [name for name in CLOSED if POLICIES[name].body]


@pytest.mark.parametrize("name", CLOSED)
def test_every_address_keeps_its_policy(sweep: Sweep, name: str) -> None:
    policy = POLICIES[name]
    acts: list[tuple[str, Case, bool]] = []
    with sweep.nothing_changes():
        for who_name, who in WHO.items():
            for some in cases(name, policy, sweep.ids[who_name]):
                with undone(), sweep.refusals_are_told(who_name) as refused:
                    for case, method, htmx in asks(policy, who, some, sweep.turn):
                        wanted = expected(policy, who, method, case)
                        if method == "POST" and wanted == ALLOWED:
                            acts.append((who_name, case, htmx))
                            continue
                        sweep.ask(
                            name, who_name, case.name, wanted, method, case.path, htmx=htmx, refused=refused
                        )
    for who_name, case, htmx in acts:
        with undone():
            sweep.ask(name, who_name, case.name, ALLOWED, "POST", case.path, htmx=htmx)
    sweep.end(name)


@pytest.mark.parametrize("name", LISTS)
def test_no_filter_of_an_address_shows_what_is_not_ones_own(sweep: Sweep, name: str) -> None:
    policy = POLICIES[name]
    with sweep.nothing_changes(), undone():
        for who_name in (
            "limited manager",
            "limited auditor",
            "family admin",
            "family admin whose grant ended",
        ):
            who, ids = WHO[who_name], sweep.ids[who_name]
            if not lets_in(policy, who):
                continue
            # All but the last letter: what was typed comes back in the field.
            questions = [
                {"q": word[:-1]} for word in (ELSEWHERE, OFFICE, EARLIER, HOME) if word not in who.words
            ]
            names = {"family": "family", "property": "property", "person": "person", "door": "device"}
            questions += [
                {field: ids[kind]["elsewhere"]}
                for field, kind in names.items()
                if not who.has(kind, "elsewhere")
            ]
            for turn, question in enumerate(questions):
                path = f"{reverse(name)}?{urlencode(question)}"
                what = ", ".join(question)
                sweep.ask(name, who_name, what, ALLOWED, "GET", path, htmx=turn % 2 == 0)
    sweep.end(name)


@pytest.mark.parametrize("name", FORMS)
def test_no_form_names_what_is_not_ones_own(sweep: Sweep, name: str) -> None:
    policy = POLICIES[name]
    with sweep.nothing_changes():
        for who_name, who in WHO.items():
            if not lets_in(policy, who):
                continue
            ids = sweep.ids[who_name]
            home = {argument: ids[kind]["home"] for argument, kind in policy.objects.items()}
            path = reverse(name, kwargs=home)
            for field, kind in policy.body.items():
                for what, value in _strangers(ids, kind, elsewhere=not who.has(kind, "elsewhere")).items():
                    for htmx in (False, True):
                        with undone(), sweep.refusals_are_told(who_name) as refused:
                            body = urlencode({field: value}, doseq=True)
                            sweep.ask(
                                name,
                                who_name,
                                f"{field} {what}",
                                frozenset({404}),
                                "POST",
                                path,
                                htmx=htmx,
                                body=body,
                                refused=refused,
                            )
    sweep.end(name)


def _strangers(ids: dict[str, dict[str, str]], kind: str, *, elsewhere: bool) -> dict[str, str | list[str]]:
    own = ids[kind]["home"]
    found: dict[str, str | list[str]] = {
        "missing": MISSING,
        "one of two missing": [own, MISSING],
        "too long": own * 40,
        "with NUL": f"{own}\0",
        "in the other case": own.swapcase(),
        "with a space": f"{own} ",
        "a number": "1",
        "of another kind": next(value["home"] for name, value in ids.items() if name != kind),
    }
    if elsewhere:
        found |= {"elsewhere": ids[kind]["elsewhere"], "one of two elsewhere": [own, ids[kind]["elsewhere"]]}
    return found


def test_whoever_may_read_the_words_finds_them(sweep: Sweep) -> None:
    """A sweep that finds nothing would find nothing either where there is nothing to be found."""
    for who_name, words in (
        ("manager", {HOME, OFFICE, EARLIER, ELSEWHERE}),
        ("limited auditor", {HOME, OFFICE, EARLIER}),
        ("family admin", {HOME}),
    ):
        found: set[str] = set()
        for path in (
            "/",
            "/families/",
            "/doors/",
            "/log/",
            f"/families/{sweep.ids[who_name]['family']['home']}/",
        ):
            found |= words_in(sweep.visitors[who_name].ask("GET", path).body)
        assert found == words, who_name


def test_the_estate_has_one_of_every_kind(sweep: Sweep) -> None:
    kinds = {kind for name in CLOSED for kind in (POLICIES[name].objects | POLICIES[name].body).values()}
    missing = kinds - set(sweep.ids["manager"]) - {"key"}
    assert not missing, (
        f"give Estate.ids_of in tests/house/estate.py an id for {sorted(missing)}, and say in tests/house/sweep.py "
        "whose they are"
    )
