"""Makes people what they shall be, from the command line: new ones and those who are there alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from families.models import Family, Property
from families.scope import grants_not_over
from families.services.people import granting, rights
from families.services.people.changing import set_limits
from families.services.people.granting import GrantChange
from families.services.people.inviting import about, describe, invite_person, send_again
from families.services.people.standing import Standing
from portal.accounts import joining, people, sessions
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import By
from portal.connections import managing


@dataclass(frozen=True)
class Wanted:
    """What a person shall be. None leaves that as it is: lists that are given become exactly the person's."""

    role: str
    name: str | None = None
    properties: Sequence[Property] | None = None
    families: Sequence[Family] | None = None
    is_unlimited: bool = False
    password: str | None = None


@dataclass(frozen=True)
class Set:
    """What became of it. ``link`` is that of an invitation, for somebody who has yet to join."""

    person: User
    is_new: bool
    link: str = ""


def set_person(by: By, email: str, wanted: Wanted) -> Set:
    """Make a person of that address, or change the one there is.

    With a password they have joined; without one somebody new is invited, and somebody who has not joined is
    invited again: the link is for whoever asked to hand on. Somebody who was switched off is switched on. A right
    that goes on keeps its start; a new one starts now and shows nothing from before. Raises PersonRefused (then
    nothing was stored), and its LastManager when nobody else manages everything.
    """
    email = people.checked_email(email)
    if wanted.role == Role.FAMILY_ADMIN and (wanted.properties or wanted.is_unlimited):
        raise PersonRefused("a family admin has families, not properties")
    if wanted.role != Role.FAMILY_ADMIN and wanted.families:
        raise PersonRefused("families are given to family admins; a manager or an auditor has properties")
    there = User.objects.filter(email__iexact=email).first()
    if there is None and wanted.password is None:
        standing = Standing(
            wanted.role,
            None if wanted.properties is None else tuple(wanted.properties),
            tuple(wanted.families or ()),
        )
        sent = invite_person(by, email, standing, name=wanted.name or "", by_mail=False)
        return Set(sent.person, is_new=True, link=sent.link)
    with transaction.atomic():
        if there is None:
            person = User(email=email)
            before = {}
        else:
            person = rights.lock_person(by, there)
            before = describe(person)
        link = _set(by, person, before, wanted)
    return Set(person, is_new=there is None, link=link)


def _set(by: By, person: User, before: dict[str, object], wanted: Wanted) -> str:
    is_new = person.pk is None
    is_limited = _is_limited(person, wanted)
    if not is_new:
        people.keep_a_manager(person, role=wanted.role, is_limited=is_limited)
    person.role, person.is_limited = wanted.role, is_limited
    person.name = person.name if wanted.name is None else wanted.name
    if wanted.password is not None:
        people.check_password(wanted.password, person)
        person.set_password(wanted.password)
        person.joined_at = person.joined_at or timezone.now()
    was_off = not person.is_active
    person.is_active = person.joined_at is not None
    person.save()
    if person.is_active:
        if was_off:
            # A sign-in that was under way while they were switched off may have left one.
            sessions.end_all(person)
        # Whoever runs a command on the machine vouches for the address.
        people.verify_address(person)
        joining.revoke(person)
    if wanted.properties is not None or not is_limited:
        set_limits(person, Standing(wanted.role, tuple(wanted.properties or ()) if is_limited else None))
    changes = _set_grants(person, wanted)
    link = "" if person.is_active else send_again(by, person)[1]
    if person.is_auditor:
        managing.pause_own_of(by, person)
    # The trail comes last: it is held by one writer at a time, who should then wait for no row.
    parameters = {
        "before": before,
        "after": describe(person),
        "password": "set" if wanted.password is not None else "kept",
    }
    trail.record("person.add" if is_new else "person.change", by, about(person), parameters=parameters)
    granting.record(by, person, changes)
    return link


def _is_limited(person: User, wanted: Wanted) -> bool:
    if wanted.role == Role.FAMILY_ADMIN or wanted.is_unlimited:
        return False
    if wanted.properties is not None:
        return True
    # Nothing said: a limit goes on when one manager's or auditor's role becomes the other, and never comes by itself.
    return person.is_limited


def _set_grants(person: User, wanted: Wanted) -> list[GrantChange]:
    """Only what is new starts: a grant that goes on keeps its start, which hides what was before it."""
    if person.is_family_admin and wanted.families is None:
        return []
    families = {family.pk: family for family in wanted.families or ()}
    now = timezone.now()
    changes = []
    for grant in grants_not_over().filter(person=person).select_related("family"):
        runs = grant.starts_at <= now and grant.suspended_at is None
        if runs and grant.family_id in families:
            del families[grant.family_id]
        else:
            changes.append(granting.end(grant))
    return changes + [granting.give(person, family, now, None) for family in families.values()]
