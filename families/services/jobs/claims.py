"""Who is at what: one worker at a job, one claim on a row, and what is found where a worker was killed.

Design decision: each claim is one conditional update, and no lock is held while anything is sent. What keeps a row
from being sent twice is not the claim but the press of its command: two workers that both believe to have the row
find the same command, and only one of them may send it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, UUIDField
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Job, JobRow, JobState, Reach, RowState
from families.services.jobs.kinds import RowOutcome, of_command
from portal.audit import trail
from portal.audit.models import Command

# What failed so often without anything being done waits for a person.
ATTEMPTS_BY_ITSELF = 50
# A command's own deadline lies so far behind before its row is looked at again.
AFTER_DEADLINE = timedelta(seconds=1)
# A row that was on its way when its job was stopped may come back to waiting for so long.
LATELY = timedelta(minutes=10)
_PIECE = 200


def begin_work(job: Job, worker: str) -> bool:
    """Be the one worker at this job; False where another is, or it does not run."""
    now = timezone.now()
    free = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
    free = free.filter(Q(worked_until=None) | Q(worked_until__lt=now) | Q(worked_by=worker))
    return free.update(worked_by=worker, worked_until=now + lease_of_a_job()) == 1


def go_on_working(job: Job, worker: str) -> None:
    """Still here."""
    Job.objects.filter(pk=job.pk, worked_by=worker).update(worked_until=timezone.now() + lease_of_a_job())


def lease_of_a_job() -> timedelta:
    """Who comes after a worker that was killed waits so long; a living one says several times within it that it is there."""
    return timedelta(seconds=settings.JOB_LEASE_SECONDS)


def end_work(job: Job, worker: str) -> None:
    """Leave the job to the next."""
    Job.objects.filter(pk=job.pk, worked_by=worker).update(worked_by="", worked_until=None)


def ready_rows(job: Job, blocked: Collection[UUID]) -> QuerySet[JobRow]:
    """The waiting rows that can be tried now: those whose family is acted in through none of ``blocked``."""
    reaches = Reach.objects.for_acting().filter(family=OuterRef("family"))
    waiting = JobRow.objects.filter(job=job, state=RowState.WAITING)
    waiting = waiting.annotate(acting=Subquery(reaches.values("connection")[:1], output_field=UUIDField()))
    is_reached = Q(acting__isnull=False)
    if blocked:
        is_reached &= ~Q(acting__in=list(blocked))
    # Without a family, or with one that is gone, it says at once that it cannot be done.
    return waiting.filter(is_reached | Q(family=None) | Q(family__gone_at__isnull=False))


def claim(job: Job, worker: str, count: int, blocked: Collection[UUID]) -> list[JobRow]:
    """Take the next rows of a job that runs, at most ``count``; another worker at the same moment gets others."""
    wanted = list(ready_rows(job, blocked).order_by("number").values_list("pk", flat=True)[:count])
    if not wanted:
        return []
    now = timezone.now()
    # Plain conditions on the row itself: they hold at the moment of the update, on PostgreSQL too.
    runs = Job.objects.filter(pk=job.pk, state=JobState.RUNNING).exclude(not_after__lte=now)
    free = JobRow.objects.filter(Exists(runs), pk__in=wanted, state=RowState.WAITING)
    if not free.update(state=RowState.CLAIMED, claimed_by=worker, claimed_until=now + _lease()):
        return []
    mine = JobRow.objects.filter(pk__in=wanted, state=RowState.CLAIMED, claimed_by=worker)
    return list(mine.select_related("family").order_by("number"))


def is_still_mine(row: JobRow, worker: str) -> bool:
    """Whether the row may be begun: still claimed by this worker, of a job that still runs."""
    mine = JobRow.objects.filter(pk=row.pk, state=RowState.CLAIMED, claimed_by=worker)
    return mine.filter(claimed_until__gt=timezone.now(), job__state=JobState.RUNNING).exists()


def finish(row: JobRow, outcome: RowOutcome, worker: str) -> bool:
    """Write what became of a row; False where it is somebody else's by now."""
    mine = JobRow.objects.filter(pk=row.pk, state=RowState.CLAIMED, claimed_by=worker, attempt=row.attempt)
    command = outcome.command
    if outcome.state == RowState.CLAIMED and command is not None:
        return mine.update(claimed_until=command.deadline_at + AFTER_DEADLINE, command=command) == 1
    changes: dict[str, Any] = {"state": outcome.state, "words": outcome.words}
    changes |= {"claimed_by": "", "claimed_until": None}
    if command is not None:
        changes["command"] = command
    if outcome.state != RowState.WAITING:
        return mine.update(**changes, ended_at=timezone.now()) == 1
    if command is not None:
        # Nothing was done under this press, and nothing can be any more: the next attempt has one of its own.
        if row.attempt >= ATTEMPTS_BY_ITSELF:
            return mine.update(**changes | {"state": RowState.NOT_SENT}, ended_at=timezone.now()) == 1
        changes["attempt"] = F("attempt") + 1
    return mine.update(**changes) == 1


def recover() -> int:
    """Settle the rows of workers that were killed; return how many there were. Sends nothing.

    A row whose command was never made waits again; of any other its command tells what became of it.
    """
    dead = JobRow.objects.filter(state=RowState.CLAIMED, claimed_until__lt=timezone.now())
    rows = list(dead.select_related("job").order_by("claimed_until")[:_PIECE])
    if not rows:
        return 0
    commands = _commands(rows)
    if any(each.is_open and each.deadline_at < timezone.now() for each in commands.values()):
        trail.settle_overdue()
        commands = _commands(rows)
    return sum(_recover(row, commands.get(row.press)) for row in rows)


def untried() -> RowOutcome:
    """What becomes of a row that was claimed and not begun: it waits as before."""
    return RowOutcome(RowState.WAITING)


def stopped() -> RowOutcome:
    """What becomes of a row whose job was stopped before its turn."""
    return RowOutcome(RowState.NOT_SENT, _("Stopped before its turn: nothing was sent."))


def too_late() -> RowOutcome:
    """What becomes of a row whose time passed before its turn."""
    return RowOutcome(RowState.TOO_LATE, _("Its time was over before its turn: nothing was sent."))


def end_over(now: datetime) -> int:
    """End the rows that wait in jobs whose time is over, paused ones too, or that were stopped; return how many."""
    open_states = [JobState.RUNNING, JobState.PAUSED]
    late = Job.objects.filter(state__in=open_states, not_after__lte=now)
    lately = Job.objects.filter(state=JobState.STOPPED, ended_at__gt=now - LATELY)
    return _end(late, too_late(), now) + _end(lately, stopped(), now)


def _end(jobs: QuerySet[Job], outcome: RowOutcome, now: datetime) -> int:
    ids = list(jobs.values_list("pk", flat=True))
    waiting = JobRow.objects.filter(job__in=ids, state=RowState.WAITING)
    return waiting.update(state=outcome.state, words=outcome.words, ended_at=now) if ids else 0


def _recover(row: JobRow, command: Command | None) -> bool:
    if command is not None:
        return finish(row, of_command(command), row.claimed_by)
    outcome = stopped() if row.job.state == JobState.STOPPED else RowOutcome(RowState.WAITING)
    with transaction.atomic():
        return finish(row, outcome, row.claimed_by)


def _commands(rows: Collection[JobRow]) -> dict[str, Command]:
    found = Command.objects.filter(press__in=[row.press for row in rows])
    return {command.press: command for command in found}


def _lease() -> timedelta:
    """Long enough for a row that waits for a thread while another takes its whole time, and then for its own."""
    return timedelta(seconds=3 * settings.UPSTREAM_DEADLINE_SECONDS) + trail.GRACE
