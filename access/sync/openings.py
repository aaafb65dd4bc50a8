"""The openings of families: what an answer adds, in one transaction for several families."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from access.history import Findings, OpeningRow, without_query
from access.models import Device, Opening, OpeningRevision, Picture
from access.sync import windows
from access.sync.devices import opened_later
from access.sync.hours import Hours
from families.sync import bulk
from families.sync.lists import lock_families
from families.sync.readings import Reading
from families.sync.states import pieces
from portal.upstream import types
from portal.upstream.client import Answer, Client

# What the columns are called that hold the parts of a row, in the order in which OpeningRow has them after its time.
_COLUMNS = {
    "account": "account_name",
    "device": "device_name",
    "kind": "open_door_type",
    "is_success": "is_success",
    "picture": "picture_url",
    "thumbnail": "thumbnail_url",
}
_INSERTED = (
    "family_id",
    "raw_time",
    "number",
    "at",
    "is_time_readable",
    "is_success",
    "account_name",
    "device_name",
    "open_door_type",
    "thumbnail_url",
    "picture_url",
    "picture",
    "picture_tries",
    "picture_due_at",
    "device_id",
    "seen_at",
)
_ADDRESSES = ("picture", "thumbnail")


class Openings:
    """Keeper of the openings; they are only ever added to, and corrected with a revision."""

    state_fields: Sequence[str] = windows.STATE_FIELDS

    def read(self, client: Client, residence_id: str) -> Answer[list[types.OpeningRow]]:
        """get_akuvox_open_door_history."""
        return client.get_akuvox_open_door_history(residence_id=residence_id)

    def prepare(self, reading: Reading) -> None:
        """Nothing."""

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write the rows that the answers add, the gaps before them, and the hourly counts."""
        return _Writing(readings).write()


@dataclass
class _Writing:
    """One transaction's answers, and what they come to."""

    readings: Sequence[Reading]
    devices: dict[tuple[int, str], Device | None] = field(default_factory=dict)
    late: dict[int, Device] = field(default_factory=dict)
    new: list[tuple[Any, ...]] = field(default_factory=list)
    changed: list[Opening] = field(default_factory=list)
    readdressed: list[Opening] = field(default_factory=list)
    revisions: list[OpeningRevision] = field(default_factory=list)
    hours: Hours = field(default_factory=Hours)

    def write(self) -> Mapping[str, int]:
        families = windows.families_of(self.readings)
        lock_families(families)
        answered = {reading.family_id: _rows(reading) for reading in self.readings}
        begun = windows.begun(self.readings, Opening.objects.all())
        stored, waiting = _read_stored({pk: answered[pk] for pk in begun})
        found: list[tuple[Reading, Findings[OpeningRow]]] = []
        for reading in self.readings:
            family_id = reading.family_id
            found.append((reading, windows.find(reading, answered[family_id], stored[family_id])))
        if any(findings.new or findings.changed for _, findings in found):
            self._find_devices(families)
        kept = _fetch(found, waiting)
        for reading, findings in found:
            for row, number in findings.new:
                self._add(reading, row, number)
            for pk, row in findings.changed:
                self._change(reading, kept[pk], row)
            for pk, row in findings.readdressed:
                if pk in waiting:
                    self._readdress(kept[pk], row)
        self._store()
        windows.store_gaps(found)
        self.hours.store()
        return {"openings": len(self.new), "gaps": sum(len(findings.gaps) for _, findings in found)}

    def _find_devices(self, families: Sequence[int]) -> None:
        """The device of each name in each family; None where several have it."""
        for device in Device.objects.filter(family__in=families, gone_at=None):
            key = (device.family_id, device.name)
            self.devices[key] = None if key in self.devices else device

    def _add(self, reading: Reading, row: OpeningRow, number: int) -> None:
        family_id = reading.family_id
        at, is_readable = windows.moment_of(reading, row.time)
        device = self._guess_device(family_id, row, at if is_readable else None)
        is_seen = bool(row.thumbnail or row.picture)
        self.hours.add(family_id, at, "opened" if row.is_success else "refused")
        self.new.append(
            (
                family_id,
                row.time,
                number,
                at,
                is_readable,
                row.is_success,
                row.account,
                row.device,
                row.kind,
                row.thumbnail,
                row.picture,
                Picture.WANTED.value if is_seen else Picture.NONE.value,
                0,
                reading.answered_at if is_seen else None,
                device.pk if device else None,
                reading.answered_at,
            )
        )

    def _change(self, reading: Reading, opening: Opening, row: OpeningRow) -> None:
        before = {
            column: getattr(opening, column)
            for part, column in _COLUMNS.items()
            if _comparable(part, getattr(row, part)) != _comparable(part, getattr(opening, column))
        }
        self.revisions.append(OpeningRevision(opening=opening, before=before, at=reading.answered_at))
        if row.is_success != opening.is_success:
            self.hours.add(opening.family_id, opening.at, "opened", 1 if row.is_success else -1)
            self.hours.add(opening.family_id, opening.at, "refused", -1 if row.is_success else 1)
        _take_over(opening, row)
        if any(_COLUMNS[part] in before for part in _ADDRESSES):
            self._want_picture(opening)
        if {"device_name", "is_success"} & before.keys():
            at = opening.at if opening.is_time_readable else None
            opening.device = self._guess_device(opening.family_id, row, at)
        self.changed.append(opening)

    def _readdress(self, opening: Opening, row: OpeningRow) -> None:
        """Take a new query into an address that did not work: it may be what lets us in."""
        _take_over(opening, row)
        opening.picture_due_at = timezone.now()
        self.readdressed.append(opening)

    def _want_picture(self, opening: Opening) -> None:
        if opening.thumbnail_url or opening.picture_url:
            opening.picture, opening.picture_tries = Picture.WANTED, 0
            opening.picture_due_at = timezone.now()

    def _guess_device(self, family_id: int, row: OpeningRow, at: datetime | None) -> Device | None:
        """The one device of that name, which knows from now on that it opened then."""
        device = self.devices.get((family_id, row.device))
        if device is not None and at is not None and opened_later(device, at, is_success=row.is_success):
            device.last_opening_at = at
            self.late[device.pk] = device
        return device

    def _store(self) -> None:
        bulk.insert(Opening, _INSERTED, self.new)
        fields = [*_COLUMNS.values(), "device", "picture", "picture_tries", "picture_due_at"]
        Opening.objects.bulk_update(self.changed, fields, batch_size=100)
        addresses = ["thumbnail_url", "picture_url", "picture_due_at"]
        Opening.objects.bulk_update(self.readdressed, addresses, batch_size=100)
        OpeningRevision.objects.bulk_create(self.revisions, batch_size=500)
        Device.objects.bulk_update(self.late.values(), ["last_opening_at"], batch_size=200)


def _rows(reading: Reading) -> list[OpeningRow]:
    rows = []
    aside = []
    for row in reading.answer.result:
        if len(row.open_door_time) > windows.LONGEST_TIME:
            aside.append(f"an opening whose time is longer than {windows.LONGEST_TIME} characters")
            continue
        rows.append(
            OpeningRow(
                time=row.open_door_time,
                account=row.account_name,
                device=row.device_name,
                kind=row.open_door_type,
                is_success=row.open_door,
                picture=row.capture_picture_url,
                thumbnail=row.capture_thumbnail_url,
            )
        )
    reading.set_aside(aside)
    return rows


def _read_stored(
    answered: Mapping[int, Sequence[OpeningRow]],
) -> tuple[Mapping[int, Mapping[str, Sequence[tuple[int, OpeningRow]]]], set[int]]:
    """The stored rows of the answers' seconds, by family and raw text; and which of them wait for their picture in vain.

    As plain values: of two hundred that an answer tells again, objects are needed for the few that have changed.
    """
    stored: defaultdict[int, defaultdict[str, list[tuple[int, OpeningRow]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    waiting: set[int] = set()
    columns = ("pk", "family", "picture", "picture_tries", "raw_time", *_COLUMNS.values())
    for pk, family_id, picture, tries, *told in windows.stored_in_same_seconds(
        Opening.objects.values_list(*columns), answered
    ):
        row = OpeningRow(*told)
        stored[family_id][row.time].append((pk, row))
        if picture == Picture.WANTED and tries > 0:
            waiting.add(pk)
    return stored, waiting


def _fetch(
    found: Sequence[tuple[Reading, Findings[OpeningRow]]], waiting: Collection[int]
) -> Mapping[int, Opening]:
    """The openings that change. A new query in an address means nothing unless the picture waits for it."""
    wanted: list[int] = []
    for _, findings in found:
        wanted += [pk for pk, _ in findings.changed]
        wanted += [pk for pk, _ in findings.readdressed if pk in waiting]
    kept: dict[int, Opening] = {}
    for some in pieces(wanted):
        kept |= Opening.objects.in_bulk(some)
    return kept


def _take_over(opening: Opening, row: OpeningRow) -> None:
    for part, column in _COLUMNS.items():
        setattr(opening, column, getattr(row, part))


def _comparable(part: str, value: Any) -> Any:
    return without_query(value) if part in _ADDRESSES else value
