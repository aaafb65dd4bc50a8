"""How a connection does, as every process sees it."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from portal.connections.models import Connection, Health

# A good call is written down no more often than this: pages tell the age in minutes.
NOTE_EVERY = timedelta(seconds=15)


def mark_good(connection: Connection) -> None:
    """A call was answered. Costs one conditional update, and none while the last is fresh."""
    now = timezone.now()
    if (
        connection.health == Health.GOOD
        and connection.last_good_at
        and now - connection.last_good_at < NOTE_EVERY
    ):
        return
    changed = {"last_good_at": now, "failures": 0}
    Connection.objects.filter(pk=connection.pk).exclude(health=Health.SIGNED_OUT).update(**changed)
    recovered = Connection.objects.filter(pk=connection.pk, health=Health.FAILING)
    recovered.update(health=Health.GOOD, health_since=now, last_error="")
    connection.last_good_at = now


def mark_failing(connection: Connection, words: str) -> None:
    """A call got no answer."""
    Connection.objects.filter(pk=connection.pk).update(failures=F("failures") + 1, last_error=words[:500])
    working = Connection.objects.filter(pk=connection.pk, health=Health.GOOD)
    working.update(health=Health.FAILING, health_since=timezone.now())


def mark_signed_out(connection: Connection, words: str) -> None:
    """The sign-in is over: nothing is called through it until a person renews it.

    Only the sign-in that ``connection`` was read with: one that was renewed meanwhile is another.
    """
    now = timezone.now()
    same = Connection.objects.filter(pk=connection.pk, token_version=connection.token_version)
    same.exclude(health=Health.SIGNED_OUT).update(
        health=Health.SIGNED_OUT, health_since=now, last_error=words[:500]
    )


def hold(connection: Connection, seconds: float) -> None:
    """The upstream asked for a pause: no process calls before it is over."""
    until = timezone.now() + timedelta(seconds=min(max(seconds, 1.0), 300.0))
    Connection.objects.filter(pk=connection.pk).update(hold_until=until)
