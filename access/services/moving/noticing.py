"""Notices what is gone since the last record, or was called gone and is not: the sync reads families all the time, and nobody
has to press anything."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import ItemKind, ItemState, MoveOut, MoveOutItem, MoveOutState, TempKey
from access.services.moving.reading import judge, keep
from portal.audit.models import Command
from portal.audit.trail import By

# More than any estate leaves lying about. Of more than these the oldest are looked at.
AT_ONCE = 500
# What is named again so soon was never gone: the answers without it were wrong. Later somebody has come anew.
COMES_BACK_FOR = timedelta(days=1)


def notice_gone() -> int:
    """Mark what was left and is gone by now, as our tables have it; return how many there were. No upstream call.

    The records stay as they are. Another one is kept beside them, in the system's name: what the page says is what is signed.
    """
    open_now = MoveOutItem.objects.exclude(state=ItemState.GONE).filter(move_out__state=MoveOutState.ENDED)
    open_now = open_now.exclude(Q(look_until__isnull=False) & Q(look_until__lte=timezone.now()))
    dressed = open_now.select_related("move_out__family", "person", "member", "temp_key")
    found: defaultdict[int, list[tuple[MoveOutItem, ItemState, str]]] = defaultdict(list)
    for item in dressed.order_by("move_out_id", "pk")[:AT_ONCE]:
        seen = judge(item.move_out, item)
        if seen is not None and seen[0] != item.state and seen[0] in {ItemState.GONE, ItemState.LEFT}:
            found[item.move_out_id].append((item, *seen))
    return sum(_keep_noticed(move_out_id, rows) for move_out_id, rows in found.items())


def notice_back() -> int:
    """Mark what a record called gone and the sync has found again; return how many there were. No upstream call.

    The record stays as it is. Another one is kept beside it, in the system's name, and what is back is left: it stands
    on the dashboard, and may be tried again.
    """
    # Asked for first: of what was moved out over the years next to nothing is recent.
    recent = MoveOut.objects.filter(
        state=MoveOutState.ENDED, ended_at__gt=timezone.now() - COMES_BACK_FOR
    ).values_list("pk", flat=True)
    lately = MoveOutItem.objects.filter(state=ItemState.GONE, move_out__in=list(recent))
    members = lately.filter(kind=ItemKind.MEMBER, member__gone_at=None, member__missing_answers=0)
    # The same digits of the same account: a pass that is named again after it was gone is a new row of ours.
    twins = TempKey.objects.filter(
        reach=OuterRef("temp_key__reach"),
        fingerprint=OuterRef("temp_key__fingerprint"),
        gone_at=None,
        missing_answers=0,
    ).exclude(fingerprint="")
    passes = lately.filter(kind=ItemKind.PASS, temp_key__gone_at__isnull=False).annotate(
        twin=Subquery(twins.values("pk")[:1])
    )
    back: defaultdict[int, list[MoveOutItem]] = defaultdict(list)
    for item in members.exclude(member=None).select_related("member", "move_out").order_by("pk")[:AT_ONCE]:
        if not _was_asked_back(item):
            back[item.move_out_id].append(item)
    for item in passes.filter(twin__isnull=False).order_by("pk")[:AT_ONCE]:
        item.temp_key_id = item.twin
        back[item.move_out_id].append(item)
    # Whose connection was paused may sign in again, and let it go on.
    paused = lately.filter(kind=ItemKind.PERSONAL_CONNECTION, person__isnull=False)
    for item in paused.select_related("person", "move_out__family").order_by("pk")[:AT_ONCE]:
        seen = judge(item.move_out, item)
        if seen is not None and seen[0] == ItemState.LEFT:
            back[item.move_out_id].append(item)
    for move_out in MoveOut.objects.filter(pk__in=back).select_related("family"):
        _keep_back(move_out, back[move_out.pk])
    return sum(map(len, back.values()))


def _keep_noticed(move_out_id: int, found: list[tuple[MoveOutItem, ItemState, str]]) -> int:
    """Mark these and keep the record of it; 0 where somebody lets them be tried again meanwhile."""
    with transaction.atomic():
        if MoveOut.objects.select_for_update().get(pk=move_out_id).state != MoveOutState.ENDED:
            return 0
        count, changed = 0, set()
        for item, state, words in found:
            stored = MoveOutItem.objects.filter(pk=item.pk, state=item.state)
            if stored.update(state=state, words=words, looked_at=timezone.now()):
                count += 1
                changed.add(item.kind)
        if changed:
            _keep(MoveOut.objects.select_related("family").get(pk=move_out_id), changed)
    return count


def _was_asked_back(item: MoveOutItem) -> bool:
    """Whether somebody invited or added them here since: then they came anew."""
    email = item.member.email.casefold() if item.member else ""
    since = Command.objects.filter(
        family=item.member.family_id if item.member else None,
        name__in=["invite_family_account", "create_family_account"],
        created_at__gt=item.move_out.made_at,
    )
    return bool(email) and any(
        str(command.parameters.get("email", "")).casefold() == email for command in since
    )


def _keep_back(move_out: MoveOut, items: list[MoveOutItem]) -> None:
    kinds = {item.kind for item in items}
    words = {
        ItemKind.MEMBER: _("Is in the family again: the answers without them were wrong, or they came back."),
        ItemKind.PASS: _("The door system names it again."),
        ItemKind.PERSONAL_CONNECTION: _("They have let it go on since."),
    }
    with transaction.atomic():
        for item in items:
            item.state, item.words, item.looked_at = (
                ItemState.LEFT,
                words[ItemKind(item.kind)],
                timezone.now(),
            )
            item.save(update_fields=["state", "words", "looked_at", "temp_key"])
        _keep(move_out, kinds)


def _keep(move_out: MoveOut, kinds: Collection[str]) -> None:
    # The sync has read those that it found.
    keep(
        move_out,
        By.system(),
        event="move_out.noticed",
        has_members=ItemKind.MEMBER in kinds,
        has_passes=ItemKind.PASS in kinds,
    )
