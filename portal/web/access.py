"""Who may ask for an address, and how: the shape of a policy, and the rule that holds people to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

GET = frozenset({"GET", "HEAD"})
POST = frozenset({"POST"})
GET_POST = GET | POST


class Person(Protocol):
    """What a policy asks about somebody who is signed in."""

    role: str
    is_limited: bool


@dataclass(frozen=True)
class Policy:
    """What one address takes.

    ``roles``: who may come; empty for anybody who is signed in. ``is_open``: also people who are not.
    ``unlimited_only``: of managers and auditors only those without limits. ``objects``: for each argument of the
    address, the kind of thing it names; ``body``: the same for fields of its form. A thing that is not the
    person's is a 404, like one that does not exist: in the address the view asks for it, in a form it is looked up
    before (portal.kinds). ``"key"`` is a kind that names nothing of anybody's: whoever
    holds it may use it. ``needs_second_factor``: False where somebody comes who has yet to set one up.
    ``recent_sign_in``: only within five minutes of having signed in, or signed in again (portal.accounts.gate).
    """

    methods: frozenset[str] = GET
    roles: frozenset[str] = frozenset()
    is_open: bool = False
    unlimited_only: bool = False
    needs_second_factor: bool = True
    recent_sign_in: bool = False
    objects: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)

    def admits(self, person: Person) -> bool:
        """Whether somebody who is signed in may come here at all; what of it is theirs is asked by the view."""
        if self.roles and person.role not in self.roles:
            return False
        return not (self.unlimited_only and person.is_limited)


def policy_of(request: HttpRequest) -> Policy | None:
    """The policy of the address that was asked for; None where it has none, and then nobody may come."""
    match = request.resolver_match
    return _table().get(match.view_name) if match is not None else None


def names_secret(request: HttpRequest) -> bool:
    """Whether the address that was asked for is a secret: whoever holds it may use it."""
    policy = policy_of(request)
    return policy is not None and "key" in policy.objects.values()


def may_visit(person: Person, url_name: str) -> bool:
    """Whether the address of this name admits the person: for links to it."""
    policy = _table().get(url_name)
    return policy is not None and policy.admits(person)


def names_only_own(request: HttpRequest, policy: Policy) -> bool:
    """Whether each object that the form names in a field of ``policy.body`` is the person's to see. A query a field.

    A field that is empty or not there names none; whether it may be is the form's affair.
    """
    for name, kind in policy.body.items():
        ids = {value for value in request.POST.getlist(name) if value}
        # PostgreSQL takes no NUL as a parameter.
        if any("\0" in value for value in ids):
            return False
        if ids and _kinds()[kind](request.user).filter(public_id__in=ids).count() != len(ids):
            return False
    return True


@cache
def _kinds() -> Mapping[str, Callable[[Any], Any]]:
    return cast("Mapping[str, Callable[[Any], Any]]", import_string(settings.KINDS))


@cache
def _table() -> Mapping[str, Policy]:
    return cast("Mapping[str, Policy]", import_string(settings.POLICIES))
