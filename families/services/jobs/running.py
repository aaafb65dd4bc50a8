"""What people do with a job: let it begin, pause, go on, stop; and with a row whose outcome nobody knows."""

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Job, JobRow, JobState, RowState
from families.services.jobs import claims, kinds, settling, waking
from families.services.jobs.kinds import RowOutcome
from families.services.jobs.pausing import note
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Command, State
from portal.audit.trail import By, Result

# What a person sends once more after the job's time gets at least so much time again.
TIME_FOR_ONE_MORE = timedelta(minutes=15)
# What may be sent once more: nothing of it is known to have been done.
REPEATABLE = frozenset({RowState.UNKNOWN, RowState.REFUSED, RowState.NOT_SENT, RowState.TOO_LATE})


class JobMovedOn(Exception):
    """The job, or its row, is not any more as it was when the page was shown: nothing was done."""


def confirm(by_user: User, job: Job, not_after: datetime) -> None:
    """Let a draft begin: its waiting rows are sent from now on, none of them after ``not_after``.

    Whoever made it says so, and nobody else: it is done as them. Raises PermissionDenied, and JobMovedOn for one that
    is no draft any more. Sends nothing itself.
    """
    if by_user.pk != job.made_by_id or not (by_user.may_act and by_user.is_manager):
        raise PermissionDenied
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        _change(job, JobState.DRAFT, state=JobState.RUNNING, confirmed_at=timezone.now(), not_after=not_after)
        rows = job.rows.filter(state=RowState.WAITING).count()
        note(job, "confirm", By.person(by_user), rows=rows, not_after=not_after.isoformat(), **job.options)
    waking.wake()


def pause(actor: User | By, job: Job) -> None:
    """Begin no further row until somebody says so; what is on its way is finished."""
    by = _steering(actor, job)
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        changes = {"pause_code": "", "pause_reason": "", "paused_at": timezone.now()}
        _change(job, JobState.RUNNING, JobState.PAUSED, state=JobState.PAUSED, **changes)
        note(job, "pause", by)


def go_on(actor: User | By, job: Job) -> None:
    """Begin rows again."""
    by = _steering(actor, job)
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        changes = {"pause_code": "", "pause_reason": "", "paused_at": None}
        _change(job, JobState.PAUSED, state=JobState.RUNNING, **changes)
        note(job, "continue", by)
    waking.wake()


def stop(actor: User | By, job: Job) -> None:
    """End it: what is on its way is finished, nothing else is sent any more."""
    by = _steering(actor, job)
    now = timezone.now()
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        changes = {"pause_code": "", "pause_reason": "", "ended_at": now}
        _change(job, JobState.RUNNING, JobState.PAUSED, state=JobState.STOPPED, **changes)
        end = claims.stopped()
        waiting = job.rows.filter(state=RowState.WAITING)
        count = waiting.update(state=end.state, words=end.words, ended_at=now)
        note(job, "stop", by, not_sent=count)


def retry_row(actor: User | By, row: JobRow) -> None:
    """Send a row once more, as a person decided who knows that it may have been done already.

    The row waits for its turn like any other; a job that was done goes on for it. Raises PermissionDenied, and
    JobMovedOn where the row is not one that may be sent once more.
    """
    job = row.job
    by = _steering(actor, job)
    if row.state not in REPEATABLE or job.state in {JobState.DRAFT, JobState.STOPPED}:
        raise JobMovedOn
    now = timezone.now()
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        command = Command.objects.filter(press=row.press).first()
        if command is not None and command.is_open:
            raise JobMovedOn
        # A press that was never used is used now: one that somebody may still hold must not be a second one.
        attempt = row.attempt + (command is not None)
        mine = JobRow.objects.filter(pk=row.pk, state=row.state, attempt=row.attempt)
        if not mine.update(state=RowState.WAITING, attempt=attempt, words="", ended_at=None):
            raise JobMovedOn
        if command is not None and command.state == State.UNKNOWN:
            trail.conclude(command, by, Result(State.CLOSED_BY_USER, "sent_again", _("Sent once more.")))
        time_left = max(job.not_after or now, now + TIME_FOR_ONE_MORE)
        Job.objects.filter(pk=job.pk).update(not_after=time_left)
        done = Job.objects.filter(pk=job.pk, state=JobState.DONE)
        done.update(state=JobState.RUNNING, ended_at=None)
        note(job, "retry", by, row=row)
    waking.wake()


def close_row(actor: User | By, row: JobRow) -> None:
    """Take it from a person who looked: what the row asked for was done. JobMovedOn also for a kind that asks otherwise."""
    by = _steering(actor, row.job)
    if not kinds.kind_of(row.job).telling.by_hand:
        raise JobMovedOn
    words = _("%(who)s looked: it was done.") % {"who": by.name}
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        if not settling.settle(row, RowOutcome(RowState.DONE, words), by):
            raise JobMovedOn
        note(row.job, "settle", by, row=row)


def look_at_row(actor: User | By, row: JobRow) -> bool:
    """Read what tells of the row, and look what became of a row without an answer; False where nothing tells.

    Where that cannot be read now, it is what was read before. Cost: 1 upstream call, which one is said by its kind.
    """
    by = _steering(actor, row.job)
    kind = kinds.kind_of(row.job)
    if row.family is not None and kind.read is not None:
        kind.read(row.family)
    outcome = kind.look(row.job, row) if kind.look else None
    if outcome is None or settling.settle(row, outcome, by):
        return outcome is not None
    # Somebody, or the reading itself, settled it meanwhile.
    return not JobRow.objects.filter(pk=row.pk, state=RowState.UNKNOWN, attempt=row.attempt).exists()


def _steering(actor: User | By, job: Job) -> By:
    if isinstance(actor, By):
        return actor
    if not (actor.may_act and actor.is_manager and Job.objects.visible_to(actor).filter(pk=job.pk).exists()):
        raise PermissionDenied
    return By.person(actor)


def _change(job: Job, *states: JobState, **changes: object) -> None:
    """From one of these states, else JobMovedOn; ``job`` is as it is now."""
    if not Job.objects.filter(pk=job.pk, state__in=states).update(**changes):
        raise JobMovedOn
    for name, value in changes.items():
        setattr(job, name, value)
