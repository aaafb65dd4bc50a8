"""The log: openings and calls together, newest first, with the gaps between them. Reads local tables only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery

from access.models import Call, Device, Gap, Opening
from families.models import Family, Grant, Kind, Member, Property, SyncState
from families.selectors.searching import names_matching
from portal.accounts.models import User
from portal.cursors import beyond, read_cursor, write_cursor
from portal.ids import find_hidden, hidden_id

PAGE_SIZE = 50
# The rows of one family are about so many times the rows of a page.
SEEN_FOR_EACH = 20
# More are never few, however many there are beside them.
FEW_FAMILIES = 50
# More names than this behind one text, and the text is too short to mean anything.
NAMES_AT_MOST = 200

OPENED, REFUSED, CALLS = "opened", "refused", "calls"
RESULTS = (OPENED, REFUSED, CALLS)

OPENING_COLUMNS = (
    "pk",
    "at",
    "is_time_readable",
    "raw_time",
    "is_success",
    "account_name",
    "device_name",
    "open_door_type",
    "picture",
    "picture_url",
    "seen_at",
    "family__public_id",
    "family__name",
    "command__actor_name",
    "command__reason",
    "command__command_id",
)
CALL_COLUMNS = (
    "pk",
    "at",
    "is_time_readable",
    "raw_time",
    "call_name",
    "call_sip",
    "seen_at",
    "family__public_id",
    "family__name",
)
GAP_COLUMNS = ("pk", "at", "begins_at", "kind", "cause", "family_id", "family__public_id", "family__name")


class Place(NamedTuple):
    """Where a row stands in the log: later ones are greater. ``rank`` orders kinds within one moment."""

    at: datetime
    rank: int
    pk: int


@dataclass(frozen=True)
class LogFilter:
    """What of the log is shown; everything comes from the address."""

    family: Family | None = None
    device: Device | None = None
    in_property: Property | None = None
    text: str = ""
    result: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether some rows are left out by choice."""
        return self != LogFilter()


@dataclass(frozen=True)
class Row:
    """One row: ``kind`` is opening, call or gap, ``values`` its columns by name."""

    kind: str
    place: Place
    values: dict[str, Any]


@dataclass(frozen=True)
class Watermark:
    """The last row of each kind that a reader has seen, by number: what comes later is new to them."""

    opening: int = 0
    call: int = 0

    def __str__(self) -> str:
        """For an address: how many rows there are is nobody's business."""
        return f"{hidden_id(self.opening, 'seen')}.{hidden_id(self.call, 'seen')}"

    @classmethod
    def read(cls, text: str) -> "Watermark":
        """The watermark of an address; a strange one means that nothing was seen."""
        opening, _, call = text.partition(".")
        return cls(find_hidden(opening, "seen") or 0, find_hidden(call, "seen") or 0)


class _Kind(NamedTuple):
    name: str
    rank: int
    columns: tuple[str, ...]


_CALL, _OPENING, _GAP = (
    _Kind("call", 0, CALL_COLUMNS),
    _Kind("opening", 1, OPENING_COLUMNS),
    _Kind("gap", 2, GAP_COLUMNS),
)


def list_log(user: User, chosen: LogFilter, *, cursor: str = "") -> tuple[list[Row], str]:
    """A page of rows, and the cursor of the next ("" on the last). At most three queries, one for each kind.

    The rows are merged here: a union of sliced queries does not run on SQLite.
    """
    before = _read_cursor(cursor)
    rows: list[Row] = []
    for kind, found in _queries(user, chosen):
        rows += _rows(kind, _page(kind, found, before)[: PAGE_SIZE + 1])
    rows.sort(key=lambda row: row.place, reverse=True)
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    _begin_with_grants(user, rows)
    return rows, _write_cursor(rows[-1].place) if more else ""


def _begin_with_grants(user: User, rows: Iterable[Row]) -> None:
    """A gap that began before a family admin's grant begins with it: what was before is not theirs to know."""
    gaps = [row for row in rows if row.kind == _GAP.name] if user.is_family_admin else []
    if gaps:
        starts = Grant.objects.starts_of(user)
        for gap in gaps:
            start = starts.get(gap.values["family_id"], gap.place.at)
            gap.values["begins_at"] = max(gap.values["begins_at"], start)


def list_new(user: User, chosen: LogFilter, seen: Watermark) -> list[Row]:
    """The openings and calls that came after ``seen``, newest first, a page at most. Two queries on small ranges."""
    rows: list[Row] = []
    for kind, found in _queries(user, chosen):
        if kind is not _GAP:
            last = seen.opening if kind is _OPENING else seen.call
            rows += _rows(kind, found.filter(pk__gt=last).order_by("-at", "-pk")[:PAGE_SIZE])
    rows.sort(key=lambda row: row.place, reverse=True)
    return rows


def watermark() -> Watermark:
    """The numbers of the newest rows there are, whoever may see them. One query, two index look-ups."""
    newest = (
        Opening.objects.order_by("-pk")
        .values("pk")
        .annotate(call=Subquery(Call.objects.order_by("-pk").values("pk")[:1]))[:1]
    )
    found = newest.first()
    if found is None:
        return Watermark(0, Call.objects.aggregate(last=Max("pk"))["last"] or 0)
    return Watermark(found["pk"], found["call"] or 0)


@dataclass(frozen=True)
class Freshness:
    """How old the log is: ``as_of`` is when the family read longest ago was read; None where one never was."""

    as_of: datetime | None
    behind: int


def freshness(user: User, family: Family | None = None) -> Freshness:
    """How fresh the openings are over the person's families, or in one. One query."""
    states = SyncState.objects.visible_to(user).filter(kind=Kind.OPENINGS, family__gone_at=None)
    if family is not None:
        states = states.filter(family=family)
    found = states.aggregate(
        oldest=Min("last_good_at"),
        never=Count("pk", filter=Q(last_good_at=None)),
        behind=Count("pk", filter=Q(failures__gt=0)),
    )
    return Freshness(None if found["never"] else found["oldest"], found["behind"])


def _queries(user: User, chosen: LogFilter) -> Iterable[tuple[_Kind, QuerySet[Any]]]:
    named = _named(user, chosen.text)
    place = _of_families(user, chosen)
    openings = _common(Opening.objects.visible_to(user), chosen, place)
    if chosen.result == OPENED:
        openings = openings.filter(is_success=True)
    if chosen.result == REFUSED:
        openings = openings.filter(is_success=False)
    if chosen.device is not None:
        openings = openings.filter(device=chosen.device)
    if named is not None:
        openings = openings.filter(
            Q(family__in=named.families) | Q(device__in=named.devices) | Q(account_name__in=named.people)
        )
    if chosen.result != CALLS:
        yield _OPENING, openings
    calls = _common(Call.objects.visible_to(user), chosen, place)
    if named is not None:
        calls = calls.filter(Q(family__in=named.families) | Q(call_name__in=named.callers))
    if chosen.result in {"", CALLS} and chosen.device is None:
        yield _CALL, calls
    gaps = _common(Gap.objects.visible_to(user), chosen, place)
    if named is not None:
        gaps = gaps.filter(family__in=named.families)
    if chosen.result == CALLS:
        gaps = gaps.filter(kind=Kind.CALLS)
    elif chosen.result or chosen.device is not None:
        gaps = gaps.filter(kind=Kind.OPENINGS)
    yield _GAP, gaps


def _of_families(user: User, chosen: LogFilter) -> Q:
    """Rows of the families that can be meant, asked so that the database begins where less is to be read.

    A few families: each at its own index. Many: all rows from the newest on, looking up each one's family; given
    the families, the database would read and sort all their history for one page. This only narrows: what the
    person may see is for ``visible_to`` to say.
    """
    place = chosen.in_property
    if chosen.family is not None or (place is None and user.sees_all):
        return Q()
    families = Family.objects.visible_to(user)
    if place is not None:
        families = families.filter(property=place)
    few = list(families.order_by("pk").values_list("pk", flat=True)[: FEW_FAMILIES + 1])
    if len(few) <= FEW_FAMILIES and len(few) ** 2 * SEEN_FOR_EACH <= Family.objects.count():
        # One by itself, for SQLite sorts after an IN even of one.
        return Q(family=few[0]) if len(few) == 1 else Q(family__in=few)
    return Q(Exists(Family.objects.filter(pk=OuterRef("family"), property=place))) if place else Q()


def _common(rows: QuerySet[Any], chosen: LogFilter, place: Q) -> QuerySet[Any]:
    rows = rows.filter(place)
    if chosen.family is not None:
        rows = rows.filter(family=chosen.family)
    if chosen.since is not None:
        rows = rows.filter(at__gte=chosen.since)
    if chosen.until is not None:
        rows = rows.filter(at__lt=chosen.until)
    return rows


class _Named(NamedTuple):
    families: list[int]
    devices: list[int]
    people: list[str]
    callers: list[str]


def _named(user: User, text: str) -> _Named | None:
    """The families, devices and people behind a text, looked up first: the large tables are then asked by number."""
    if not text:
        return None
    named = names_matching(text)
    families = Family.objects.visible_to(user).filter(named)
    devices = Device.objects.visible_to(user).filter(named)
    members = Member.objects.visible_to(user).filter(named)
    people: set[str] = set()
    for member in members.order_by("pk")[:NAMES_AT_MOST]:
        people |= {member.name, member.account_name, member.first_name} - {""}
    found_devices = list(devices.order_by("pk").values_list("pk", "name")[:NAMES_AT_MOST])
    return _Named(
        list(families.order_by("pk").values_list("pk", flat=True)[:NAMES_AT_MOST]),
        [pk for pk, _ in found_devices],
        sorted(people | {text}),
        sorted({name for _, name in found_devices} | {text}),
    )


def _page(kind: _Kind, rows: QuerySet[Any], before: Place | None) -> QuerySet[Any]:
    if before is not None:
        if kind.rank < before.rank:
            rows = rows.filter(at__lte=before.at)
        elif kind.rank > before.rank:
            rows = rows.filter(at__lt=before.at)
        else:
            rows = rows.filter(beyond("at", before.at, before.pk, is_descending=True))
    return rows.order_by("-at", "-pk")


def _rows(kind: _Kind, found: QuerySet[Any]) -> list[Row]:
    return [
        Row(kind.name, Place(values["at"], kind.rank, values["pk"]), values)
        for values in found.values(*kind.columns)
    ]


def _write_cursor(place: Place) -> str:
    return write_cursor("log", place.at.astimezone(UTC).isoformat(), place.rank, place.pk)


def _read_cursor(cursor: str) -> Place | None:
    place = read_cursor("log", cursor, str, int, int)
    return Place(datetime.fromisoformat(place[0]), place[1], place[2]) if place else None
