"""Who is in a family at this moment, as it was last read, and what may be done to whom."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from django.utils import timezone

from families.models import Family, Member, Rights
from families.selectors.reaching import organisations_reaches
from families.services.members.refusals import (
    AlreadyThere,
    BeingChanged,
    LastAdministrator,
    MemberChanged,
    MemberGone,
    NobodyChosen,
    OwnAccount,
    OwnerKept,
    RightsNotGiven,
)
from portal.audit.models import OPEN_STATES, Command

GIVEN = frozenset({Rights.USER.value, Rights.GUEST.value})
ADMINISTERS = frozenset({Rights.ADMIN.value, Rights.USER.value})
# What changes a member who is there.
CHANGES = (
    "update_family_account_auth",
    "batch_update_family_account_auth",
    "delete_family_account",
    "batch_delete_family_account",
    "change_family_admin",
)


@dataclass(frozen=True)
class Household:
    """The members who are there by their number, and the account ids through which the organisation reaches it."""

    family: Family
    members: Mapping[int, Member]
    own_accounts: frozenset[str]

    @classmethod
    def of(cls, family: Family) -> Self:
        """As it is known now. Two queries."""
        members = Member.objects.filter(family=family, gone_at=None)
        accounts = organisations_reaches([family.pk]).values_list("account_id", flat=True)
        return cls(family, {member.pk: member for member in members}, frozenset(accounts))

    def chosen(self, members: Collection[Member]) -> list[Member]:
        """Those members as they are now; raises NobodyChosen, MemberGone."""
        if not members:
            raise NobodyChosen
        gone = [member for member in members if member.pk not in self.members]
        if gone:
            raise MemberGone(*gone)
        return [self.members[member.pk] for member in members]

    def check_free(self, members: Iterable[Member]) -> None:
        """Nothing, if each of them may be changed at all; raises OwnAccount, OwnerKept."""
        members = list(members)
        own = [member for member in members if member.account_id in self.own_accounts]
        if own:
            raise OwnAccount(*own)
        owners = [member for member in members if member.auth == Rights.ADMIN]
        if owners:
            raise OwnerKept(*owners)

    def check_unchanged(self, was: Mapping[Member, str]) -> None:
        """Nothing, if each still has the rights that were seen; raises MemberChanged."""
        changed = [self.members[member.pk] for member, auth in was.items() if self._auth(member) != auth]
        if changed:
            raise MemberChanged(*changed)

    def check_somebody_administers(self, without: Collection[Member]) -> None:
        """Nothing, if somebody administers the family without these, or nobody of these did; raises LastAdministrator."""
        leaving = {member.pk for member in without}
        administrators = [member for member in self.members.values() if member.auth in ADMINISTERS]
        last = [member for member in administrators if member.pk in leaving]
        if last and len(last) == len(administrators):
            raise LastAdministrator(*last)

    def check_nobody_else(self, members: Iterable[Member], press: str) -> None:
        """Nothing, unless another press changes one of them at this moment; raises BeingChanged. One query."""
        others = Command.objects.filter(
            family=self.family, name__in=CHANGES, state__in=OPEN_STATES, deadline_at__gt=timezone.now()
        ).exclude(press=press)
        busy = {account for command in others for account in _accounts_in(command)}
        changing = [member for member in members if member.account_id in busy]
        if changing:
            raise BeingChanged(*changing)

    def check_address(self, email: str) -> None:
        """Nothing, unless the address is a member's, in whatever capitals; raises AlreadyThere."""
        for member in self.members.values():
            if member.email.casefold() == email.casefold():
                raise AlreadyThere(member)

    def _auth(self, member: Member) -> str:
        return self.members[member.pk].auth


def check_given(*rights: str) -> None:
    """Nothing, if these rights can be given; raises RightsNotGiven."""
    if not GIVEN.issuperset(rights):
        raise RightsNotGiven


def _accounts_in(command: Command) -> set[str]:
    rows = [command.parameters, *command.parameters.get("accounts", [])]
    return {row["account_id"] for row in rows if "account_id" in row}
