"""What the views of jobs share: finding one, what its templates take, the way back after something was done."""

from typing import Any

from django.contrib import messages
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from families.models import Job, JobRow, JobState, RowState
from families.selectors import jobs as selectors
from families.selectors.jobs import Standing, ToldRow
from families.services.jobs.kinds import kind_of
from families.services.jobs.running import REPEATABLE
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.presses import PressInvalid, new_press, read_press

# How each state is drawn.
SHAPES = {
    RowState.LEFT_OUT: "off",
    RowState.WAITING: "off",
    RowState.CLAIMED: "stale",
    RowState.DONE: "ok",
    RowState.REFUSED: "bad",
    RowState.NOT_SENT: "off",
    RowState.UNKNOWN: "unknown",
    RowState.TOO_LATE: "warn",
}
JOB_SHAPES = {
    JobState.RUNNING: "stale",
    JobState.PAUSED: "warn",
    JobState.STOPPED: "off",
    JobState.DONE: "ok",
}


def find_job(request: SignedInRequest, job_id: str) -> Job:
    """A job that has begun, or a 404 unless it is this person's to see."""
    try:
        return selectors.get_job(request.user, job_id)
    except Job.DoesNotExist:
        raise Http404 from None


def find_row(request: SignedInRequest, job_id: str, row_id: str) -> JobRow:
    """A row of such a job, or a 404."""
    try:
        return selectors.get_row(request.user, job_id, row_id)
    except JobRow.DoesNotExist:
        raise Http404 from None


def address_of(job: Job, state: str = "") -> str:
    """The page of a job, with its rows in one state."""
    address = reverse("families:job_detail", args=[job.public_id])
    return f"{address}?state={state}#job-rows" if state else address


def job_shape(standing: Standing) -> str:
    """How a job's state is drawn: one that has begun to wait for somebody looks otherwise than one they paused, and one
    that ended with rows that were not done otherwise than one that did all."""
    job, counts = standing.job, standing.counts
    if job.pause_code:
        return "bad"
    if job.state == JobState.DONE and not counts.is_all_done:
        return "unknown" if counts.unknown else "warn"
    return JOB_SHAPES.get(JobState(job.state), "off")


def purpose_of(job: Job) -> str:
    """What the presses that steer a job are signed for: a press of a page that shows another state is too old."""
    return f"job:{job.public_id}:{job.state}"


def row_purpose(row: JobRow) -> str:
    """What a press about a row is signed for: it holds for this attempt alone."""
    return f"job-row:{row.public_id}:{row.attempt}"


def pressed(request: SignedInRequest, purpose: str) -> bool:
    """Whether the press that came is good for this; where not, the person is told on the next page."""
    try:
        read_press(request.POST.get("press", ""), request.user.id, purpose)
    except PressInvalid:
        say_moved_on(request)
        return False
    return True


def say_moved_on(request: SignedInRequest) -> None:
    """It is not any more as the page showed it."""
    messages.warning(
        request, _("It has moved on since this page was loaded. Nothing was done now: look how it stands.")
    )


def live_context(request: SignedInRequest, standing: Standing) -> dict[str, Any]:
    """What families/_job_live.html and families/_job_actions.html take."""
    job = standing.job
    return {
        "job": job,
        "counts": standing.counts,
        "chips": chips_of(standing),
        "shape": job_shape(standing),
        "may_steer": may_visit(request.user, "families:job_pause"),
        "is_open": job.state in {JobState.RUNNING, JobState.PAUSED},
        "press": new_press(request.user.id, purpose_of(job)),
        "poll_url": f"{reverse('families:job_progress', args=[job.public_id])}?version={standing.version}",
    }


def chips_of(standing: Standing) -> list[dict[str, Any]]:
    """The states in which there are rows, with their numbers, and how each is drawn."""
    return [
        {
            "state": state.value,
            "word": state.label,
            "count": standing.counts.of(state),
            "shape": SHAPES[state],
        }
        for state in RowState
        if standing.counts.of(state)
    ]


def row_context(request: SignedInRequest, told: ToldRow, job: Job) -> dict[str, Any]:
    """What a row of families/_job_rows.html takes."""
    row = told.row
    is_unknown = row.state == RowState.UNKNOWN
    may_steer = may_visit(request.user, "families:job_row_retry")
    may_repeat = may_steer and row.state in REPEATABLE and job.state != JobState.STOPPED
    kind = kind_of(job)
    return {
        "told": told,
        "row": row,
        "telling": kind.telling,
        "address": kind.address(row),
        "shape": SHAPES[RowState(row.state)],
        "is_unknown": is_unknown,
        "may_repeat": may_repeat,
        "press": new_press(request.user.id, row_purpose(row))
        if may_repeat or (may_steer and is_unknown)
        else "",
    }
