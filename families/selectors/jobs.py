"""Reads jobs for their pages: where each stands, and what became of its rows."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from families.models import Family, Job, JobRow, JobState, Rights, RowState
from portal.accounts.models import User
from portal.cursors import beyond, read_cursor, write_cursor

JOBS_A_PAGE = 50
ROWS_A_PAGE = 50
_JOBS, _ROWS = "jobs", "job-rows"
# Read from the database so many at a time, where all of them are wanted.
CHUNK = 500


@dataclass(frozen=True)
class Counts:
    """How many rows of a job stand where."""

    by_state: Mapping[str, int]

    @property
    def total(self) -> int:
        """The rows that were to be sent: those left out are none of them."""
        return sum(self.by_state.values()) - self.of(RowState.LEFT_OUT)

    @property
    def over(self) -> int:
        """The rows of which it is known what became."""
        return self.total - self.open

    @property
    def open(self) -> int:
        """The rows that are still to be sent, or on their way."""
        return self.of(RowState.WAITING) + self.of(RowState.CLAIMED)

    @property
    def unknown(self) -> int:
        return self.of(RowState.UNKNOWN)

    @property
    def is_all_done(self) -> bool:
        """Whether every row that was to be sent was done."""
        return self.of(RowState.DONE) == self.total

    def of(self, state: RowState) -> int:
        """The rows in this state."""
        return self.by_state.get(state, 0)


@dataclass(frozen=True)
class Standing:
    """Where a job stands. ``version`` is another whenever anything of it is."""

    job: Job
    counts: Counts

    @property
    def version(self) -> str:
        """Its state and a digest, for polls."""
        job = self.job
        told = [
            job.pause_code,
            job.pause_reason,
            *(f"{k}{v}" for k, v in sorted(self.counts.by_state.items())),
        ]
        return f"{job.state}-{hashlib.sha256('|'.join(told).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class RowPage:
    """Rows of a job in their order; ``family_name`` of each is "" where the person may not see its family."""

    rows: list["ToldRow"]
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class ToldRow:
    """One row for people."""

    row: JobRow
    family_name: str
    family_id: str

    @property
    def who(self) -> str:
        """Their names, as the sheet says them, or what it is called."""
        values = self.row.values
        names = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
        return names or str(values.get("name") or values.get("label") or "")

    @property
    def email(self) -> str:
        return str(self.row.values.get("email", ""))

    @property
    def auth(self) -> str:
        return str(self.row.values.get("auth", ""))

    @property
    def rights(self) -> str:
        """Administrator or member; what is neither as it was written."""
        return str(Rights(self.auth).label) if self.auth in Rights.values else self.auth


def get_job(user: User, public_id: str) -> Job:
    """A job that has begun; raises Job.DoesNotExist unless it is the person's to see."""
    return _begun(user).get(public_id=public_id)


def get_row(user: User, job_id: str, row_id: str) -> JobRow:
    """A row of a job that has begun; raises JobRow.DoesNotExist unless it is the person's to see."""
    rows = JobRow.objects.shown_to(user).filter(job__in=_begun(user), job__public_id=job_id)
    return rows.select_related("job__made_by", "family", "command").get(public_id=row_id)


def list_jobs(user: User, *, cursor: str = "") -> tuple[list[Standing], str]:
    """A page of jobs that have begun, newest first, and the cursor to the older ones, "" at the end. Two queries."""
    found = _begun(user)
    place = read_cursor(_JOBS, cursor, str, int)
    if place is not None:
        found = found.filter(
            beyond("confirmed_at", datetime.fromisoformat(place[0]), place[1], is_descending=True)
        )
    jobs = list(found.order_by("-confirmed_at", "-pk")[: JOBS_A_PAGE + 1])
    older = ""
    if len(jobs) > JOBS_A_PAGE:
        last = jobs[JOBS_A_PAGE - 1]
        older = write_cursor(_JOBS, str(last.confirmed_at), last.pk)
    counts = _counts(user, [job.pk for job in jobs[:JOBS_A_PAGE]])
    return [Standing(job, Counts(counts.get(job.pk, {}))) for job in jobs[:JOBS_A_PAGE]], older


def standing_of(job: Job, user: User | None) -> Standing:
    """Where it stands, by the rows that this person is shown; the operator (None) is shown all. One query."""
    return Standing(job, Counts(_counts(user, [job.pk]).get(job.pk, {})))


def page_rows(user: User, job: Job, *, state: str = "", before: str = "", after: str = "") -> RowPage:
    """The rows of a job by their number, all or those in one state. Two queries; no upstream call."""
    shown = JobRow.objects.shown_to(user).filter(job=job)
    found = shown.filter(state=state) if state else shown
    place = read_cursor(_ROWS, after or before, int)
    backwards = bool(before) and not after and place is not None
    if place is not None:
        found = found.filter(number__lt=place[0]) if backwards else found.filter(number__gt=place[0])
    ordered = found.select_related("command").order_by("-number" if backwards else "number")
    some = list(ordered[: ROWS_A_PAGE + 1])
    has_more = len(some) > ROWS_A_PAGE
    rows = some[:ROWS_A_PAGE]
    if backwards:
        rows.reverse()
    if not rows:
        return RowPage([])
    first, last = (write_cursor(_ROWS, row.number) for row in (rows[0], rows[-1]))
    has_before = has_more if backwards else place is not None
    has_after = True if backwards else has_more
    return RowPage(tell_rows(user, rows), first if has_before else "", last if has_after else "")


def all_rows(user: User, job: Job) -> Iterator[ToldRow]:
    """Every row of a job that is theirs to see in its order, a few at a time."""
    number = 0
    shown = JobRow.objects.shown_to(user).filter(job=job)
    while rows := list(shown.filter(number__gt=number).order_by("number")[:CHUNK]):
        yield from tell_rows(user, rows)
        number = rows[-1].number


def tell_rows(user: User, rows: Collection[JobRow]) -> list[ToldRow]:
    """The rows with the names of those families that this person may see. One query."""
    wanted = {row.family_id for row in rows if row.family_id}
    visible = Family.objects.visible_to(user).filter(pk__in=wanted)
    families = {
        pk: (name, public_id) for pk, name, public_id in visible.values_list("pk", "name", "public_id")
    }
    return [ToldRow(row, *families.get(row.family_id or 0, ("", ""))) for row in rows]


def list_in_need(user: User) -> list[Standing]:
    """Jobs that paused by themselves, those of one's own that somebody paused, and those with rows of which nobody knows
    what became; newest first. Two queries."""
    jobs = _begun(user)
    unknown = JobRow.objects.filter(state=RowState.UNKNOWN).values("job")
    paused = jobs.filter(state=JobState.PAUSED).exclude(~Q(made_by=user), pause_code="")
    found = list((paused | jobs.filter(pk__in=unknown)).order_by("-confirmed_at", "-pk"))
    counts = _counts(user, [job.pk for job in found]) if found else {}
    return [Standing(job, Counts(counts.get(job.pk, {}))) for job in found]


def _begun(user: User) -> QuerySet[Job]:
    return Job.objects.visible_to(user).exclude(state=JobState.DRAFT).select_related("made_by")


def _counts(user: User | None, jobs: Collection[int]) -> dict[int, dict[str, int]]:
    shown = JobRow.objects.shown_to(user) if user is not None else JobRow.objects.all()
    rows = shown.filter(job__in=jobs).order_by().values_list("job", "state")
    found: dict[int, dict[str, int]] = {}
    for job, state, count in rows.annotate(count=Count("pk")):
        found.setdefault(job, {})[state] = count
    return found
