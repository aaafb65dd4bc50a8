"""Asks for a family's history sooner than its turn."""

from datetime import timedelta

from django.utils import timezone

from families.models import Family, Kind, SyncState

WANTED_FOR = timedelta(seconds=90)


def want_history(family: Family) -> None:
    """Have the family's openings read within two seconds, and often for a while: somebody waits for a row.

    One update, no upstream call.
    """
    now = timezone.now()
    SyncState.objects.filter(family=family, kind=Kind.OPENINGS).update(
        due_at=now, wanted_until=now + WANTED_FOR
    )
