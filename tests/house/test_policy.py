"""Every address says who may use it, and refuses the others. The later table of roles and objects grows from here."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from portal.accounts.models import Role
from portal.web.access import Policy
from tests.factories import AuditorFactory, FamilyAdminFactory, ManagerFactory

# What is open without signing in, and allauth's own pages, which decide for themselves.
OPEN = {
    "healthz",
    "account_login",
    "account_logout",
    "account_signup",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_email_verification_sent",
    "account_confirm_email",
}
PEOPLE = {Role.MANAGER: ManagerFactory, Role.AUDITOR: AuditorFactory, Role.FAMILY_ADMIN: FamilyAdminFactory}


def walk(
    patterns, namespace: str = "", arguments: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...], object]]:
    for pattern in patterns:
        names = (*arguments, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace]))
            yield from walk(pattern.url_patterns, inner, names)
        elif isinstance(pattern, URLPattern):
            yield ":".join(filter(None, [namespace, pattern.name])), names, pattern.callback


ADDRESSES = list(walk(get_resolver().url_patterns))
OURS = [(name, arguments, view.policy) for name, arguments, view in ADDRESSES if hasattr(view, "policy")]


def test_every_address_has_a_name_and_a_policy() -> None:
    for name, _, view in ADDRESSES:
        assert name, view
        assert name in OPEN or isinstance(getattr(view, "policy", None), Policy), name


def address(name: str, arguments: tuple[str, ...]) -> str:
    return reverse(name, kwargs=dict.fromkeys(arguments, "nothing-of-that-name-22"))


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "arguments", "policy"), OURS, ids=[row[0] for row in OURS])
class TestEveryAddress:
    def test_nobody_comes_in_unsigned(self, name: str, arguments: tuple[str, ...], policy: Policy) -> None:
        for method in policy.methods:
            url = address(name, arguments)
            plain = Client().generic(method, url)
            assert plain.status_code == 302
            assert plain["Location"].startswith(reverse("account_login"))
            fragment = Client().generic(method, url, headers={"HX-Request": "true"})
            assert fragment["HX-Redirect"] == reverse("account_login")
            assert not fragment.content

    def test_other_roles_are_refused(self, name: str, arguments: tuple[str, ...], policy: Policy) -> None:
        for role, factory in PEOPLE.items():
            client = Client()
            client.force_login(factory())
            for method in policy.methods:
                answer = client.generic(method, address(name, arguments))
                if policy.roles and role not in policy.roles:
                    assert answer.status_code == 403, (role, method)
                else:
                    assert answer.status_code in ({404} if arguments else {200, 302}), (role, method)

    def test_other_methods_are_refused(self, name: str, arguments: tuple[str, ...], policy: Policy) -> None:
        client = Client()
        client.force_login(ManagerFactory())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - policy.methods:
            assert client.generic(method, address(name, arguments)).status_code == 405, method

    def test_a_change_needs_a_csrf_token(self, name: str, arguments: tuple[str, ...], policy: Policy) -> None:
        if "POST" in policy.methods:
            client = Client(enforce_csrf_checks=True)
            client.force_login(ManagerFactory())
            assert client.post(address(name, arguments)).status_code == 403
