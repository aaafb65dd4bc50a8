"""Reads move-outs: the list, one with its record, and those of which something is left."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from access.models import (
    KIND_HEADINGS,
    NOT_GONE,
    ItemKind,
    ItemState,
    MoveOut,
    MoveOutItem,
    MoveOutReading,
    MoveOutState,
    MoveOutStep,
)
from access.services.moving.beginning import may_be_tried
from access.services.moving.planning import acts_as_owner
from access.services.moving.verifying import list_entries
from families.models import Family
from portal.accounts.models import User
from portal.audit.events import label_of
from portal.audit.models import Entry
from portal.cursors import read_cursor, write_cursor

PAGE_SIZE = 50


@dataclass(frozen=True)
class RecordRow:
    """One line of a record, as it was signed; ``is_gone_since``: it has gone after the record was made,
    which stands in no record: so it was noticed before each such notice had a record of its own.

    ``asks_owner``: only the owner can make it go, by handing the family over in the phone app.
    """

    number: int
    subject: str
    detail: str
    state: str
    words: str
    looked_at: datetime | None
    look_until: datetime | None
    is_gone_since: bool = False
    asks_owner: bool = False


@dataclass(frozen=True)
class RecordGroup:
    """The lines of one kind."""

    kind: str
    label: str
    rows: list[RecordRow]


@dataclass(frozen=True)
class Record:
    """A record as the page shows it, told from its signed text, and the entry of the trail that holds its digest."""

    reading: MoveOutReading
    groups: list[RecordGroup]
    entry: Entry | None
    look_until: datetime | None

    @property
    def is_all_gone(self) -> bool:
        return not (self.reading.left or self.reading.unknown)

    @property
    def is_noticed(self) -> bool:
        """Whether nobody looked for it: the sync came upon something."""
        return self.entry is not None and self.entry.event == "move_out.noticed"


@dataclass(frozen=True)
class MoveOutDetail:
    """A move-out with the record that is shown, the others, and the entries of the trail that tell of it, with their words.

    ``asks_owner``: the owner is left and only they can hand the family over, so that trying again is refused again.
    """

    move_out: MoveOut
    record: Record | None
    readings: list[MoveOutReading]
    entries: list[tuple[Entry, str]]
    items: list[MoveOutItem] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)
    may_try: bool = False
    asks_owner: bool = False


@dataclass(frozen=True)
class MoveOutRow:
    """A move-out in a list: how many things are left or unknown, and until when to look again for what cannot be taken back."""

    move_out: MoveOut
    gone: int
    left: int
    look_until: datetime | None

    @property
    def is_closed(self) -> bool:
        return not self.left and self.look_until is None and self.move_out.state == MoveOutState.ENDED


def get_move_out(user: User, public_id: str) -> MoveOut:
    """The move-out with its family; raises MoveOut.DoesNotExist unless it is the person's to see."""
    found = MoveOut.objects.visible_to(user).select_related("family__property", "acting")
    return found.get(public_id=public_id)


def list_move_outs(
    user: User, *, family_id: str = "", only_left: bool = False, cursor: str = ""
) -> tuple[list[MoveOutRow], str]:
    """A page of move-outs, newest first, and the cursor of the next ("" on the last). ``family_id``: a public id. One query."""
    found = _counted(MoveOut.objects.visible_to(user))
    if family_id:
        found = found.filter(family__public_id=family_id)
    if only_left:
        found = _unfinished(found)
    if place := read_cursor("move-outs", cursor, int):
        found = found.filter(pk__lte=place[0])
    rows = list(found.order_by("-pk")[: PAGE_SIZE + 1])
    more = rows[PAGE_SIZE:]
    return [_row(one) for one in rows[:PAGE_SIZE]], write_cursor("move-outs", more[0].pk) if more else ""


def list_unfinished(user: User, at_most: int) -> list[MoveOutRow]:
    """Those that are under way or of which something is left, the oldest first. One query."""
    found = _unfinished(_counted(MoveOut.objects.visible_to(user)))
    return [_row(one) for one in found.order_by("pk")[:at_most]]


def find_under_way(family: Family) -> MoveOut | None:
    """The move-out of this family that has not ended."""
    return MoveOut.objects.filter(family=family, state=MoveOutState.RUNNING).first()


def find_open(user: User, family: Family) -> MoveOutRow | None:
    """The newest move-out of this family that is under way or of which something is left. One query."""
    found = _unfinished(_counted(MoveOut.objects.visible_to(user).filter(family=family))).order_by("-pk")
    return next((_row(one) for one in found[:1]), None)


def get_detail(user: User, move_out: MoveOut, *, number: int | None = None) -> MoveOutDetail:
    """A move-out as its page shows it; ``number`` asks for another record than the newest. Nine queries at most."""
    readings = list(MoveOutReading.objects.filter(move_out=move_out).defer("text").order_by("-number"))
    shown = MoveOutReading.objects.filter(move_out=move_out)
    one = shown.filter(number=number).first() if number else shown.order_by("-number").first()
    items = list(MoveOutItem.objects.filter(move_out=move_out).order_by("number"))
    is_running = move_out.state == MoveOutState.RUNNING
    is_newest = one is not None and bool(readings) and one.pk == readings[0].pk
    of_owner = set() if is_running else _of_owner(move_out, items)
    return MoveOutDetail(
        move_out,
        _record(one, items if is_newest else [], of_owner if is_newest else set())
        if one is not None and not is_running
        else None,
        readings,
        [(one, label_of(one.event)) for one in list_entries(move_out, Entry.objects.visible_to(user))],
        items,
        _steps(move_out) if is_running else [],
        may_try=not is_running
        and any(
            may_be_tried(item) or (item.kind == ItemKind.UPSTREAM_INVITATION and item.state == ItemState.LEFT)
            for item in items
        ),
        asks_owner=bool(of_owner),
    )


def _of_owner(move_out: MoveOut, items: Sequence[MoveOutItem]) -> set[int]:
    """The numbers of the items that only the owner can make go; none where the account that acts owns the family."""
    left = [item for item in items if item.state == ItemState.LEFT]
    owners = {item.member_id for item in left if item.kind == ItemKind.OWNERSHIP}
    if not owners or acts_as_owner(move_out.family):
        return set()
    kinds = {ItemKind.OWNERSHIP, ItemKind.MEMBER}
    return {item.number for item in left if item.kind in kinds and item.member_id in owners}


def _counted(found: QuerySet[MoveOut]) -> QuerySet[MoveOut]:
    is_invitation = Q(
        items__kind=ItemKind.UPSTREAM_INVITATION, items__state__in=[ItemState.UNKNOWN, ItemState.PLANNED]
    )
    open_now = Q(items__state__in=NOT_GONE)
    return found.select_related("family").annotate(
        gone=Count("items", filter=Q(items__state=ItemState.GONE)),
        left=Count("items", filter=open_now & ~is_invitation),
        look_until=Max("items__look_until", filter=is_invitation & Q(items__look_until__gt=timezone.now())),
    )


def _unfinished(counted: QuerySet[MoveOut]) -> QuerySet[MoveOut]:
    """Of the counted ones those that are under way or of which something is left."""
    # Asked first, by its index: else everything that ever went is counted to find them.
    open_now = MoveOutItem.objects.exclude(state=ItemState.GONE).values("move_out")
    is_running = Q(state=MoveOutState.RUNNING)
    return counted.filter(Q(pk__in=open_now) | is_running).filter(
        Q(left__gt=0) | Q(look_until__isnull=False) | is_running
    )


def _row(move_out: Any) -> MoveOutRow:
    return MoveOutRow(move_out, move_out.gone, move_out.left, move_out.look_until)


def _record(reading: MoveOutReading, items: Sequence[MoveOutItem], of_owner: Collection[int]) -> Record:
    told = json.loads(reading.text)
    now = {item.number: item.state for item in items}
    groups: dict[str, list[RecordRow]] = {}
    for one in told["items"]:
        row = RecordRow(
            one["number"],
            one["subject"],
            one["detail"],
            one["state"],
            one["words"],
            _moment(one["looked_at"]),
            _moment(one["look_until"]),
            is_gone_since=one["state"] != ItemState.GONE and now.get(one["number"]) == ItemState.GONE,
            asks_owner=one["number"] in of_owner,
        )
        groups.setdefault(one["kind"], []).append(row)
    labels = {str(kind): label for kind, label in KIND_HEADINGS.items()}
    until = [
        row.look_until
        for rows in groups.values()
        for row in rows
        if row.look_until is not None and row.state == ItemState.UNKNOWN
    ]
    return Record(
        reading,
        [RecordGroup(kind, str(labels.get(kind, kind)), rows) for kind, rows in groups.items()],
        Entry.objects.filter(number=reading.entry).first(),
        max(until, default=None),
    )


def _steps(move_out: MoveOut) -> list[tuple[str, str]]:
    """Each step with whether it is done, under way or still to come."""
    place = list(MoveOutStep).index(MoveOutStep(move_out.step))
    return [
        (str(step.label), "done" if at < place else "now" if at == place else "coming")
        for at, step in enumerate(MoveOutStep)
    ]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
