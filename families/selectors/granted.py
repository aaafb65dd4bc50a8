"""What is granted to somebody, and whom they ask for more."""

from dataclasses import dataclass

from django.utils import timezone

from families.models import Family, Grant, Property
from families.scope import grants_not_over
from portal.accounts.models import Role, User

# Enough to find one who is there; nobody reads a list of forty addresses.
ASKED_AT_MOST = 8


@dataclass(frozen=True)
class Scope:
    """The families or properties of a person; both empty for somebody who sees everything, or nothing.

    ``is_everything``: there is nothing more that anybody could give.
    """

    properties: list[Property]
    grants: list[Grant]
    has_nothing: bool
    is_everything: bool = False


def get_scope(user: User) -> Scope:
    """What ``user`` may see: properties of a limited person, grants of a family admin that are not over. One query."""
    if user.is_family_admin:
        rows = grants_not_over().filter(person=user).select_related("family")
        grants = list(rows.order_by("family__search_text", "starts_at", "pk"))
        return Scope([], grants, not any(is_in_force(grant) for grant in grants))
    if user.is_limited:
        properties = list(Property.objects.visible_to(user).order_by("name"))
        return Scope(properties, [], not properties)
    return Scope([], [], has_nothing=False, is_everything=user.is_manager)


def is_in_force(grant: Grant) -> bool:
    """Whether the grant holds at this moment."""
    now = timezone.now()
    return (
        grant.starts_at <= now and (grant.ends_at is None or grant.ends_at > now) and not grant.suspended_at
    )


def has_nothing_granted(user: User) -> bool:
    """Whether somebody must ask a manager before they see anything. One query at most."""
    if user.is_family_admin:
        return not Grant.objects.now().filter(person=user).exists()
    return user.is_limited and not user.property_limits.exists()


def list_managers_to_ask(user: User) -> list[User]:
    """Who may give ``user`` more: active managers of everything, by name. May be nobody."""
    managers = User.objects.filter(role=Role.MANAGER, is_limited=False, is_active=True).exclude(pk=user.pk)
    return list(managers.order_by("name", "email")[:ASKED_AT_MOST])


def visible_number(user: User) -> int:
    """How many families ``user`` sees now."""
    return Family.objects.visible_to(user).filter(gone_at=None).count()
