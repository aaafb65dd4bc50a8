"""The report of a job: a sheet with a line for each row, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from datetime import tzinfo

from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Job
from families.selectors.jobs import ToldRow
from families.services.jobs import kinds
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, By

# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Spreadsheets read UTF-8 where a sheet begins with it.
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def note_report(user: User, job: Job) -> None:
    """Put on the trail that somebody takes the report; raises AuditUnavailable, and then it is not given out."""
    about = About(None, "", "job", job.public_id, job.title)
    trail.record_first(f"{kinds.kind_of(job).event}.report", By.person(user), about)


def file_name(job: Job) -> str:
    """What the downloaded sheet is called: nothing of what somebody typed."""
    day = timezone.localtime(job.confirmed_at or job.made_at).date().isoformat()
    return f"{kinds.kind_of(job).event}-{day}-{job.public_id[:6]}.csv"


def lines(job: Job, rows: Iterable[ToldRow], zone: tzinfo) -> Iterator[str]:
    """The sheet line by line, as it stands at this moment, with times in this zone."""
    writer = csv.writer(_Line())
    has_rights = kinds.kind_of(job).telling.has_rights
    yield _MARK + writer.writerow(_heading(has_rights=has_rights))
    for told in rows:
        row, values = told.row, told.row.values
        ended_at = row.ended_at.astimezone(zone) if row.ended_at else None
        cells = [
            str(row.number),
            *(
                [str(values.get("first_name", "")), str(values.get("last_name", ""))]
                if has_rights
                else [told.who]
            ),
            told.email,
            told.family_name,
            *([told.rights] if has_rights else []),
            str(row.get_state_display()),
            row.words,
            ended_at.isoformat(sep=" ", timespec="seconds") if ended_at else "",
        ]
        yield writer.writerow([_safe(cell) for cell in cells])


def _heading(*, has_rights: bool) -> list[str]:
    who = [_("First name"), _("Last name")] if has_rights else [_("Name")]
    where = [_("E-mail"), _("Family"), *([_("Rights")] if has_rights else [])]
    return [_("Line"), *who, *where, _("Result"), _("Words"), _("When")]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Line:
    """What the writer writes into: gives each line back."""

    def write(self, line: str) -> str:
        return line
