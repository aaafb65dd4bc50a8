"""Reads one kind of a family back within an action that has just changed it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.sync import states
from families.sync.members import Members
from families.sync.readings import Keeper, Reading, write_together
from portal.connections.models import Connection
from portal.upstream.client import Answer, Client
from portal.upstream.errors import UpstreamError


def refresh_members(client: Client, family: Family, *, deadline_seconds: float | None = None) -> bool:
    """Read the members and the name of a family, and store them; False when that did not work just now.

    Then the background reads them within seconds: say "updating". ``client`` is the connection's that made the
    change. It takes the state from whoever reads it at this moment: an answer from before the change is not
    written any more. Costs one upstream call (get_family_info).
    """
    reaches = Reach.objects.filter(family=family, gone_at=None, connection__owner=None)
    reach = reaches.select_related("connection").order_by("pk").first()
    if reach is None:
        return False

    def ask() -> Answer[Any]:
        return client.get_family_info(residence_id=family.residence_id, deadline_seconds=deadline_seconds)

    return read_again(family, Kind.MEMBERS, Members(), reach.connection, ask) is not None


def read_again(
    family: Family, kind: Kind, keeper: Keeper, connection: Connection, ask: Callable[[], Answer[Any]]
) -> Reading | None:
    """Read one kind of a family now and store it; the answer, or None when that did not work just now.

    ``ask`` makes the call, through this connection. The state is taken from whoever reads it at this moment.
    """
    state = _seize(family, kind)
    if state is None:
        return None
    asked_at = timezone.now()
    try:
        answer = ask()
        _ = answer.result
    except UpstreamError:
        states.release_untried(state.lease_holder, [state.pk], due_at=timezone.now())
        return None
    reading = Reading(
        state=state,
        connection=connection,
        answer=answer,
        asked_at=asked_at,
        answered_at=timezone.now(),
        fence=state.fence,
        earlier_good_at=state.last_good_at,
    )
    return reading if write_together(keeper, [reading]).readings else None


def _seize(family: Family, kind: Kind) -> SyncState | None:
    """The state of a kind of the family, taken from whoever has it."""
    holder = uuid.uuid4().hex
    with transaction.atomic():
        mine = SyncState.objects.filter(family=family, kind=kind)
        mine.update(
            lease_until=timezone.now() + timedelta(seconds=settings.SYNC_LEASE_SECONDS),
            lease_holder=holder,
            fence=F("fence") + 1,
            last_tried_at=timezone.now(),
        )
        return mine.filter(lease_holder=holder).select_related("family").first()
