"""manage.py jobs: bulk work on the command line: how it stands, pausing, going on, stopping, and doing it here."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from families.models import Job, JobState
from families.selectors.jobs import Standing, standing_of
from families.services import jobs
from families.services.jobs import running
from families.services.jobs.attempts import Attempt
from families.services.jobs.running import JobMovedOn
from portal.audit.trail import By
from portal.console import ConsoleCommand, Stop

OPEN = (JobState.RUNNING, JobState.PAUSED)
# One look at what can be done lasts so long; between two of them, where nothing can, it waits.
STRETCH_SECONDS = 10.0
PAUSE_SECONDS = 1.0
DRAW_EVERY_SECONDS = 0.5


class Command(ConsoleCommand):
    help = (
        "Lists bulk work that has begun. With --work it sends what waits, here and now, until nothing is left or "
        "can go on: that needs no Redis and no worker, and does no harm beside them. Exit code 1 when something "
        "waits for a person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that are over")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--work", action="store_true", help="send what waits, in the foreground")
        action.add_argument("--pause", metavar="ID", help="begin no more of its rows")
        action.add_argument("--continue", dest="go_on", metavar="ID", help="begin them again")
        action.add_argument("--stop", metavar="ID", help="end it: what waits is not sent")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, act in (("pause", running.pause), ("go_on", running.go_on), ("stop", running.stop)):
            if options[name]:
                job = _find(options[name])
                try:
                    act(By.operator(), job)
                except JobMovedOn:
                    raise Stop(f"Nothing was done: the job is {job.get_state_display().lower()}.") from None
                self._tell([standing_of(job, None)])
                return
        worked = self._work() if options["work"] else []
        found = (
            Job.objects.exclude(state=JobState.DRAFT).select_related("made_by").order_by("confirmed_at", "pk")
        )
        if not options["all"]:
            found = found.filter(state__in=OPEN) | found.filter(pk__in=worked)
        standings = [standing_of(job, None) for job in found]
        self._tell(standings)
        in_need = [each.job.public_id for each in standings if each.job.pause_code or each.counts.unknown]
        if in_need:
            raise Stop(f"Waits for a person: {', '.join(in_need)}")

    def _work(self) -> list[int]:
        """Do what can be done; return the jobs that were under way."""
        mine = list(Job.objects.filter(state__in=OPEN).values_list("pk", flat=True))
        line = _Line(mine) if sys.stderr.isatty() and not self.is_quiet else None
        while True:
            jobs.work(STRETCH_SECONDS, on_row=line.draw if line else lambda attempt: None)
            if not Job.objects.filter(state=JobState.RUNNING).exists():
                break
            time.sleep(PAUSE_SECONDS)
        if line:
            line.clear()
        return mine

    def _tell(self, standings: list[Standing]) -> None:
        for each in standings:
            job, counts = each.job, each.counts
            reason = f" ({job.pause_reason})" if job.pause_reason else ""
            self.say(
                f"{job.public_id}  {job.title}: {job.get_state_display().lower()}{reason}, "
                f"{counts.over} of {counts.total} through, {counts.unknown} unknown, by {job.made_by}"
            )
        if not standings:
            self.say("No bulk work is under way.")
        self.answer({"jobs": [_as_json(each) for each in standings]})


def _find(public_id: str) -> Job:
    job = Job.objects.exclude(state=JobState.DRAFT).filter(public_id=public_id).first()
    if job is None:
        raise Stop(f"There is no job {public_id!r}.")
    return job


def _as_json(standing: Standing) -> dict[str, Any]:
    job = standing.job
    return {
        "id": job.public_id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "reason": job.pause_reason,
        "by": job.made_by.email,
        "not_after": job.not_after.isoformat() if job.not_after else None,
        "rows": dict(standing.counts.by_state),
    }


class _Line:
    """How far the jobs are: one line on standard error, drawn over itself."""

    def __init__(self, jobs_under_way: list[int]) -> None:
        self.jobs = jobs_under_way
        self._drawn_at = 0.0

    def draw(self, attempt: Attempt) -> None:
        now = time.monotonic()
        if now - self._drawn_at < DRAW_EVERY_SECONDS:
            return
        self._drawn_at = now
        found = [standing_of(job, None).counts for job in Job.objects.filter(pk__in=self.jobs)]
        over, total = sum(each.over for each in found), sum(each.total for each in found)
        sys.stderr.write(f"\r\x1b[K{over}/{total} rows")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
