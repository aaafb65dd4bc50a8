"""What ends in the portal for those who leave a family, and from when on the next household may look after it.

Design decision: these ask for the right over the family and not over the person. A limited manager may move somebody out of a
family of theirs who also looks after one beyond their reach: only what belongs to this family is touched.
"""

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from families.models import Family, Grant
from families.scope import grants_not_over
from families.services.people import granting, inviting, rights
from families.services.people.granting import GrantChange
from portal.accounts import sessions
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, By
from portal.connections import managing


def begin_leaving(by: By, family: Family) -> None:
    """From now on nobody is given the family, in the caller's transaction. Raises PermissionDenied."""
    check_may_move_out(by, family)
    Family.objects.filter(pk=family.pk).update(household_leaving_at=timezone.now())


def end_leaving(by: By, family: Family, *, left: Collection[int] = ()) -> datetime:
    """The household has moved out as of now: who was given the family for later begins now at the earliest.

    Returns that moment. In the caller's transaction, which has ended the grants of those who left; ``left`` are those of
    them that could not be ended, and stay as they are.
    """
    with transaction.atomic():
        Family.objects.select_for_update().get(pk=family.pk)
        now = timezone.now()
        Family.objects.filter(pk=family.pk).update(household_leaving_at=None, household_since=now)
        early = grants_not_over().filter(family=family, starts_at__lt=now, suspended_at=None)
        early = early.exclude(pk__in=left)
        for grant in early.select_related("family", "person"):
            before = granting.describe(grant)
            grant.starts_at = now
            grant.save(update_fields=["starts_at"])
            details = {"before": before, "after": granting.describe(grant)}
            granting.record(by, grant.person, [GrantChange("grant.change", grant, details)])
    return now


def end_grant(by: By, grant: Grant) -> bool:
    """Take the family back from somebody who leaves it; False where it was over already. Raises PermissionDenied."""
    with transaction.atomic():
        check_may_move_out(by, grant.family)
        found = grants_not_over().filter(pk=grant.pk).select_for_update().first()
        if found is None:
            return False
        found.family, found.person = grant.family, grant.person
        granting.record(by, grant.person, [granting.end(found)])
    return True


def take_back_invitation(by: By, family: Family, person: User) -> bool:
    """Take back the invitation of somebody who has not joined, and who looks after no other family.

    False where they have joined, or have another family by now: then only the grant of this one ends. Raises PermissionDenied.
    """
    with transaction.atomic():
        check_may_move_out(by, family)
        found = User.objects.select_for_update().filter(pk=person.pk, joined_at=None).first()
        if found is None or has_other_family(found, family):
            return False
        was, parameters = inviting.about(found), inviting.describe(found)
        found.delete()
        about = About(family.pk, family.name, was.kind, was.id, was.name)
        trail.record("person.invite_revoke", by, about, parameters=parameters)
    return True


def sign_out(by: By, family: Family, person: User) -> int:
    """End every session of somebody who leaves; return how many were open. Raises PermissionDenied.

    Somebody with another family signs in again and sees that one.
    """
    with transaction.atomic():
        check_may_move_out(by, family)
        ended = sessions.end_all(person)
        about = About(family.pk, family.name, "person", person.public_id, person.email)
        trail.record("session.end", by, about, parameters={"sessions_ended": ended})
    return ended


def pause_own_connection(by: By, family: Family, person: User) -> bool:
    """Pause the personal connection of somebody who leaves and looks after no other family; False without one to pause.

    Raises PermissionDenied.
    """
    with transaction.atomic():
        check_may_move_out(by, family)
        User.objects.select_for_update().get(pk=person.pk)
        if has_other_family(person, family):
            return False
        return managing.pause_own_of(by, person)


def has_other_family(person: User, family: Family) -> bool:
    """Whether a grant that is not over gives them another family."""
    return grants_not_over().filter(person=person).exclude(family=family).exists()


def check_may_move_out(by: By, family: Family) -> None:
    """Nothing, if whoever acts is a manager who may change something in this family now; raises PermissionDenied.

    Locks them as every change of a person does: whoever is switched off at this moment waits, or is refused.
    """
    rights.lock(by)
    if by.user is None:
        return
    user = User.objects.get(pk=by.user.pk)
    if not user.is_manager or not Family.objects.visible_to(user).filter(pk=family.pk).exists():
        raise PermissionDenied
