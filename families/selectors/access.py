"""Reads who looks after a family in the portal, and who of it may be invited to."""

from dataclasses import dataclass, field

from families.models import Family, Grant, Member
from families.scope import grants_not_over, visible_people
from families.services.people import find_right_to_invite
from portal.accounts.models import User


@dataclass(frozen=True)
class FamilyAccess:
    """Who looks after a family. ``by_manager``: seen by a manager, who invites on the page of people.

    To a family admin who may invite it shows members only: ``invitable`` are those who may be invited.
    """

    grants: list[Grant]
    by_manager: bool
    invitable: list[Member] = field(default_factory=list)


def get_access(user: User, family: Family) -> FamilyAccess | None:
    """Who looks after the family, for those who may let somebody in; None for everybody else. Two queries at most."""
    live = grants_not_over().filter(family=family, suspended_at=None).select_related("person", "member")
    live = live.order_by("person__search_text", "pk")
    if user.is_manager:
        return FamilyAccess(list(live.filter(person__in=visible_people(user))), by_manager=True)
    if find_right_to_invite(user, family) is None:
        return None
    members = {
        member.email.strip().lower(): member
        for member in Member.objects.filter(family=family, gone_at=None)
        .exclude(email="")
        .order_by("search_text")
    }
    grants = [grant for grant in live if grant.person.email in members]
    known = {grant.person.email for grant in grants} | {user.email}
    return FamilyAccess(
        [grant for grant in grants if grant.person_id != user.pk],
        by_manager=False,
        invitable=[member for email, member in members.items() if email not in known],
    )
