"""What signing in must hold, at every address: a recent one, a second factor; and the addresses open to everybody."""

from itertools import product
from typing import Any

import pytest
from django.urls import reverse

from portal.policies import POLICIES
from tests.factories import UserFactory
from tests.house.sweep import WHO, addresses, lets_in
from tests.house.sweep_browser import Visitor, undone
from tests.house.sweeping import Sweep

CLOSED = sorted(name for name in addresses() if name in POLICIES and not POLICIES[name].is_open)
OPEN = sorted(name for name in addresses() if name in POLICIES and POLICIES[name].is_open)
RECENT = [name for name in CLOSED if POLICIES[name].recent_sign_in]
STRANGE_KEYS = ("x", "1", "A" * 900, "%C3%BC%E2%80%AE", "%FF", "%3Cb%3E", "'%20OR%201=1--", "1:2:3", "..")
ON_THE_WAY = frozenset({302, 204})


def at_home(sweep: Sweep, who_name: str, name: str) -> str:
    ids = sweep.ids[who_name]
    return reverse(
        name, kwargs={argument: ids[kind]["home"] for argument, kind in POLICIES[name].objects.items()}
    )


@pytest.mark.parametrize("name", RECENT)
def test_whoever_signed_in_long_ago_signs_in_again_first(sweep: Sweep, name: str) -> None:
    policy = POLICIES[name]
    late = {
        who_name: Visitor(sweep.visitors[who_name].person, seconds_ago=301)
        for who_name, who in WHO.items()
        if lets_in(policy, who)
    }
    again = reverse("account_reauthenticate")
    with sweep.nothing_changes():
        for who_name, visitor in late.items():
            path = at_home(sweep, who_name, name)
            for method, htmx in product(sorted(policy.methods), (False, True)):
                with undone():
                    answer = visitor.ask(method, path, htmx=htmx, body="secret=Vaultcanary")
                what = f"{who_name}, {method}{', htmx' * htmx}, long ago"
                sweep.judge(what, name, who_name, answer, ON_THE_WAY, again)
    sweep.end(name)


@pytest.mark.parametrize("name", CLOSED)
def test_without_a_second_factor_managers_and_auditors_come_to_nothing_else(
    sweep: Sweep, settings: Any, name: str
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    policy = POLICIES[name]
    newcomers = {
        who_name: Visitor(UserFactory(role=WHO[who_name].role))
        for who_name in ("manager", "auditor")
        if policy.needs_second_factor and lets_in(policy, WHO[who_name])
    }
    with sweep.nothing_changes():
        for who_name, visitor in newcomers.items():
            path = at_home(sweep, who_name, name)
            for method, htmx in product(sorted(policy.methods), (False, True)):
                with undone():
                    answer = visitor.ask(method, path, htmx=htmx)
                what = f"{who_name} without a second factor, {method}{', htmx' * htmx}"
                sweep.judge(what, name, "nobody", answer, ON_THE_WAY, reverse("mfa_index"))
    sweep.end(name)


@pytest.mark.parametrize("name", OPEN)
def test_an_open_address_breaks_for_nobody_and_tells_nothing(sweep: Sweep, name: str) -> None:
    policy = POLICIES[name]
    arguments = addresses()[name]
    # A key that has no hyphen, no slash and no meaning, and every one of the strange ones in its place.
    paths = [reverse(name, kwargs=dict.fromkeys(arguments, "keyinplace"))]
    if arguments:
        paths += [paths[0].replace("keyinplace", key) for key in STRANGE_KEYS]
    acts = []
    with sweep.nothing_changes():
        for who_name in WHO:
            visitor = sweep.visitors[who_name]
            for path in paths if who_name in {"nobody", "family admin"} else paths[:1]:
                for method in sorted(policy.methods):
                    if method == "POST":
                        acts.append((who_name, path))
                        continue
                    for htmx in (False, True):
                        with undone():
                            answer = visitor.ask(method, path, htmx=htmx)
                        sweep.judge(
                            f"{who_name}, {method} {path}", name, who_name, answer, _not_broken(answer.status)
                        )
    for who_name, path in acts:
        for htmx in (False, True):
            with undone():
                answer = sweep.visitors[who_name].ask("POST", path, htmx=htmx)
            sweep.judge(f"{who_name}, POST {path}", name, who_name, answer, _not_broken(answer.status))
    sweep.end(name)


def _not_broken(status: int) -> frozenset[int]:
    return frozenset({status if status < 500 else 200})
