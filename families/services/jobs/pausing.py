"""What a job does by itself: waits, pauses and says why, goes on when it is well again, ends."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.models import Job, JobRow, JobState, RowState
from families.services.jobs import kinds
from families.services.jobs.lines import Block, blocked, look_at_resting, why_not
from portal.audit import trail
from portal.audit.trail import About, By

# Why a job paused itself. The first is over by itself; for the others somebody has to say that it may go on.
CONNECTION, MAKER, DOUBT = "connection", "maker", "doubt"


def wait_or_pause(job: Job, block: Block) -> None:
    """Wait where it is short, and say so on the page; else pause until it is over."""
    if not block.is_short:
        pause_itself(job, CONNECTION, block.words)
    elif job.pause_reason != block.words:
        running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
        running.update(pause_reason=block.words)
        job.pause_reason = block.words


def goes_on(job: Job) -> None:
    """What it waited for is over. Costs nothing while it waits for nothing."""
    if job.pause_reason:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(pause_reason="")
        job.pause_reason = ""


def pause_for_maker(job: Job) -> bool:
    """Pause it: whoever made it may not act any more. True: also where somebody paused it before."""
    words = _(
        "%(who)s, who began it, may not do this any more. Nothing more is sent. Stop it, or let it go on once they may."
    )
    pause_itself(job, MAKER, words % {"who": job.made_by})
    return True


def pause_for_doubt(job: Job, count: int) -> bool:
    """Pause it: one row after the other got no answer that could be used."""
    words = ngettext(
        "%d row got no answer. Look at it before you let it go on.",
        "%d rows, one after the other, got no answer. Look at them before you let it go on.",
        count,
    )
    pause_itself(job, DOUBT, words % count)
    return True


def pause_itself(job: Job, code: str, words: str) -> None:
    """Pause a job that runs, and say why; one that somebody has paused or stopped meanwhile stays as it is."""
    with transaction.atomic():
        running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
        if running.update(
            state=JobState.PAUSED, pause_code=code, pause_reason=words, paused_at=timezone.now()
        ):
            note(job, "pause", By.system(), words=words)


def go_on_where_well() -> int:
    """Let those jobs go on that paused themselves for a connection that is well again; return how many."""
    paused = Job.objects.filter(state=JobState.PAUSED, pause_code=CONNECTION)
    jobs = list(paused.select_related("made_by"))
    if not jobs:
        return 0
    blocks = blocked()
    look_at_resting(blocks)
    blocks = blocked()
    return sum(_go_on(job) for job in jobs if why_not(job, blocks) is None)


def _go_on(job: Job) -> bool:
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk, state=JobState.PAUSED, pause_code=CONNECTION)
        if not mine.update(state=JobState.RUNNING, pause_code="", pause_reason="", paused_at=None):
            return False
        note(job, "continue", By.system())
    return True


def end_if_done(job: Job) -> bool:
    """Close a job of which no row waits or is on its way."""
    if JobRow.objects.filter(job=job, state__in=[RowState.WAITING, RowState.CLAIMED]).exists():
        return False
    open_ones = Q(state=JobState.RUNNING) | Q(state=JobState.PAUSED)
    changes = {"state": JobState.DONE, "pause_code": "", "pause_reason": "", "ended_at": timezone.now()}
    return Job.objects.filter(open_ones, pk=job.pk).update(**changes) == 1


def end_those_done() -> int:
    """The same for all; return how many."""
    found = Job.objects.filter(state__in=[JobState.RUNNING, JobState.PAUSED])
    return sum(end_if_done(job) for job in found)


def note(
    job: Job, step: str, by: By, *, words: str = "", row: JobRow | None = None, **parameters: object
) -> None:
    """Put a step of a job on the trail, in the caller's transaction."""
    event = f"{kinds.kind_of(job).event}.{step}"
    about = About(None, "", "job", job.public_id, job.title)
    if row is not None:
        parameters |= {"row": row.number, "attempt": row.attempt}
    trail.record(event, by, about, words=words, parameters=parameters)
