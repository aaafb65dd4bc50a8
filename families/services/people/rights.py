"""Who may change whom, asked at the moment of the change: a view is not the only caller."""

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from families.models import Family, Property
from families.scope import may_manage
from families.services.people.standing import Standing
from portal.accounts.models import Role, User
from portal.audit.trail import By


class Gone(Exception):
    """The person is not there any more: somebody else took their invitation back."""


def lock(by: By) -> None:
    """Lock everybody on whom a change may hang, first in its transaction; raises PermissionDenied as lock_person does."""
    _locked(by, None)


def lock_person(by: By, person: User) -> User:
    """The same, and return the person as they are now; raises Gone.

    All locks are taken at once and in one order, so that two managers who demote each other wait, and one of them
    is then refused. Raises PermissionDenied when whoever asks was switched off meanwhile.
    """
    found = _locked(by, person)
    if person.pk not in found:
        raise Gone
    return found[person.pk]


def check_may_manage(by: By, person: User) -> None:
    """Nothing, if whoever asks may change this person; raises PermissionDenied. The operator may."""
    if by.user is not None and not may_manage(_fresh(by.user), person):
        raise PermissionDenied


def check_may_give(by: By, standing: Standing, *, has_families: bool = False) -> None:
    """Nothing, if whoever asks may make somebody this; raises PermissionDenied. The operator may.

    Nobody gives more than they have, and a limited manager nothing without a limit, nor nothing at all.
    ``has_families``: the person keeps families that were given before.
    """
    if by.user is None:
        return
    user = _fresh(by.user)
    if not user.is_manager:
        raise PermissionDenied
    given = [one.pk for one in standing.properties or ()]
    families = [family.pk for family in standing.families]
    if Property.objects.visible_to(user).filter(pk__in=given).count() != len(set(given)):
        raise PermissionDenied
    if Family.objects.visible_to(user).filter(pk__in=families).count() != len(set(families)):
        raise PermissionDenied
    if user.is_limited:
        reaches = families or has_families if standing.role == Role.FAMILY_ADMIN else given
        if not reaches:
            raise PermissionDenied


def _fresh(user: User) -> User:
    """Whoever asks as they are now: what the request knows of them may be older than their rights."""
    return User.objects.get(pk=user.pk)


def _locked(by: By, person: User | None) -> dict[int, User]:
    asked = [user.pk for user in (by.user, person) if user is not None]
    unlimited = Q(role=Role.MANAGER, is_limited=False, is_active=True)
    wanted = User.objects.select_for_update().filter(unlimited | Q(pk__in=asked)).order_by("pk")
    found = {user.pk: user for user in wanted}
    if by.user is not None and not (by.user.pk in found and found[by.user.pk].is_active):
        raise PermissionDenied
    return found
