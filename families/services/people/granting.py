"""Families given to family admins: from a day on, to a day, and taken back.

Design decision: at most one grant that is not over binds a person and a family. Its days are changed instead of
laying a second one over the first, so that "since when" and "until when" have one answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Family, Grant, Member
from families.scope import grants_not_over
from families.services.people import rights
from families.services.people.standing import Standing, Term, TermRefused, last_day
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import About, By


class GrantThere(PersonRefused):
    """The person has this family already: that grant can be changed."""

    def __init__(self, grant: Grant) -> None:
        words = _("%(person)s has “%(family)s” already. Change that instead.")
        super().__init__(words % {"person": grant.person, "family": grant.family})
        self.grant = grant


class HouseholdLeaving(TermRefused):
    """The household that lives there is being moved out: nobody is given the family before that has ended."""

    def __init__(self, family: Family) -> None:
        words = _("“%(family)s” is being moved out at this moment. Give it once that has ended.")
        super().__init__("starts_on", words % {"family": family})


class GrantOver(PersonRefused):
    """The grant is over, or was never there: there is nothing to change."""


@dataclass(frozen=True)
class GrantChange:
    """What was done to a grant, for the trail, which comes last in a transaction."""

    event: str
    grant: Grant
    details: Mapping[str, object]


def begin_grants(by: By, person: User, families: Iterable[Family], term: Term) -> list[Grant]:
    """Give a family admin these families; all or none.

    Each grant hides what was before it. A suspended one of the same family is ended and replaced. Raises
    PermissionDenied, Gone, GrantThere and TermRefused, of which HouseholdLeaving is one.
    """
    families = tuple(families)
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        if not person.is_family_admin:
            raise PermissionDenied
        rights.check_may_give(by, Standing(Role.FAMILY_ADMIN, families=families), has_families=True)
        changes = begin(person, families, term)
        record(by, person, changes)
    return [change.grant for change in changes if change.event == "grant.begin"]


def change_grant(by: By, person: User, family: Family, term: Term) -> Grant:
    """Other days, or another right to invite. A grant that has begun keeps its beginning.

    Raises PermissionDenied, Gone, GrantOver and TermRefused.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        grant = _living(person, family)
        before = describe(grant)
        if grant.starts_at > timezone.now():
            grant.starts_at = _after_the_last_household(family, term.begin(family))
        grant.ends_at = term.end(family, grant.starts_at)
        grant.may_invite = term.may_invite
        grant.save(update_fields=["starts_at", "ends_at", "may_invite"])
        if describe(grant) != before:
            details = {"before": before, "after": describe(grant)}
            record(by, person, [GrantChange("grant.change", grant, details)])
    return grant


def end_grant(by: By, person: User, family: Family) -> None:
    """Take a family back now; one that had not begun leaves nothing. Raises PermissionDenied, Gone and GrantOver."""
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        record(by, person, [end(_living(person, family))])


def begin(person: User, families: Iterable[Family], term: Term) -> list[GrantChange]:
    """Make the grants of somebody who is locked; what was done is for the caller to put on the trail."""
    families = tuple(families)
    there: dict[int, list[Grant]] = defaultdict(list)
    for grant in (
        grants_not_over().filter(person=person, family__in=families).select_related("person", "family")
    ):
        there[grant.family_id].append(grant)
    changes = []
    for family in families:
        for grant in there[family.pk]:
            if grant.suspended_at is None:
                raise GrantThere(grant)
            changes.append(end(grant))
        starts_at = term.begin(family)
        given = give(person, family, starts_at, term.end(family, starts_at), may_invite=term.may_invite)
        there[family.pk].append(given.grant)
        changes.append(given)
    return changes


def give(
    person: User, family: Family, starts_at: datetime, ends_at: datetime | None, *, may_invite: bool = False
) -> GrantChange:
    """A new grant, tied to the member of the family that has the person's address, if there is one.

    It never begins before the last household had moved out; raises HouseholdLeaving while one is moving out.
    """
    starts_at = _after_the_last_household(family, starts_at)
    # Should that member leave the family, the sync suspends the grant.
    member = Member.objects.filter(family=family, email__iexact=person.email, gone_at=None).first()
    grant = Grant.objects.create(
        person=person,
        family=family,
        member=member,
        starts_at=starts_at,
        ends_at=ends_at,
        may_invite=may_invite,
    )
    return GrantChange("grant.begin", grant, describe(grant))


def end(grant: Grant) -> GrantChange:
    """End a grant now."""
    now = timezone.now()
    change = GrantChange("grant.end", grant, describe(grant))
    if grant.starts_at > now:
        grant.delete()
    else:
        grant.ends_at = now
        grant.save(update_fields=["ends_at"])
    return change


def describe(grant: Grant) -> dict[str, object]:
    """A grant as the trail tells it."""
    ends_on = last_day(grant.ends_at, grant.family) if grant.ends_at else None
    return {
        "starts_at": grant.starts_at.isoformat(timespec="seconds"),
        "last_day": str(ends_on) if ends_on else "",
        "may_invite": grant.may_invite,
    }


def record(by: By, person: User, changes: Iterable[GrantChange]) -> None:
    """Put on the trail what was done to a person's grants."""
    for change in changes:
        family = change.grant.family
        about = About(family.pk, family.name, "person", person.public_id, person.email)
        trail.record(change.event, by, about, parameters=change.details)


def _after_the_last_household(family: Family, starts_at: datetime) -> datetime:
    """The moment itself, or a later one that shows nothing of the household before; raises HouseholdLeaving."""
    # Locked, so that a move-out that begins now either is seen here, or finds the grant that is made here.
    now = Family.objects.select_for_update().only("household_leaving_at", "household_since").get(pk=family.pk)
    if now.household_leaving_at is not None and starts_at <= timezone.now():
        raise HouseholdLeaving(family)
    return max(starts_at, now.household_since) if now.household_since is not None else starts_at


def _living(person: User, family: Family) -> Grant:
    found = (
        grants_not_over()
        .filter(person=person, family=family)
        .select_related("family")
        .order_by("-pk")
        .first()
    )
    if found is None:
        raise GrantOver(
            _("%(person)s does not have “%(family)s” any more.") % {"person": person, "family": family}
        )
    return found
