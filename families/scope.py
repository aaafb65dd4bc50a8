"""Whose scope lies within whose: which people somebody sees, and whom they may change."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from families.models import Grant, GrantQuerySet, PropertyLimit
from portal.accounts.models import Role, User


def visible_people(user: User) -> QuerySet[User]:
    """The people this person may see: the only way any page or action comes by one.

    All to an unlimited manager. To a limited one those whose whole scope lies within theirs, and they themselves.
    Nobody to anybody else.
    """
    if not user.is_active or not user.is_manager:
        return User.objects.none()
    if not user.is_limited:
        return User.objects.all()
    return User.objects.filter(_within(user) | Q(pk=user.pk))


def may_manage(user: User, person: User) -> bool:
    """Whether ``user`` may change this person now: one they see, and never themselves."""
    return person.pk != user.pk and visible_people(user).filter(pk=person.pk).exists()


def grants_not_over() -> GrantQuerySet:
    """Grants that are in force, have yet to begin, or are suspended."""
    return Grant.objects.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()))


def _within(user: User) -> Q:
    """People who reach something, and nothing beyond the properties of this limited manager.

    A family admin whose grants are all over is still theirs if every one of them was: whoever took the last family
    away can give one again.
    """
    mine = PropertyLimit.objects.filter(person=user).values("property")
    limits = PropertyLimit.objects.filter(person=OuterRef("pk"))
    of_staff = Q(Exists(limits), ~Exists(limits.exclude(property__in=mine)), is_limited=True)
    grants = Grant.objects.filter(person=OuterRef("pk"))
    live = grants_not_over().filter(person=OuterRef("pk"))
    of_family = (Q(Exists(live)) & ~Q(Exists(_beyond(live, user)))) | (
        Q(Exists(grants)) & ~Q(Exists(_beyond(grants, user)))
    )
    return (~Q(role=Role.FAMILY_ADMIN) & of_staff) | (Q(role=Role.FAMILY_ADMIN) & of_family)


def _beyond(grants: GrantQuerySet, user: User) -> GrantQuerySet:
    mine = PropertyLimit.objects.filter(person=user).values("property")
    # A family in no property is nobody's but the unlimited managers'.
    return grants.filter(Q(family__property=None) | ~Q(family__property__in=mine))
