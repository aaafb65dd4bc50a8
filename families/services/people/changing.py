"""Changes what somebody is and reaches, switches people off, and on again."""

from django.db import transaction
from django.utils.translation import gettext as _

from families.models import PropertyLimit
from families.scope import grants_not_over
from families.services.people import granting, rights
from families.services.people.inviting import about, describe
from families.services.people.standing import Standing
from portal.accounts import people, second_factor, sessions
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import By
from portal.connections import managing


class NotJoined(PersonRefused):
    """The person has not joined: their invitation can be taken back instead."""

    def __init__(self, person: User) -> None:
        super().__init__(
            _("%(person)s has not joined yet. Take the invitation back instead.") % {"person": person}
        )


def change_person(by: By, person: User, standing: Standing, *, name: str | None = None) -> User:
    """Give somebody this role and this reach instead of what they had.

    The families of somebody who is a family admin and stays one are left alone: they are given and taken one by
    one. A link that was sent for another role is dead; nobody is told but by the next one. Raises
    PermissionDenied, Gone, people.LastManager and TermRefused.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        stays = person.is_family_admin and standing.role == Role.FAMILY_ADMIN
        rights.check_may_give(by, standing, has_families=stays)
        people.keep_a_manager(
            person, role=standing.role, is_limited=standing.is_limited, is_active=person.is_active
        )
        before = describe(person)
        changes = []
        if person.is_family_admin and not stays:
            live = grants_not_over().filter(person=person).select_related("family")
            changes = [granting.end(grant) for grant in live]
        person.role, person.is_limited = standing.role, standing.is_limited
        person.name = person.name if name is None else name
        person.save(update_fields=["role", "is_limited", "name"])
        set_limits(person, standing)
        if not stays:
            changes += granting.begin(person, standing.families, standing.term)
        if person.is_auditor:
            managing.pause_own_of(by, person)
        # The trail comes last: it is held by one writer at a time, who should then wait for no row.
        after = describe(person)
        if after != before:
            trail.record("person.change", by, about(person), parameters={"before": before, "after": after})
        granting.record(by, person, changes)
    return person


def switch_off(by: By, person: User) -> int:
    """Let somebody sign in no more, and end their sessions at once; return how many there were.

    What they hold is kept for when they are switched on again. Raises PermissionDenied, Gone, NotJoined and
    people.LastManager.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        if person.joined_at is None:
            raise NotJoined(person)
        if not person.is_active:
            return 0
        people.keep_a_manager(person, role=person.role, is_limited=person.is_limited, is_active=False)
        person.is_active = False
        person.save(update_fields=["is_active"])
        ended = sessions.end_all(person)
        # Nothing is asked at the upstream in the name of somebody who may not come here.
        managing.pause_own_of(by, person)
        trail.record("person.switch_off", by, about(person), parameters={"sessions": ended})
    return ended


def switch_on(by: By, person: User) -> None:
    """Let somebody sign in again. Raises PermissionDenied, Gone and NotJoined."""
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        if person.joined_at is None:
            raise NotJoined(person)
        if person.is_active:
            return
        person.is_active = True
        person.save(update_fields=["is_active"])
        # A sign-in that was under way while they were switched off may have left one.
        sessions.end_all(person)
        trail.record("person.switch_on", by, about(person))


def reset_second_factor(by: By, person: User) -> int:
    """Take the second factors of somebody who lost theirs; return how many there were. Raises PermissionDenied and Gone.

    They sign in with their password alone, and where a second factor is required they set up another at once.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
    # It mails the person afterwards, and no transaction is held meanwhile.
    return second_factor.reset(by, person)


def set_limits(person: User, standing: Standing) -> None:
    """Make the properties of ``standing`` exactly the person's."""
    held = PropertyLimit.objects.filter(person=person)
    if not standing.is_limited:
        held.delete()
        return
    given = standing.properties or ()
    held.exclude(property__in=given).delete()
    PropertyLimit.objects.bulk_create(
        [PropertyLimit(person=person, property=one) for one in given], ignore_conflicts=True
    )
