"""Imports before they are confirmed: a sheet is brought, read as somebody chooses, shown, and confirmed or dropped.

Nothing here sends anything: a confirmed import is a job like others (families.services.jobs).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from families.models import ColumnMemory, Family, Job, JobRow, JobState, Rights, RowState, Sheet
from families.services.importing import marking
from families.services.importing.cells import Person, read_person
from families.services.importing.columns import (
    AUTH,
    cells_of,
    fits_cells,
    guess_columns,
    has_header,
    header_digest,
)
from families.services.importing.marking import Marked, Wish
from families.services.importing.rights import unknown_words
from families.services.importing.tables import SheetRefused, Table, read_table
from families.services.jobs import running
from families.sync import bulk
from portal.accounts.models import User
from portal.ids import new_public_id
from portal.upstream.text import clean

KIND = "residents"
# A preview that is older is read again before it is confirmed: somebody may have joined meanwhile.
FRESH = timedelta(minutes=5)
DRAFTS_KEPT = timedelta(days=7)
_BATCH = 500
# Of a row that is written with thousands of others; the rest is empty.
_COLUMNS = (
    "public_id",
    "job_id",
    "number",
    "family_id",
    "values",
    "mark",
    "state",
    "words",
    "attempt",
    "claimed_by",
)


@dataclass(frozen=True)
class Choices:
    """How a sheet is to be read, and what is to be done with its rows: all that a person may change of a draft."""

    encoding: str
    separator: str
    has_header: bool
    columns: Sequence[str]
    family: Family | None
    way: str
    changes_rights: bool
    auth: str
    # What words for rights mean that are not known by themselves, by their digest.
    words: Mapping[str, str] = field(default_factory=dict)


class NothingToSend(Exception):
    """No row of the draft would be sent: there is nothing to confirm."""


class PreviewChanged(Exception):
    """Reading the preview again found other rows to send than were shown: somebody has to look first."""


def make_draft(user: User, *, content: bytes, name: str, family: Family | None = None) -> Sheet:
    """Keep a sheet as a draft of ``user``'s, read as it is recognised and as they read one like it before.

    ``family`` was fetched through ``visible_to(user)``. Raises SheetRefused, and PermissionDenied.
    """
    sheet = open_sheet(user, content=content, name=name, family=family)
    with transaction.atomic():
        sheet.job.save(force_insert=True)
        sheet.save(force_insert=True)
    return sheet


def open_sheet(
    user: User,
    *,
    content: bytes,
    name: str,
    family: Family | None = None,
    encoding: str = "",
    headed: bool | None = None,
) -> Sheet:
    """The same with nothing kept; ``headed``: whether it has a header, where that is known. Raises SheetRefused, and
    PermissionDenied."""
    _may_import(user)
    table = read_table(content, encoding)
    if headed is None:
        headed = has_header([line.cells for line in table.lines])
    name = " ".join(clean(name).split())[:100] or gettext("Pasted rows")
    options = {"way": marking.INVITE, "changes_rights": False, "auth": Rights.GUEST.value}
    return Sheet(
        job=Job(kind=KIND, title=name, made_by=user, options=options),
        name=name,
        content=content,
        encoding=table.encoding,
        separator=table.separator,
        has_header=headed,
        columns=columns_for(user, table, headed=headed),
        words=words_for(user, table, headed=headed),
        family=family,
    )


def table_of(sheet: Sheet, encoding: str = "", separator: str = "") -> Table:
    """The rows of a sheet, as it is to be read or as is asked for; raises SheetRefused."""
    return read_table(bytes(sheet.content), encoding or sheet.encoding, separator or sheet.separator)


def columns_for(user: User, table: Table, *, headed: bool) -> list[str]:
    """What each column means: as this person said of such a header before, or of as many columns without one; else guessed."""
    rows = [line.cells for line in table.lines]
    header = rows[0] if headed else []
    known = _remembered(user, table, headed=headed)
    if (
        known is not None
        and len(known.columns) == table.width
        and (headed or fits_cells(known.columns, rows))
    ):
        return list(known.columns)
    return guess_columns(header, rows[len(header) > 0 :], table.width)


def words_for(user: User, table: Table, *, headed: bool) -> dict[str, str]:
    """What this person said before that unknown words for rights mean in such a sheet, by their digest."""
    known = _remembered(user, table, headed=headed)
    return dict(known.words) if known is not None else {}


def words_to_ask(table: Table, columns: Sequence[str], *, headed: bool) -> list[str]:
    """The words in the column of rights that nobody knows: somebody has to say what they mean."""
    rows = [line.cells for line in table.lines[1 if headed else 0 :]]
    return unknown_words(cells_of(AUTH, columns, rows))


def keep_choices(user: User, sheet: Sheet, choices: Choices) -> None:
    """Keep how a draft is to be read, remember its columns, and read its rows. Raises SheetRefused, PermissionDenied."""
    _may_import(user)
    table = table_of(sheet, choices.encoding, choices.separator)
    sheet.encoding, sheet.separator, sheet.has_header = table.encoding, table.separator, choices.has_header
    sheet.columns, sheet.family = list(choices.columns), choices.family
    sheet.words = dict(choices.words)
    with transaction.atomic():
        sheet.save(update_fields=["encoding", "separator", "has_header", "columns", "words", "family"])
        sheet.job.options = {
            "way": choices.way,
            "changes_rights": choices.changes_rights,
            "auth": choices.auth,
        }
        sheet.job.save(update_fields=["options"])
        ColumnMemory.objects.update_or_create(
            person=user,
            header=_header_of(table, headed=choices.has_header),
            defaults={
                "columns": sheet.columns,
                "words": words_for(user, table, headed=choices.has_header) | sheet.words,
                "used_at": timezone.now(),
            },
        )
    read_rows(user, sheet)


def read_rows(user: User, sheet: Sheet) -> bool:
    """Read the rows of a draft anew, and compare them with who is there now; False where somebody else does just now.

    Raises SheetRefused.
    """
    reading = sheet.reading = uuid4().hex
    Sheet.objects.filter(pk=sheet.pk).update(reading=reading, read_at=None)
    rows = [_row_of(sheet.job, marked) for marked in mark_sheet(user, sheet)]
    kept = JobRow.objects.filter(job=sheet.job)
    for start in range(0, max(len(rows), 1), _BATCH):
        with transaction.atomic():
            # Another reading that began later writes its own rows.
            if not Sheet.objects.select_for_update().filter(pk=sheet.pk, reading=reading).exists():
                return False
            if not start:
                kept.delete()
            bulk.insert(JobRow, _COLUMNS, rows[start : start + _BATCH])
    sheet.read_at = timezone.now()
    return Sheet.objects.filter(pk=sheet.pk, reading=reading).update(read_at=sheet.read_at) == 1


def mark_sheet(user: User, sheet: Sheet) -> list[Marked]:
    """The rows of a draft as they compare with who is there now; raises SheetRefused."""
    options = sheet.job.options
    wish = Wish(options["way"], options["changes_rights"], options["auth"], sheet.family)
    return marking.mark_people(user, _people(sheet, needs_names=wish.way == marking.CREATE), wish)


def confirm_draft(user: User, sheet: Sheet, *, not_after: datetime) -> Job:
    """Let the rows of a draft that are to be sent go; what was uploaded is deleted.

    Raises NothingToSend, PreviewChanged (also where it was read anew since ``sheet`` was fetched), running.JobMovedOn for one that was confirmed at the same moment, and
    PermissionDenied; nothing is sent by this then.
    """
    _may_import(user)
    job = sheet.job
    if sheet.read_at is None or timezone.now() - sheet.read_at > FRESH:
        before = _to_send(job)
        read_rows(user, sheet)
        if _to_send(job) != before:
            _still_a_draft(sheet)
            raise PreviewChanged
    if not JobRow.objects.filter(job=job, state=RowState.WAITING).exists():
        _still_a_draft(sheet)
        raise NothingToSend
    with transaction.atomic():
        # In another window it may be read otherwise by now, or at this moment: those rows nobody has seen.
        seen = Sheet.objects.select_for_update().filter(pk=sheet.pk, reading=sheet.reading)
        if not seen.exclude(read_at=None).exists():
            _still_a_draft(sheet)
            raise PreviewChanged
        running.confirm(user, job, not_after)
        sheet.delete()
    return job


def drop_draft(user: User, sheet: Sheet) -> None:
    """Delete a draft and all that was brought with it."""
    _may_import(user)
    Job.objects.filter(pk=sheet.job_id, state=JobState.DRAFT).delete()


def drop_old_drafts() -> int:
    """Delete the drafts that nobody confirmed for a week, with all that was brought; return how many there were."""
    old = Job.objects.filter(kind=KIND, state=JobState.DRAFT, made_at__lt=timezone.now() - DRAFTS_KEPT)
    for job in old:
        Job.objects.filter(pk=job.pk, state=JobState.DRAFT).delete()
    return len(old)


def _may_import(user: User) -> None:
    if not (user.is_active and user.is_manager):
        raise PermissionDenied


def _still_a_draft(sheet: Sheet) -> None:
    if not Sheet.objects.filter(pk=sheet.pk).exists():
        raise running.JobMovedOn


def _people(sheet: Sheet, *, needs_names: bool) -> list[Person]:
    lines = table_of(sheet).lines[1 if sheet.has_header else 0 :]
    if not lines:
        raise SheetRefused(gettext("There is a header and nothing below it."))
    return [read_person(line, sheet.columns, sheet.words, needs_names=needs_names) for line in lines]


def _remembered(user: User, table: Table, *, headed: bool) -> ColumnMemory | None:
    return ColumnMemory.objects.filter(person=user, header=_header_of(table, headed=headed)).first()


def _header_of(table: Table, *, headed: bool) -> str:
    return header_digest(table.lines[0].cells if headed else [], table.width)


def _row_of(job: Job, marked: Marked) -> list[Any]:
    return [
        new_public_id(),
        job.pk,
        marked.person.number,
        marked.family.pk if marked.family else None,
        json.dumps(marked.values),
        marked.mark,
        RowState.WAITING.value if marked.will_be_sent else RowState.LEFT_OUT.value,
        marked.words,
        1,
        "",
    ]


def _to_send(job: Job) -> list[int]:
    rows = JobRow.objects.filter(job=job, state=RowState.WAITING)
    return list(rows.order_by("number").values_list("number", flat=True))
