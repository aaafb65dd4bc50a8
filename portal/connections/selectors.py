"""Reads connections for the pages: what they reach and as what, how much is called through them, what was done to them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateformat import format as format_date

from families.models import Family, Kind, Member, Reach, Rights, SyncState
from portal.accounts.models import User
from portal.audit.events import EVENTS, label_of
from portal.audit.models import Entry, State
from portal.connections.conditions import Condition, Cover, describe
from portal.connections.models import CallCount, Connection, ConnectionQuerySet, Health
from portal.cursors import page_of

HOUR = 60
PAGE_SIZE = 50
CHANGES_SHOWN = 20
OWN_SHOWN = 12
# The order of rights wherever they are counted; "" is one that was not read yet.
_RANK = {Rights.ADMIN.value: 0, Rights.USER.value: 1, Rights.GUEST.value: 2, "": 9}


@dataclass(frozen=True)
class RoleCount:
    """In how many families an account has these rights; ``auth`` is "" where they were not read yet."""

    auth: str
    label: str
    families: int


@dataclass(frozen=True)
class Minute:
    """The calls of one minute. ``words`` is the minute as a clock shows it."""

    words: str
    calls: int


@dataclass
class ConnectionRow:
    """A connection with what its card says of it."""

    connection: Connection
    condition: Condition
    account: str = ""
    roles: list[RoleCount] = field(default_factory=list)
    minutes: list[Minute] = field(default_factory=list)

    @property
    def families(self) -> int:
        """How many families it reaches now."""
        return sum(role.families for role in self.roles)

    @property
    def guests(self) -> int:
        """In how many of them it is a mere member: there its log and rights may be partial."""
        return sum(role.families for role in self.roles if role.auth == Rights.GUEST)

    @property
    def calls_this_minute(self) -> int:
        return self.minutes[-1].calls if self.minutes else 0

    @property
    def calls_this_hour(self) -> int:
        return sum(minute.calls for minute in self.minutes)


@dataclass(frozen=True)
class ReachedPage:
    """One page of the families that a connection reaches; a cursor is "" where there is nothing that way."""

    rows: list[Reach]
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Deed:
    """Something that was done to a connection, as its page tells it."""

    at: datetime
    what: str
    who: str
    outcome: str
    kind: str
    words: str
    number: int


def list_connections(user: User) -> list[ConnectionRow]:
    """The organisation's connections that are there, for an unlimited manager; what is wrong comes first.

    A fixed number of queries; nothing is decrypted, and no upstream call.
    """
    found = _visible(user).there().of_the_organisation()
    rows = _rows(list(found))
    order = {"bad": 0, "warn": 1, "ok": 2, "off": 3}
    return sorted(rows, key=lambda row: (order.get(row.condition.status, 9), row.connection.name.casefold()))


def list_removed(user: User) -> list[Connection]:
    """The organisation's connections that were removed, the last first."""
    return list(_visible(user).of_the_organisation().exclude(removed_at=None).order_by("-removed_at")[:50])


def list_personal(user: User) -> list[ConnectionRow]:
    """People's own connections, by their names: that they exist and how they do, never what they reach."""
    found = _visible(user).there().filter(owner__isnull=False).select_related("owner")
    return [ConnectionRow(one, describe(one)) for one in found.order_by("owner__name", "owner__email")]


def get_connection(user: User, connection_id: str) -> Connection:
    """The connection without its secrets; raises Connection.DoesNotExist unless it is this person's to see."""
    return _visible(user).select_related("owner").get(public_id=connection_id)


def get_row(connection: Connection) -> ConnectionRow:
    """What its card says of one connection."""
    return _rows([connection])[0]


def list_reached(connection: Connection, *, before: str = "", after: str = "") -> ReachedPage:
    """A page of the families that this connection reaches, by name, with its account's rights in each."""
    found = Reach.objects.filter(connection=connection, gone_at=None).select_related("family__property")
    rows, back, on = page_of(found, "family__search_text", "reached", PAGE_SIZE, before=before, after=after)
    return ReachedPage(rows, back, on)


def list_deeds(user: User, connection: Connection) -> list[Deed]:
    """What was done to a connection, newest first, as far as the trail shows it to this person."""
    events = [event for event in EVENTS if event.startswith("connection.")] + ["history.retell"]
    entries = (
        Entry.objects.visible_to(user)
        .filter(event__in=events, object_kind="connection", object_id=connection.public_id)
        .exclude(phase__in=[State.INTENT, State.SENT])
        .order_by("-number")
    )
    return [
        Deed(
            entry.at,
            label_of(entry.event),
            entry.actor_name,
            str(State(entry.outcome).label) if entry.outcome in State.values else entry.outcome,
            entry.outcome,
            entry.words,
            entry.number,
        )
        for entry in entries[:CHANGES_SHOWN]
    ]


def count_known(residence_ids: Collection[str], *, but: Connection | None = None) -> int:
    """How many of these residences a connection of the organisation reaches, another than ``but``."""
    wanted = list(residence_ids)
    count = 0
    for start in range(0, len(wanted), 500):
        reached = Reach.objects.working().filter(family__residence_id__in=wanted[start : start + 500])
        if but is not None:
            reached = reached.exclude(connection=but)
        count += reached.values("family").distinct().count()
    return count


def list_cover(
    connections: Collection[Connection], families: QuerySet[Family] | None = None
) -> dict[UUID, Cover]:
    """What it means for their families that nothing is read through these; only of those where that is so.

    Counts among ``families``, where that is given. One query, and none where all are read through.
    """
    still = [
        one.pk
        for one in connections
        if one.owner_id is None and (one.paused_at or one.health == Health.SIGNED_OUT)
    ]
    if not still:
        return {}
    others = Reach.objects.working().filter(family=OuterRef("family"))
    reached = Reach.objects.filter(connection__in=still, gone_at=None, family__gone_at=None)
    if families is not None:
        reached = reached.filter(family__in=families)
    counted = (
        reached.order_by()
        .values("connection")
        .annotate(families=Count("pk"), unread=Count("pk", filter=~Exists(others)))
    )
    return {row["connection"]: Cover(row["families"], row["unread"]) for row in counted}


def list_own_families(user: User, connection: Connection) -> list[Reach]:
    """The families that a person's own account reaches, as far as the person may see them."""
    found = Reach.objects.filter(
        connection=connection, gone_at=None, family__in=Family.objects.visible_to(user), family__gone_at=None
    )
    return list(found.select_related("family__property").order_by("family__search_text", "pk")[:OWN_SHOWN])


def count_own_families(user: User, connection: Connection) -> int:
    """How many they are in all."""
    visible = Family.objects.visible_to(user).filter(gone_at=None)
    return Reach.objects.filter(connection=connection, gone_at=None, family__in=visible).count()


def was_listed(connection: Connection) -> bool:
    """Whether its list of families was ever read by the sync: before, what it reaches is not known here."""
    states = SyncState.objects.filter(connection=connection, kind=Kind.FAMILIES)
    return states.filter(last_good_at__isnull=False).exists()


def _visible(user: User) -> ConnectionQuerySet:
    return Connection.objects.visible_to(user).without_secrets()


def _rows(connections: Sequence[Connection]) -> list[ConnectionRow]:
    ids = [connection.pk for connection in connections]
    roles, accounts, minutes = _roles(ids), _accounts(ids), _minutes(ids)
    cover = list_cover(connections)
    return [
        ConnectionRow(
            connection,
            describe(connection, cover.get(connection.pk)),
            connection.username or accounts.get(connection.pk, ""),
            roles.get(connection.pk, []),
            minutes[connection.pk],
        )
        for connection in connections
    ]


def _roles(ids: Collection[UUID]) -> Mapping[UUID, list[RoleCount]]:
    counted = Reach.objects.filter(connection__in=ids, gone_at=None).order_by().values("connection", "auth")
    found: defaultdict[UUID, list[RoleCount]] = defaultdict(list)
    for row in counted.annotate(families=Count("pk")):
        auth = row["auth"]
        label = str(Rights(auth).label) if auth in Rights.values else auth
        found[row["connection"]].append(RoleCount(auth, label, row["families"]))
    for roles in found.values():
        roles.sort(key=lambda role: (_RANK.get(role.auth, 3), role.auth))
    return found


def _accounts(ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What the people of a family that each reaches call its account. Two queries, however many families."""
    reached = Reach.objects.filter(connection__in=ids, gone_at=None).order_by()
    # One where its rights are known is one whose members' answer named it.
    ends = reached.values("connection").annotate(named=Min("pk", filter=~Q(auth="")), last=Max("pk"))
    chosen = {row["named"] or row["last"]: row["connection"] for row in ends}
    told = Reach.objects.filter(pk__in=chosen).values_list("pk", "family", "account_id")
    # Several connections may sign in as one account.
    wanted: defaultdict[tuple[int, str], list[UUID]] = defaultdict(list)
    for pk, family, account in told:
        wanted[family, account].append(chosen[pk])
    if not wanted:
        return {}
    of_these = Q()
    for family, account in wanted:
        of_these |= Q(family=family, account_id=account)
    return {
        connection: member.email or member.account_name or member.name
        for member in Member.objects.filter(of_these)
        for connection in wanted[member.family_id, member.account_id]
    }


def _minutes(ids: Collection[UUID]) -> Mapping[UUID, list[Minute]]:
    """The calls of each of the last sixty minutes, the present one last."""
    now = timezone.now().replace(second=0, microsecond=0)
    moments = [now - timedelta(minutes=ago) for ago in reversed(range(HOUR))]
    counts = CallCount.objects.filter(connection__in=ids, minute__gte=moments[0])
    made = {(pk, minute): calls for pk, minute, calls in counts.values_list("connection", "minute", "calls")}
    clocks = [format_date(timezone.localtime(moment), "H:i") for moment in moments]
    return {
        pk: [
            Minute(clock, max(0, made.get((pk, moment), 0)))
            for moment, clock in zip(moments, clocks, strict=True)
        ]
        for pk in ids
    }
