"""Who is in a family at this moment, as it was last read, and what may be done to whom."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from django.db.models import Q, QuerySet
from django.utils import timezone

from families.models import Family, Kind, Member, Rights, SyncState
from families.selectors.reaching import organisations_reaches
from families.services.members.refusals import (
    AlreadyThere,
    BeingAdded,
    BeingChanged,
    LastAdministrator,
    MemberChanged,
    MemberGone,
    NobodyChosen,
    OwnAccount,
    OwnerKept,
    RightsNotGiven,
)
from portal.audit.models import OPEN_STATES, Command, State

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


INVITE = "invite_family_account"
# What brings somebody in by an address.
BRINGS = (INVITE, "create_family_account")
# A change that could not be read back for so long keeps nobody from the next one.
NOT_READ_YET = timedelta(seconds=30)


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

    def check_somebody_administers(
        self, without: Collection[Member], busy: Collection[str] = frozenset()
    ) -> None:
        """Nothing, if somebody administers the family without these, or nobody of these did.

        Raises LastAdministrator, and BeingChanged where whoever would be left is among ``busy``.
        """
        leaving = {member.pk for member in without}
        administrators = [member for member in self.members.values() if member.auth in ADMINISTERS]
        last = [member for member in administrators if member.pk in leaving]
        staying = [member for member in administrators if member.pk not in leaving]
        if not last:
            return
        if not staying:
            raise LastAdministrator(*last)
        if all(member.account_id in busy for member in staying):
            raise BeingChanged(*staying)

    def check_nobody_else(self, members: Iterable[Member], press: str) -> Collection[str]:
        """The accounts that other presses change at this moment; raises BeingChanged where one of these is among them.

        What was done and is not read back yet counts. Two queries.
        """
        busy = {account for command in self._under_way(CHANGES, press) for account in _accounts_in(command)}
        changing = [member for member in members if member.account_id in busy]
        if changing:
            raise BeingChanged(*changing)
        return busy

    def check_address(self, email: str, press: str) -> None:
        """Nothing, unless the address is a member's or is being made one's, in whatever capitals.

        Raises AlreadyThere, BeingAdded. Two queries.
        """
        for member in self.members.values():
            if member.email.casefold() == email.casefold():
                raise AlreadyThere(member)
        if self._under_way(BRINGS, press).filter(parameters__email__iexact=email).exists():
            raise BeingAdded(email)

    def _under_way(self, names: Collection[str], press: str) -> QuerySet[Command]:
        """The commands of other presses that are on their way, or done after the members were last read."""
        now = timezone.now()
        read = (
            SyncState.objects.filter(family=self.family, kind=Kind.MEMBERS)
            .values_list("last_good_at")
            .first()
        )
        done = Q(state=State.SUCCEEDED, answered_at__gt=now - NOT_READ_YET)
        if read and read[0]:
            done &= Q(answered_at__gt=read[0])
        open_now = Q(state__in=OPEN_STATES, deadline_at__gt=now)
        # An invitation that went out makes nobody a member.
        done &= ~Q(name=INVITE)
        return Command.objects.filter(open_now | done, family=self.family, name__in=names).exclude(
            press=press
        )

    def _auth(self, member: Member) -> str:
        return self.members[member.pk].auth


def check_given(*rights: str) -> None:
    """Nothing, if these rights can be given; raises RightsNotGiven."""
    if not GIVEN.issuperset(rights):
        raise RightsNotGiven


def _accounts_in(command: Command) -> set[str]:
    rows = [command.parameters, *command.parameters.get("accounts", [])]
    return {row["account_id"] for row in rows if "account_id" in row}
