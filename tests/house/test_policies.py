"""Every address has a policy, and the policy is what happens."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.accounts.models import Role
from portal.policies import POLICIES
from tests.accounts.signing_in import sign_in_recently
from tests.factories import AuditorFactory, FamilyAdminFactory, ManagerFactory

PEOPLE = {Role.MANAGER: ManagerFactory, Role.AUDITOR: AuditorFactory, Role.FAMILY_ADMIN: FamilyAdminFactory}


def walk(
    patterns, namespace: str = "", arguments: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for pattern in patterns:
        names = (*arguments, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace]))
            yield from walk(pattern.url_patterns, inner, names)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, pattern
            yield ":".join(filter(None, [namespace, pattern.name])), names


ADDRESSES = dict(walk(get_resolver().url_patterns))
CLOSED = [name for name in ADDRESSES if name in POLICIES and not POLICIES[name].is_open]


def test_every_address_has_a_policy_and_every_policy_an_address() -> None:
    assert set(ADDRESSES) == set(POLICIES)


def test_every_argument_of_an_address_has_a_kind() -> None:
    for name, arguments in ADDRESSES.items():
        assert set(arguments) == set(POLICIES[name].objects), name


def address(name: str) -> str:
    return reverse(name, kwargs=dict.fromkeys(ADDRESSES[name], "nothing-of-that-name-22"))


@pytest.mark.django_db
@pytest.mark.parametrize("name", CLOSED)
class TestEveryAddress:
    def test_nobody_comes_in_unsigned(self, name: str) -> None:
        for method in POLICIES[name].methods:
            plain = Client().generic(method, address(name))
            assert plain.status_code == 302
            assert plain["Location"].startswith(reverse("account_login"))
            fragment = Client().generic(method, address(name), headers={"HX-Request": "true"})
            assert fragment["HX-Redirect"] == reverse("account_login")
            assert not fragment.content

    def test_other_roles_are_refused(self, name: str) -> None:
        for role, factory in PEOPLE.items():
            client = Client()
            person = factory()
            sign_in_recently(client, person)
            for method in POLICIES[name].methods:
                answer = client.generic(method, address(name))
                if POLICIES[name].admits(person):
                    assert answer.status_code in ({404} if ADDRESSES[name] else {200, 302, 422}), (
                        role,
                        method,
                    )
                else:
                    assert answer.status_code == 403, (role, method)

    def test_other_methods_are_refused(self, name: str) -> None:
        client = Client()
        client.force_login(ManagerFactory())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - POLICIES[name].methods:
            assert client.generic(method, address(name)).status_code == 405, method

    def test_a_change_needs_a_csrf_token(self, name: str) -> None:
        if "POST" in POLICIES[name].methods:
            client = Client(enforce_csrf_checks=True)
            client.force_login(ManagerFactory())
            assert client.post(address(name)).status_code == 403
