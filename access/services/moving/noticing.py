"""Notices what is gone since the last record: the sync reads families all the time, and nobody has to press anything."""

from django.db.models import Q
from django.utils import timezone

from access.models import NOT_GONE, ItemState, MoveOutItem, MoveOutState
from access.services.moving.reading import judge

# More than any estate leaves lying about; the next round takes the others.
AT_ONCE = 500


def notice_gone() -> int:
    """Mark what was left and is gone by now, as our tables have it; return how many there were. No upstream call.

    The records stay as they are: the page says beside the newest what went since.
    """
    open_now = MoveOutItem.objects.filter(state__in=NOT_GONE, move_out__state=MoveOutState.ENDED).exclude(
        Q(look_until__isnull=False) & Q(look_until__lte=timezone.now())
    )
    changed = 0
    for item in open_now.select_related("move_out__family", "person", "member", "temp_key").order_by("pk")[
        :AT_ONCE
    ]:
        seen = judge(item.move_out, item)
        if seen is None or seen[0] == item.state or seen[0] not in {ItemState.GONE, ItemState.LEFT}:
            continue
        changed += MoveOutItem.objects.filter(pk=item.pk, state=item.state).update(
            state=seen[0], words=seen[1], looked_at=timezone.now()
        )
    return changed
