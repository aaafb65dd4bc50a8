"""Changes a connection that is there: its name and settings, whether it is called through, and its end."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import By
from portal.connections.joining import ConnectionGone, NameTaken, about_of, described
from portal.connections.models import Connection, PendingSignIn


def pause(by: By, connection: Connection) -> bool:
    """Call nothing through it until somebody lets it go on; False where it was paused already."""
    return _set_paused(by, connection, "connection.pause", timezone.now())


def go_on(by: By, connection: Connection) -> bool:
    """Call through it again; False where it was not paused."""
    return _set_paused(by, connection, "connection.continue", None)


def pause_own_of(by: By, person: User) -> bool:
    """Pause the personal connection of somebody who may not use it any more, in the caller's transaction; False without one.

    Whoever was switched off or made an auditor cannot reach its page, and lets it go on when they can again.
    """
    own = Connection.objects.there().filter(owner=person).first()
    return own is not None and pause(by, own)


def find_own(person: User) -> Connection | None:
    """The person's own connection, without its secrets."""
    return Connection.objects.there().without_secrets().filter(owner=person).first()


def change(
    by: By, connection: Connection, *, name: str, history_zone: str, calls_per_minute: int
) -> tuple[Connection, bool]:
    """Give it these; return it as it is now, and whether its zone is another one. Raises NameTaken, ConnectionGone.

    Stored histories still stand in the zone of before: whoever calls this has them told anew.
    """
    with transaction.atomic():
        found = locked(connection)
        before = described(found)
        is_moved = found.history_zone != history_zone
        found.name, found.history_zone, found.calls_per_minute = name, history_zone, calls_per_minute
        after = described(found)
        if before != after:
            try:
                with transaction.atomic():
                    found.save(update_fields=["name", "history_zone", "calls_per_minute"])
            except IntegrityError as error:
                raise NameTaken(name) from error
            changed = [field for field in after if after[field] != before[field]]
            parameters = {
                "before": {field: before[field] for field in changed},
                "after": {field: after[field] for field in changed},
            }
            trail.record("connection.change", by, about_of(found), parameters=parameters)
    return found, is_moved


def wipe(connection: Connection) -> None:
    """Mark a locked connection as removed and forget its tokens and secrets; whoever renews it now, in vain."""
    connection.removed_at = timezone.now()
    connection.access_token = connection.refresh_token = connection.client_secret = None
    connection.expires_at = connection.refresh_lease_until = None
    connection.token_version += 1
    connection.save(
        update_fields=[
            "removed_at",
            "access_token",
            "refresh_token",
            "client_secret",
            "expires_at",
            "refresh_lease_until",
            "token_version",
        ]
    )
    PendingSignIn.objects.filter(connection=connection).delete()


def locked(connection: Connection) -> Connection:
    """The connection as it is now, locked until the end of the transaction; raises ConnectionGone."""
    found = Connection.objects.there().select_for_update().filter(pk=connection.pk).first()
    if found is None:
        raise ConnectionGone
    return found


def _set_paused(by: By, connection: Connection, event: str, at: datetime | None) -> bool:
    with transaction.atomic():
        rows = Connection.objects.there().filter(pk=connection.pk, paused_at__isnull=at is not None)
        if not rows.update(paused_at=at):
            return False
        trail.record(event, by, about_of(connection))
    return True
