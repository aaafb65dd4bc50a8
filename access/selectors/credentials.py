"""Reads for the pages what accounts open doors with: whose they are and what is there, as it was last read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from access.models import Credential, CredentialKind, Holder
from families.models import Family, Member, Reach
from portal.accounts.models import User
from portal.connections import managing
from portal.connections.models import Connection, Health

# More families than this of one account are told as a number.
SHOWN = 100


@dataclass(frozen=True)
class Account:
    """One account in a family, with what is known of its credentials."""

    holder: Holder
    reach: Reach
    name: str
    known: Mapping[str, Credential] = field(default_factory=dict)

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of what is known was read; None where something was never read."""
        times = [one.read_at for one in self.known.values()]
        return min(times) if len(times) == len(CredentialKind) else None


@dataclass(frozen=True)
class OwnRow:
    """The person's own account in one family."""

    family: Family
    known: Mapping[str, Credential]

    @property
    def lacks(self) -> bool:
        """Whether something is known not to be there, or not known at all."""
        return any(kind not in self.known or not self.known[kind].is_there for kind in CredentialKind.values)

    @property
    def read_at(self) -> datetime | None:
        """When the oldest of what is known was read; None where something was never read."""
        times = [one.read_at for one in self.known.values()]
        return min(times) if len(times) == len(CredentialKind) else None


@dataclass(frozen=True)
class OwnRows:
    """The person's own account over families: those that lack something first. ``more`` are not listed."""

    rows: list[OwnRow]
    more: int = 0


def list_accounts(user: User, family: Family) -> list[Account]:
    """The accounts in the family whose credentials this person may have to do with: their own, then the organisation's.

    ``family`` was fetched through ``visible_to(user)``. Four queries; no upstream call.
    """
    reaches = []
    own = Reach.objects.own_of(user, family)
    if own is not None:
        reaches.append((Holder.OWN, own))
    if may_use_the_organisations(user):
        acting = Reach.objects.to_act_in(family)
        if acting is not None:
            reaches.append((Holder.ORGANISATION, acting))
    if not reaches or family.gone_at is not None:
        return []
    ids = {reach.account_id for _, reach in reaches}
    members = {one.account_id: one.name for one in Member.objects.filter(family=family, account_id__in=ids)}
    known = known_of(user, [reach for _, reach in reaches])
    return [
        Account(holder, reach, _named(reach, members.get(reach.account_id, "")), known.get(reach.pk, {}))
        for holder, reach in reaches
    ]


def find_own_connection(user: User) -> Connection | None:
    """The person's own connection, usable or not; None without one."""
    return managing.find_own(user)


def is_usable(connection: Connection) -> bool:
    """Whether it can be called through now, as far as its own state says."""
    return connection.paused_at is None and connection.health != Health.SIGNED_OUT


def may_use_the_organisations(user: User) -> bool:
    """Whether this person may have to do with the credentials of the organisation's accounts: unlimited managers."""
    return user.may_act and user.is_manager and not user.is_limited


def own_reaches(user: User) -> QuerySet[Reach]:
    """The person's own account in each family that they may see, where it can be used now."""
    if not user.may_act:
        return Reach.objects.none()
    own = Connection.objects.usable().filter(owner=user)
    families = Family.objects.visible_to(user).filter(gone_at=None)
    return Reach.objects.filter(connection__in=own, gone_at=None, family__in=families)


def list_own(user: User) -> OwnRows:
    """What the person's own account has in each family that they may see. Three queries; no upstream call."""
    found = own_reaches(user).select_related("family").order_by("family__search_text", "family_id")
    reaches = list(found[: SHOWN + 1])
    more = found.count() - SHOWN if len(reaches) > SHOWN else 0
    known = known_of(user, reaches[:SHOWN])
    rows = [OwnRow(reach.family, known.get(reach.pk, {})) for reach in reaches[:SHOWN]]
    return OwnRows(sorted(rows, key=lambda row: not row.lacks), more)


def known_of(user: User, reaches: list[Reach]) -> dict[int, dict[str, Credential]]:
    """What is known of these accounts, by reach and kind. One query."""
    found: dict[int, dict[str, Credential]] = {}
    for one in Credential.objects.visible_to(user).filter(reach__in=[reach.pk for reach in reaches]):
        found.setdefault(one.reach_id, {})[one.kind] = one
    return found


def name_of(reach: Reach) -> str:
    """What an account is called in its family, else what its connection signs in as, else that connection."""
    member = Member.objects.filter(family_id=reach.family_id, account_id=reach.account_id).first()
    return _named(reach, member.name if member else "")


def _named(reach: Reach, member_name: str) -> str:
    return member_name or reach.connection.username or reach.connection.name
