"""What is done about a connection, with all that hangs on it: the sync's state, the families it reaches, their history."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from access.sync.zones import retell
from families.models import Kind, Reach, SyncState
from portal.audit import trail
from portal.audit.trail import By
from portal.connections import joining, managing
from portal.connections.joining import Proven, about_of
from portal.connections.models import Connection


@dataclass(frozen=True)
class Connected:
    """A connection that was added or renewed. ``moved``: rows of its history that are told at another time now."""

    connection: Connection
    is_new: bool
    moved: int = 0


def connect(by: By, proven: Proven) -> Connected:
    """Keep a proven sign-in, and have its families read next.

    Raises NameTaken and ConnectionGone, and then nothing is stored.
    """
    with transaction.atomic():
        connection, before = joining.store(proven)
        # The planner finds the connection by this row.
        SyncState.objects.update_or_create(
            kind=Kind.FAMILIES,
            connection=connection,
            defaults={"due_at": timezone.now(), "failures": 0, "last_error": ""},
        )
        joining.tell(by, proven, connection, before)
    is_new = proven.wanted.renews is None
    # Also where the zone is the one of before: the telling may have been cut off.
    is_told = not is_new and bool(proven.wanted.history_zone)
    return Connected(connection, is_new, retell(by, connection) if is_told else 0)


def change(
    by: By, connection: Connection, *, name: str, history_zone: str, calls_per_minute: int
) -> tuple[Connection, int | None]:
    """Change its name and settings; return it, and how many rows of history are told at another time now.

    That is None where the zone stayed. Raises NameTaken and ConnectionGone.
    """
    changed, is_moved = managing.change(
        by, connection, name=name, history_zone=history_zone, calls_per_minute=calls_per_minute
    )
    return changed, retell(by, changed) if is_moved else None


def go_on(by: By, connection: Connection) -> bool:
    """Call through it again, its families first; False where it was not paused."""
    if not managing.go_on(by, connection):
        return False
    with transaction.atomic():
        SyncState.objects.filter(connection=connection).update(due_at=timezone.now())
    return True


def remove(by: By, connection: Connection) -> int:
    """End a connection: its tokens are wiped, nothing is called through it again. What it brought stays.

    Returns how many families nothing of the organisation's reaches any more. Raises ConnectionGone.
    """
    with transaction.atomic():
        found = managing.locked(connection)
        managing.wipe(found)
        # Whoever reads through it at this moment writes nothing more of its list.
        SyncState.objects.filter(connection=found).update(
            fence=F("fence") + 1, lease_until=None, lease_holder="", queued_until=None, digest=None
        )
        reached = Reach.objects.filter(connection=found, gone_at=None)
        others = Reach.objects.filter(
            family=OuterRef("family"), gone_at=None, connection__owner=None, connection__removed_at=None
        ).exclude(connection=found)
        families = reached.count()
        lost = reached.filter(~Exists(others)).count() if found.owner_id is None else 0
        reached.update(gone_at=timezone.now())
        parameters = {"address": found.base_url, "families": families, "not_reached_any_more": lost}
        trail.record("connection.remove", by, about_of(found), parameters=parameters)
    return lost
