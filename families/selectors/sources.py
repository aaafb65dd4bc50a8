"""Reads the organisation's connections as the list of families tells them: their names, how they do, how old they are."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from families.models import Family, Kind, Reach
from families.selectors.freshness import is_late
from families.selectors.prepared import Prepared
from portal.accounts.models import User
from portal.connections.models import Connection, Health


@dataclass(frozen=True)
class AsOf:
    """How old a list is: ``at`` is None where nothing was read yet. ``trouble`` says why it is late, for managers."""

    at: datetime | None
    is_late: bool = False
    trouble: str = ""
    is_connected: bool = True


@dataclass(frozen=True)
class Source:
    """A connection that families come through. ``trouble`` is what is wrong with it, "" while it works.

    ``is_read``: the list of its families is looked after; ``last_good_at`` is when it was last read.
    """

    pk: uuid.UUID
    public_id: str
    name: str
    health: str
    paused_at: datetime | None
    open_until: datetime | None
    is_read: bool
    last_good_at: datetime | None

    @property
    def trouble(self) -> str:
        """What a row says of it beside its name."""
        if self.paused_at:
            return _("paused")
        return "" if self.health == Health.GOOD else str(Health(self.health).label)


def list_sources(user: User) -> list[Source]:
    """The connections through which something of the person's is reached, by name; all for those who see all.

    No other is theirs to know. One query.
    """
    if user.sees_all:
        rows = _all_sources().rows()
    else:
        theirs = Reach.objects.filter(gone_at=None, family__in=Family.objects.visible_to(user))
        rows = list(_sources().filter(Exists(theirs.filter(connection=OuterRef("pk")))))
    return [
        Source(
            **{name: row[name] for name in _COLUMNS},
            is_read=row["lists"] is not None,
            last_good_at=row["lists__last_good_at"],
        )
        for row in rows
    ]


_COLUMNS = ("pk", "public_id", "name", "health", "paused_at", "open_until")


def _sources() -> QuerySet[Connection, dict[str, Any]]:
    found = Connection.objects.of_the_organisation().there()
    found = found.annotate(
        lists=FilteredRelation("sync_states", condition=Q(sync_states__kind=Kind.FAMILIES))
    )
    rows: QuerySet[Connection, dict[str, Any]] = found.order_by("name", "pk").values(
        *_COLUMNS, "lists", "lists__last_good_at"
    )
    return rows


@cache
def _all_sources() -> Prepared:
    return Prepared(_sources())


def as_of(user: User, sources: Iterable[Source]) -> AsOf:
    """How old the list of families is: as old as the connection that was read longest ago. No query."""
    read = [source for source in sources if source.is_read and source.paused_at is None]
    if not read:
        return AsOf(None, is_connected=False)
    times = [source.last_good_at for source in read]
    oldest = None if None in times else min(at for at in times if at is not None)
    late = is_late(Kind.FAMILIES, oldest)
    # What nobody reads any more is told at once, before it is late.
    lost = [source.name for source in read if source.health == Health.SIGNED_OUT]
    failing = [source for source in read if source.health == Health.FAILING]
    silent = [source.name for source in failing if source.open_until or late]
    trouble = ""
    if not user.is_family_admin:
        trouble = ", ".join(_("“%s” is signed out") % name for name in lost)
        trouble = trouble or ", ".join(_("“%s” does not answer") % name for name in silent)
    return AsOf(oldest, late or bool(lost or silent), trouble)
