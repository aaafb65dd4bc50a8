"""Reads members for the actions on them: who was chosen, and what stays when somebody is removed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from families.models import Family, Grant, Kind, Member, Reach, SyncState
from families.scope import grants_not_over, visible_people
from families.selectors.invitations import pending_invitations
from portal.accounts.models import User


@dataclass(frozen=True)
class Stays:
    """What a removal from the family does not take along by itself, as far as the person who asks may know it.

    ``grants`` are those of people with the member's address, ``ending`` those that are tied to the member and end with
    the removal. ``is_oneself``: who asks would remove themselves, and ``loses_family`` with it their own grant.
    ``has_own_connection``: the account is somebody's own connection in the portal. ``is_invited``: an invitation to
    the address may still be out.
    """

    grants: Sequence[Grant]
    ending: Sequence[Grant]
    is_oneself: bool
    loses_family: bool
    has_own_connection: bool
    is_invited: bool


def get_member(user: User, family: Family, member_id: str) -> Member:
    """The member, perhaps one who is gone; raises Member.DoesNotExist unless they are of this family and it is seen."""
    found = Member.objects.visible_to(user).select_related("family")
    return found.get(family=family, public_id=member_id)


def choose_members(user: User, family: Family, ids: Collection[str]) -> list[Member]:
    """The members with these ids by name; raises Member.DoesNotExist where one is not of this family."""
    found = Member.objects.visible_to(user).filter(family=family, public_id__in=set(ids))
    members = list(found.order_by("search_text", "pk"))
    if len(members) != len(set(ids)):
        raise Member.DoesNotExist
    return members


def members_as_of(family: Family) -> datetime | None:
    """When the members of the family were last read well. One query."""
    states = SyncState.objects.filter(family=family, kind=Kind.MEMBERS)
    return states.values_list("last_good_at", flat=True).first()


def own_members(user: User, family: Family, members: Iterable[Member]) -> set[int]:
    """Which of these members are this person: by the address, or by a grant tied to them. One query at most."""
    mine = {member.pk for member in members if member.email.strip().lower() == user.email}
    if user.is_family_admin:
        tied = Grant.objects.now().filter(person=user, family=family).exclude(member=None)
        mine |= set(tied.values_list("member", flat=True))
    return mine


def what_stays(user: User, family: Family, members: Collection[Member]) -> Stays:
    """What removing these members would leave behind. Six queries at most."""
    numbers = [member.pk for member in members]
    addresses = {member.email.strip().lower() for member in members if member.email.strip()}
    of_them = grants_not_over().filter(Q(member__in=numbers) | Q(person__email__in=addresses), family=family)
    if not user.is_manager:
        of_them = of_them.none()
    seen = of_them.filter(person__in=visible_people(user)).select_related("person").order_by("pk")
    ending = [grant for grant in seen if grant.member_id in numbers]
    accounts = [member.account_id for member in members]
    personal = Reach.objects.filter(
        family=family, gone_at=None, account_id__in=accounts, connection__removed_at=None
    ).exclude(connection__owner=None)
    invited = {one.email.casefold() for one in pending_invitations(user, family)}
    return Stays(
        grants=[grant for grant in seen if grant not in ending],
        ending=ending,
        is_oneself=bool(own_members(user, family, members) & set(numbers)),
        loses_family=Grant.objects.now().filter(person=user, member__in=numbers).exists(),
        has_own_connection=personal.exists(),
        is_invited=bool(invited & addresses),
    )
