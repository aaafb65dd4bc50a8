"""Gives people their role, and with it what they may reach: properties for managers and auditors, families else."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from families.models import Family, Grant, Member, Property, PropertyLimit
from portal.accounts import people
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import About, By


@dataclass(frozen=True)
class Rights:
    """What a person shall be. None leaves that as it is: lists that are given become exactly the person's."""

    role: str
    name: str | None = None
    properties: Sequence[Property] | None = None
    families: Sequence[Family] | None = None
    is_unlimited: bool = False
    password: str | None = None


def set_person(by: By, email: str, rights: Rights) -> tuple[User, bool]:
    """Make a person of that address, or change the one there is; return them and whether they are new.

    A right that goes on keeps its start; a new one starts now, shows nothing from before, and is tied to the
    member of the family that has the address, if there is one. Raises PersonRefused (then nothing was stored),
    and its LastManager when nobody else manages everything.
    """
    email = people.checked_email(email)
    if rights.role == Role.FAMILY_ADMIN and (rights.properties or rights.is_unlimited):
        raise PersonRefused("a family admin has families, not properties")
    if rights.role != Role.FAMILY_ADMIN and rights.families:
        raise PersonRefused("families are given to family admins; a manager or an auditor has properties")
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email__iexact=email).first()
        is_new = user is None
        if user is None:
            user = User(email=email)
            user.set_unusable_password()
        before = {} if is_new else _described(user)
        is_limited = _is_limited(user, rights)
        if not is_new:
            people.keep_a_manager(user, role=rights.role, is_limited=is_limited)
        user.role, user.is_limited, user.is_active = rights.role, is_limited, True
        user.name = user.name if rights.name is None else rights.name
        if rights.password is not None:
            people.check_password(rights.password, user)
            user.set_password(rights.password)
        user.save()
        people.verify_address(user)
        _set_limits(user, rights)
        changed = _set_grants(user, rights)
        # The trail comes last: it is held by one writer at a time, who should then wait for no row.
        about = About(kind="person", id=user.public_id, name=user.email)
        parameters = {
            "before": before,
            "after": _described(user),
            "password": "set" if rights.password is not None else "kept",
        }
        trail.record("person.add" if is_new else "person.change", by, about, parameters=parameters)
        for event, family in changed:
            trail.record(event, by, About(family.pk, family.name, "person", user.public_id, user.email))
    return user, is_new


def _is_limited(user: User, rights: Rights) -> bool:
    if rights.role == Role.FAMILY_ADMIN or rights.is_unlimited:
        return False
    if rights.properties is not None:
        return True
    # Nothing said: a limit goes on when one manager's or auditor's role becomes the other, and never comes by itself.
    return user.is_limited


def _set_limits(user: User, rights: Rights) -> None:
    if not user.is_limited:
        PropertyLimit.objects.filter(person=user).delete()
    elif rights.properties is not None:
        PropertyLimit.objects.filter(person=user).exclude(property__in=rights.properties).delete()
        PropertyLimit.objects.bulk_create(
            [PropertyLimit(person=user, property=one) for one in rights.properties], ignore_conflicts=True
        )


def _set_grants(user: User, rights: Rights) -> list[tuple[str, Family]]:
    """Only what is new starts: a grant that goes on keeps its start, which hides what was before it.

    Returns what changed, as events for the trail.
    """
    if user.is_family_admin and rights.families is None:
        return []
    running = {
        grant.family_id: grant for grant in Grant.objects.now().filter(person=user).select_related("family")
    }
    wanted = {family.pk: family for family in rights.families or ()}
    now = timezone.now()
    changed: list[tuple[str, Family]] = []
    for family_id, grant in running.items():
        if family_id not in wanted:
            Grant.objects.filter(pk=grant.pk).update(ends_at=now)
            changed.append(("grant.end", grant.family))
    for family_id, family in wanted.items():
        if family_id not in running:
            # Should that member leave the family, the sync suspends the grant.
            member = Member.objects.filter(family=family, email__iexact=user.email, gone_at=None).first()
            Grant.objects.create(person=user, family=family, member=member, starts_at=now)
            changed.append(("grant.begin", family))
    return changed


def _described(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "role": str(user.role),
        "is_limited": user.is_limited,
        "is_active": user.is_active,
        "properties": sorted(
            PropertyLimit.objects.filter(person=user).values_list("property__name", flat=True)
        ),
    }
