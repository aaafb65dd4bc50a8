"""The table of who may do what: every address has a row, and the rows hold together. The sweep walks them."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.kinds import KINDS
from portal.policies import POLICIES
from portal.web.access import Policy
from tests.factories import FamilyAdminFactory, ManagerFactory
from tests.house.sweep import addresses

SAFE = {"GET", "HEAD"}
ADDRESSES = addresses()
POSTS = sorted(name for name in ADDRESSES if name in POLICIES and "POST" in POLICIES[name].methods)


def address(name: str) -> str:
    """An address whose ids nobody ever had."""
    return reverse(name, kwargs=dict.fromkeys(ADDRESSES[name], "nothing-of-that-name-22"))


def test_every_address_has_a_policy_and_every_policy_an_address() -> None:
    assert set(ADDRESSES) == set(POLICIES), "each address of the resolver needs a row in portal/policies.py"


def test_every_argument_of_an_address_has_a_kind() -> None:
    for name, arguments in ADDRESSES.items():
        assert set(arguments) == set(POLICIES[name].objects), name


def test_what_a_form_names_is_looked_up_before_its_view() -> None:
    named = {kind for policy in POLICIES.values() for kind in policy.body.values()}
    assert set(KINDS) == named, "each kind that a form names needs a row in portal/kinds.py, and no other"
    for name, policy in POLICIES.items():
        assert not (policy.is_open and policy.body), f"{name}: a visitor has no objects to name"


def test_an_address_open_to_everybody_has_no_rule_that_holds_nobody() -> None:
    for name, policy in POLICIES.items():
        if policy.is_open:
            assert policy == Policy(policy.methods, is_open=True, objects=policy.objects), name
            assert set(policy.objects.values()) <= {"key"}, (
                f"{name}: whose is it, when nobody is asked who they are?"
            )


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_no_other_method_is_taken(name: str) -> None:
    client = Client()
    # Whoever the row admits.
    person = (
        ManagerFactory()
        if ManagerFactory.build().role in (POLICIES[name].roles or {"manager"})
        else FamilyAdminFactory()
    )
    client.force_login(person)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - POLICIES[name].methods:
        assert client.generic(method, address(name)).status_code == 405, method


@pytest.mark.django_db
@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("cookie", ["", "a" * 32])
def test_a_change_needs_a_token_of_ours(name: str, cookie: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if not POLICIES[name].is_open:
        client.force_login(ManagerFactory())
    if cookie:
        # Another site can have both sent, but cannot know the one in the browser.
        client.cookies["csrftoken"] = cookie
    for headers in ({}, {"HX-Request": "true"}, {"X-CSRFToken": "b" * 32}):
        answer = client.post(address(name), {"csrfmiddlewaretoken": "c" * 32}, headers=headers)
        assert answer.status_code == 403, headers


def test_nothing_is_changed_by_anything_but_a_post() -> None:
    for name, policy in POLICIES.items():
        assert policy.methods - SAFE <= {"POST"}, name
