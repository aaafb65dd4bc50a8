"""The items of a move-out as the steps take them, and what is written about each."""

from collections.abc import Iterable

from django.utils import timezone

from access.models import ItemKind, ItemState, MoveOut, MoveOutItem
from portal.audit.models import Command, Entry


def planned(move_out: MoveOut, kind: ItemKind) -> list[MoveOutItem]:
    """Those of a kind that have yet to go, in their order, with what they are about."""
    found = MoveOutItem.objects.filter(move_out=move_out, kind=kind, state=ItemState.PLANNED)
    return list(found.select_related("person", "member", "temp_key").order_by("number"))


def mark(
    items: Iterable[MoveOutItem],
    state: ItemState,
    words: str = "",
    *,
    command: Command | None = None,
    entry: int | None = None,
) -> None:
    """Write down what became of these."""
    now = timezone.now()
    for item in items:
        item.state, item.words, item.looked_at = state, words, now
        item.command = command or item.command
        item.entry = entry or item.entry
        item.save(update_fields=["state", "words", "looked_at", "command", "entry"])


def newest_entry(event: str, object_id: str) -> int | None:
    """The number of the entry that tells of this, which the caller's transaction has just written."""
    found = Entry.objects.filter(event=event, object_id=object_id).order_by("-number")
    return found.values_list("number", flat=True).first()
