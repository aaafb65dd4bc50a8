"""Reads how old what a family's page shows is, and whether that is later than it should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from families.models import Family, Kind, SyncState

# A kind is late when it is older than this many of its own rounds.
LATE_ROUNDS = 5
_LABELS = {Kind.FAMILIES: gettext_lazy("Name and state"), Kind.MEMBERS: gettext_lazy("People")}


@dataclass(frozen=True)
class Freshness:
    """How old one kind of thing is: ``at`` is None where it was never read."""

    kind: Kind
    at: datetime | None
    is_late: bool
    trouble: str

    @property
    def label(self) -> str:
        """What this kind is called on the page of one family."""
        return str(_LABELS.get(self.kind, self.kind.label))


def freshness_of(family: Family, connection_ids: Sequence[object]) -> list[Freshness]:
    """How old each kind of thing about one family is, as these connections read it. One query."""
    states = SyncState.objects.filter(
        Q(family=family) | Q(kind=Kind.FAMILIES, connection__in=connection_ids)
    ).values_list("kind", "last_good_at", "last_error")
    order = list(Kind)
    told: dict[Kind, Freshness] = {}
    for name, at, error in states:
        kind = Kind(name)
        fresh = Freshness(kind, at, is_late(kind, at), error)
        known = told.get(kind)
        # Read through several connections, it is as fresh as the one read last.
        if known is None or (at is not None and (known.at is None or at > known.at)):
            told[kind] = fresh
    return sorted(told.values(), key=lambda fresh: order.index(fresh.kind))


def is_late(kind: Kind, at: datetime | None) -> bool:
    """Whether what was read then is older than it should be."""
    return at is None or timezone.now() - at > timedelta(seconds=LATE_ROUNDS * settings.SYNC_SECONDS[kind])
