"""Reads the list of families: a page of those that fit, in the order that was chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    When,
)
from django.db.models.functions import Coalesce, Lower

from families.models import Family, Member, Rights
from families.selectors.narrowing import FamilyFilter, families_fitting, pending_invitations, reaching
from families.selectors.prepared import Prepared, hole
from families.selectors.searching import names_found
from families.selectors.sources import Source
from portal.accounts.models import User
from portal.connections.models import Health
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 50


class Order(NamedTuple):
    """What comes first, before the name: a column, its kind in a cursor, and which way; "" where the name decides."""

    column: str = ""
    kind: type = str
    is_descending: bool = False


ORDERS = {
    "name": Order(),
    "offline": Order("is_online", bool),
    "changed": Order("changed_at", str, is_descending=True),
    "people": Order("people", int, is_descending=True),
}
SORTS = tuple(ORDERS)


@dataclass
class FamilyRow:
    """A family with what its row says of it. ``connection`` is None where none reaches it; ``found`` is what of it a
    search met."""

    public_id: str
    name: str
    property_name: str
    is_online: bool
    is_installed: bool
    online_changed_at: datetime | None
    gone_at: datetime | None
    people: int
    invited: int
    connection: Source | None
    found: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class FamilyPage:
    """One page of the list; a cursor is "" where there is nothing in that direction.

    ``total`` is how many fit altogether, None on a page beyond the last.
    """

    rows: list[FamilyRow]
    total: int | None = None
    before: str = ""
    after: str = ""


def list_families(
    user: User, chosen: FamilyFilter, sources: Sequence[Source], *, before: str = "", after: str = ""
) -> FamilyPage:
    """A page of the families within the person's reach; a cursor that is not ours begins at the top.

    ``sources`` are the connections that rows name. One query, two with a text, however many families there are; no
    upstream call.
    """
    order = ORDERS[chosen.sort]
    fitting = families_fitting(user, chosen)
    found = fitting.annotate(**_key(order))
    place = _read_cursor(after or before, chosen.sort)
    backwards = bool(before) and not after and place is not None
    if place is not None:
        found = found.filter(_beyond(place, order, backwards=backwards))
    page = _ordered(found, order, backwards=backwards).values("pk")[: PAGE_SIZE + 1]
    statement = _statement(chosen.sort) if user.sees_all else _write_statement(user, order)
    rows = statement.rows(page=page, total=_counted(fitting))
    more = len(rows) > PAGE_SIZE
    rows = rows[1:] if more and backwards else rows[:PAGE_SIZE]
    if not rows:
        return FamilyPage([], None if place else 0)
    # Whoever came here by a cursor came from the other side, where at least one row was.
    has_before = more if backwards else place is not None
    has_after = True if backwards else more
    return FamilyPage(
        _rows(rows, chosen.text, sources),
        rows[0]["total"],
        _write_cursor(rows[0], chosen.sort) if has_before else "",
        _write_cursor(rows[-1], chosen.sort) if has_after else "",
    )


_COLUMNS = (
    *("pk", "public_id", "name", "search_text", "property__name", "is_online", "is_installed"),
    *("online_changed_at", "gone_at", "people", "invited", "connection", "total"),
)


def _key(order: Order) -> dict[str, Any]:
    """What an order goes by, where it is no column of its own."""
    made: dict[str, Callable[[], Any]] = {
        "changed_at": lambda: Coalesce("online_changed_at", "first_seen_at"),
        "people": _people,
    }
    return {order.column: made[order.column]()} if order.column in made else {}


@cache
def _statement(sort: str) -> Prepared:
    # Made once, as what stands in it: it is the same for everybody who sees all.
    return _write_statement(None, ORDERS[sort])


def _write_statement(user: User | None, order: Order) -> Prepared:
    """What rows show, looked up for those of the page alone, once it is known which these are."""
    shown = Family.objects.filter(pk__in=hole("page")).annotate(**(_key(order) | _shown(user)))
    return Prepared(_ordered(shown, order).values(*{*_COLUMNS, *_key(order)}))


def _shown(user: User | None) -> dict[str, Any]:
    """What is looked up beside the columns of a family; None is anybody who sees all."""
    invited = pending_invitations(user).filter(family=OuterRef("pk"))
    distinct = _counted(invited, Lower("email"), template="COUNT(DISTINCT %(expressions)s)")
    return {
        "people": _people(),
        "invited": Subquery(distinct),
        # The one through which people act in it, or the best of those that do not work.
        "connection": _connection(),
        "total": hole("total", IntegerField()),
    }


@cache
def _connection() -> Subquery:
    # The same for everybody, and making it takes as long as asking for it; so is what follows.
    trouble = Case(
        When(~Q(connection__health=Health.GOOD) | ~Q(connection__paused_at=None), then=1), default=0
    )
    rank = Case(When(auth__in=[Rights.ADMIN, Rights.USER], then=0), default=1)
    reaches = reaching().filter(family=OuterRef("pk")).order_by(trouble, rank, "connection__name")
    return Subquery(reaches.values("connection")[:1], output_field=UUIDField())


@cache
def _people() -> Subquery:
    return Subquery(_counted(Member.objects.filter(family=OuterRef("pk"), gone_at=None)))


def _counted(
    rows: QuerySet[Any], what: Any = "pk", template: str = "COUNT(%(expressions)s)"
) -> QuerySet[Any, dict[str, Any]]:
    # Not Django's own aggregate: that groups, and of nothing it then counts nothing at all.
    counted = Func(what, template=template, output_field=IntegerField())
    found: QuerySet[Any, dict[str, Any]] = rows.order_by().annotate(n=counted).values("n")
    return found


def _ordered(found: QuerySet[Family], order: Order, *, backwards: bool = False) -> QuerySet[Family]:
    lead = [f"-{order.column}" if order.is_descending else order.column] if order.column else []
    found = found.order_by(*lead, "search_text", "pk")
    return found.reverse() if backwards else found


def _beyond(place: list[Any], order: Order, *, backwards: bool) -> Q:
    """Families that come after the place, or before it: by what leads, and among equals by name."""
    *lead, text, pk = place
    names = beyond("search_text", text, pk, is_descending=backwards)
    if not order.column:
        return names
    value = datetime.fromisoformat(lead[0]) if order.column == "changed_at" else lead[0]
    way = "lt" if order.is_descending != backwards else "gt"
    return Q(**{f"{order.column}__{way}": value}) | (Q(**{order.column: value}) & names)


def _rows(rows: list[dict[str, Any]], text: str, sources: Sequence[Source]) -> list[FamilyRow]:
    found = names_found(text, [row["pk"] for row in rows])
    known = {source.pk: source for source in sources}
    return [
        FamilyRow(
            public_id=row["public_id"],
            name=row["name"],
            property_name=row["property__name"] or "",
            is_online=row["is_online"],
            is_installed=row["is_installed"],
            online_changed_at=row["online_changed_at"],
            gone_at=row["gone_at"],
            people=row["people"],
            invited=row["invited"],
            connection=known.get(row["connection"]),
            found=found.get(row["pk"], ()),
        )
        for row in rows
    ]


def _write_cursor(row: dict[str, Any], sort: str) -> str:
    order = ORDERS[sort]
    lead = [row[order.column]] if order.column else []
    lead = [value.isoformat() if isinstance(value, datetime) else value for value in lead]
    return write_cursor(f"families.{sort}", *lead, row["search_text"], row["pk"])


def _read_cursor(cursor: str, sort: str) -> list[Any] | None:
    order = ORDERS[sort]
    kinds = [order.kind] if order.column else []
    return read_cursor(f"families.{sort}", cursor, *kinds, str, int)
