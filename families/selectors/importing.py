"""Reads imports for their pages: one's own, a draft, and its rows a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from families.models import Family, Job, JobRow, RowState, Sheet
from families.services.importing import KIND
from portal.accounts.models import User
from portal.cursors import read_cursor, write_cursor

IMPORTS_A_PAGE = 50
ROWS_A_PAGE = 50


@dataclass(frozen=True)
class ImportLine:
    """An import in the list: how many rows it has, and how many of them were or would be sent."""

    job: Job
    rows: int
    sent: int


@dataclass(frozen=True)
class ImportPage:
    """A page of imports, the newest first; ``older`` leads to the next."""

    lines: list[ImportLine]
    older: str = ""


@dataclass(frozen=True)
class RowPage:
    """A page of a draft's rows in the order of the sheet, each with its family where the person may see that.

    ``number`` is the page's, from 1, of ``pages``.
    """

    rows: list[tuple[JobRow, Family | None]]
    number: int
    pages: int


@dataclass(frozen=True)
class Tally:
    """How many rows of a draft have each mark, and what would be sent of them."""

    marks: Mapping[str, int]
    to_send: int
    to_change: int

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.marks.values())

    @property
    def left_out(self) -> int:
        """Those of which nothing would be sent."""
        return self.rows - self.to_send

    @property
    def new(self) -> int:
        """Those who would come in."""
        return self.to_send - self.to_change


def list_imports(user: User, older: str = "") -> ImportPage:
    """The person's own imports, drafts too. Two queries; no upstream call."""
    jobs = Job.objects.visible_to(user).filter(kind=KIND, made_by=user)
    place = read_cursor("imports", older, int)
    if place is not None:
        jobs = jobs.filter(pk__lt=place[0])
    found = list(jobs.order_by("-pk")[: IMPORTS_A_PAGE + 1])
    shown = found[:IMPORTS_A_PAGE]
    counts: dict[int, dict[bool, int]] = {}
    states = JobRow.objects.filter(job__in=shown).order_by().values_list("job_id", "state")
    for job_id, state, count in states.annotate(count=Count("pk")):
        of_job = counts.setdefault(job_id, {})
        is_left_out = state == RowState.LEFT_OUT
        of_job[is_left_out] = of_job.get(is_left_out, 0) + count
    lines = [
        ImportLine(job, sum(one.values()), one.get(False, 0))
        for job in shown
        for one in [counts.get(job.pk, {})]
    ]
    return ImportPage(lines, write_cursor("imports", shown[-1].pk) if len(found) > len(shown) else "")


def get_draft(user: User, public_id: str) -> Sheet:
    """The sheet of a draft that is the person's own; raises Sheet.DoesNotExist. One query."""
    drafts = Sheet.objects.visible_to(user).select_related(
        "job", "job__made_by", "family", "family__property"
    )
    return drafts.get(job__public_id=public_id)


def find_begun(user: User, public_id: str) -> Job | None:
    """The person's own import of this id if it is no draft any more; None otherwise."""
    found = Job.objects.visible_to(user).filter(kind=KIND, made_by=user, public_id=public_id)
    return found.exclude(state="draft").first()


def tally_of(job: Job) -> Tally:
    """How many rows have each mark, and how many would be sent. One query."""
    marks: dict[str, int] = {}
    waiting: dict[str, int] = {}
    groups = JobRow.objects.filter(job=job).order_by().values_list("mark", "state")
    for mark, state, count in groups.annotate(count=Count("pk")):
        marks[mark] = marks.get(mark, 0) + count
        if state == RowState.WAITING:
            waiting[mark] = waiting.get(mark, 0) + count
    return Tally(marks, sum(waiting.values()), waiting.get("differs", 0))


def page_rows(user: User, job: Job, tally: Tally, *, mark: str = "", page: str = "") -> RowPage:
    """A page of a draft's rows, those of a mark alone where it is said. Two queries."""
    count = tally.marks.get(mark, 0) if mark else tally.rows
    pages = max(1, -(-count // ROWS_A_PAGE))
    number = min(max(int(page), 1), pages) if page.isdecimal() and len(page) < 9 else 1
    rows = JobRow.objects.filter(job=job).order_by("number")
    if mark:
        rows = rows.filter(mark=mark)
    start = (number - 1) * ROWS_A_PAGE
    shown = list(rows[start : start + ROWS_A_PAGE])
    # Who made the draft may see less by now: names of families that are not theirs any more are not told.
    seen = Family.objects.visible_to(user).select_related("property")
    families = seen.in_bulk({row.family_id for row in shown if row.family_id})
    return RowPage([(row, families.get(row.family_id or 0)) for row in shown], number, pages)


def families_to_reach(user: User, job: Job, most: int) -> tuple[list[tuple[str, int]], int]:
    """The families that rows would be sent to, with how many each, the most first; at most ``most`` of those the
    person may see, and how many there are in all. Two queries."""
    rows = JobRow.objects.filter(job=job, state=RowState.WAITING).order_by()
    visible = rows.filter(family__in=Family.objects.visible_to(user))
    counted = visible.values_list("family", "family__name").annotate(count=Count("pk"))
    named = [(name, count) for _family, name, count in counted.order_by("-count", "family__name")[:most]]
    return named, rows.values("family").distinct().count()
