"""Reads how old what a page shows is, and whether that is later than it should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from families.models import Family, Kind, SyncState
from portal.accounts.models import User
from portal.connections.models import Health

# A kind is late when it is older than this many of its own rounds.
LATE_ROUNDS = 5
_LABELS = {Kind.FAMILIES: gettext_lazy("Name and state"), Kind.MEMBERS: gettext_lazy("People")}


@dataclass(frozen=True)
class AsOf:
    """How old a list is: ``at`` is None where nothing was read yet. ``trouble`` says why it is late, for managers."""

    at: datetime | None
    is_late: bool = False
    trouble: str = ""
    is_connected: bool = True


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


def families_as_of(user: User) -> AsOf:
    """How old the list of families is: as old as the connection that was read longest ago.

    Of the connections those that reach something of the person's: no other is theirs to know.
    """
    states = SyncState.objects.filter(
        kind=Kind.FAMILIES,
        connection__owner=None,
        connection__paused_at=None,
        connection__removed_at=None,
    )
    if user.is_family_admin or user.is_limited:
        theirs = Family.objects.visible_to(user)
        states = states.filter(
            connection__reaches__gone_at=None, connection__reaches__family__in=theirs
        ).distinct()
    found = list(
        states.values_list("last_good_at", "connection__name", "connection__health", "connection__open_until")
    )
    if not found:
        return AsOf(None, is_connected=False)
    times = [row[0] for row in found]
    oldest = None if None in times else min(at for at in times if at is not None)
    is_late = _is_late(Kind.FAMILIES, oldest)
    # What nobody reads any more is told at once, before it is late.
    lost = [name for _at, name, health, _open in found if health == Health.SIGNED_OUT]
    silent = [
        name for _at, name, health, resting in found if health == Health.FAILING and (resting or is_late)
    ]
    trouble = ""
    if not user.is_family_admin:
        trouble = ", ".join(_("“%s” is signed out") % name for name in lost)
        trouble = trouble or ", ".join(_("“%s” does not answer") % name for name in silent)
    is_late = is_late or bool(lost or silent)
    return AsOf(oldest, is_late, trouble)


def freshness_of(family: Family, connection_ids: Sequence[object]) -> list[Freshness]:
    """How old each kind of thing about one family is, as these connections read it. One query."""
    states = SyncState.objects.filter(
        Q(family=family) | Q(kind=Kind.FAMILIES, connection__in=connection_ids)
    ).values_list("kind", "last_good_at", "last_error")
    order = list(Kind)
    told: dict[Kind, Freshness] = {}
    for name, at, error in states:
        kind = Kind(name)
        fresh = Freshness(kind, at, _is_late(kind, at), error)
        known = told.get(kind)
        # Read through several connections, it is as fresh as the one read last.
        if known is None or (at is not None and (known.at is None or at > known.at)):
            told[kind] = fresh
    return sorted(told.values(), key=lambda fresh: order.index(fresh.kind))


def _is_late(kind: Kind, at: datetime | None) -> bool:
    return at is None or timezone.now() - at > timedelta(seconds=LATE_ROUNDS * settings.SYNC_SECONDS[kind])
