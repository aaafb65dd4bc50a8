"""How often something is sent within an hour, counted by its commands."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.models import Command, State

HOUR = timedelta(hours=1)


def full_until(commands: QuerySet[Command], most: int) -> datetime | None:
    """From when on one more may be sent, where the hour has more than ``most`` of these; None where it has not.

    Asked as an intent is written (trail.intend's check), which counts already; what was not sent does not. ``most`` of
    0 is without limit. One query, none without limit.
    """
    if not most:
        return None
    sent = commands.filter(created_at__gt=timezone.now() - HOUR).exclude(state=State.NOT_SENT)
    # The one with which the hour became full: when it is an hour old, one more is possible.
    for filled_at in sent.order_by("-created_at").values_list("created_at", flat=True)[most : most + 1]:
        return filled_at + HOUR
    return None
