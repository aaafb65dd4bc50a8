"""Works on jobs with a few threads: in a worker of the queue, and on the command line.

The main thread claims rows and says what becomes of the job; the threads do one row each, from the first question to
the last word, with a database connection of their own. Killed anywhere, the next worker goes on (see claims).
"""

import queue
import threading
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import connections as databases

from families.models import Job, JobRow, JobState, RowState
from families.services.jobs import claims, lines, pausing, settling
from families.services.jobs.attempts import Attempt, attempt

# Several jobs take turns of this length.
TURN_SECONDS = 5.0
# How long what is known of the connections is taken for true.
KNOWN_SECONDS = 0.5
# While nothing comes back, it looks up this often to say that it is still there.
LOOK_UP_SECONDS = 0.3
# So many rows without an answer, one after the other: something is wrong that pausing does not make worse.
UNKNOWN_IN_A_ROW = 5

Tell = Callable[[Attempt], None]


def work(seconds: float, *, on_row: Tell = lambda attempt: None) -> int:
    """Do what can be done of all jobs for about so long; return how many rows are through.

    Begins nothing after ``seconds``, and ends with what it began: that takes up to UPSTREAM_DEADLINE_SECONDS more.
    Does nothing for a job that another worker is at. Cost: what the rows' commands cost.
    """
    ends = time.monotonic() + seconds
    worker = uuid.uuid4().hex
    settling.tidy()
    ended = 0
    idle: set[int] = set()
    while time.monotonic() < ends:
        running = Job.objects.filter(state=JobState.RUNNING).exclude(pk__in=idle)
        jobs = list(running.select_related("made_by").order_by("confirmed_at", "pk"))
        if not jobs:
            break
        for job in jobs:
            if not claims.begin_work(job, worker):
                idle.add(job.pk)
                continue
            turn = Turn(job, worker, min(ends, time.monotonic() + TURN_SECONDS), on_row)
            try:
                done = turn.run()
            finally:
                claims.end_work(job, worker)
            ended += done
            if not done or turn.is_over:
                idle.add(job.pk)
    return ended


class Turn:
    """One worker at one job, for a while."""

    def __init__(self, job: Job, worker: str, ends: float, on_row: Tell = lambda attempt: None) -> None:
        self.job = job
        self.worker = worker
        self.ends = ends
        self.on_row = on_row
        self.threads = max(1, min(settings.JOB_THREADS, settings.UPSTREAM_ACTIONS_AT_ONCE))
        self.inbox: queue.SimpleQueue[JobRow | None] = queue.SimpleQueue()
        self.arrived: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self.claimed = 0
        self.ended = 0
        self.unknown_in_a_row = 0
        self.is_over = self.is_paused = False
        # What has just met trouble is asked one thing first.
        self.is_doubted = bool(job.pause_reason)
        self._blocks: dict[uuid.UUID, lines.Block] = {}
        self._blocks_known = 0.0
        self._kept = time.monotonic()

    def run(self) -> int:
        """Do rows until the turn is over or none can be done; return how many are through."""
        helpers = [threading.Thread(target=self._help, daemon=True) for _each in range(self.threads)]
        for helper in helpers:
            helper.start()
        try:
            self._go_through()
        finally:
            for _each in helpers:
                self.inbox.put(None)
            for helper in helpers:
                helper.join()
        pausing.end_if_done(self.job)
        return self.ended

    def _go_through(self) -> None:
        while True:
            self._claim_more()
            if not self.claimed:
                break
            for one in self._take_arrived():
                self._note(one)
            if time.monotonic() - self._kept > claims.lease_of_a_job().total_seconds() / 3:
                self._kept = time.monotonic()
                claims.go_on_working(self.job, self.worker)
        self.is_over = self.is_over or time.monotonic() < self.ends
        if not self.is_paused:
            block = lines.why_not(self.job, self._known_blocks(is_fresh=True))
            if block is not None:
                pausing.wait_or_pause(self.job, block)

    def _claim_more(self) -> None:
        """As many rows as keep every thread busy, and as many again that wait for one."""
        most = 1 if self.is_doubted else 2 * self.threads
        if self.is_over or time.monotonic() >= self.ends or self.claimed > most // 2:
            return
        rows = claims.claim(self.job, self.worker, most - self.claimed, self._known_blocks())
        for row in rows:
            self.inbox.put(row)
        self.claimed += len(rows)

    def _known_blocks(self, *, is_fresh: bool = False) -> dict[uuid.UUID, lines.Block]:
        if is_fresh or time.monotonic() - self._blocks_known > KNOWN_SECONDS:
            self._blocks, self._blocks_known = lines.blocked(), time.monotonic()
        return self._blocks

    def _help(self) -> None:
        """In a thread."""
        try:
            while (row := self.inbox.get()) is not None:
                done = attempt(self.job, row, self.worker)
                self.arrived.put(done)
        finally:
            databases.close_all()

    def _take_arrived(self) -> list[Attempt]:
        """What has arrived by now, at least one unless nothing comes for a while."""
        batch: list[Attempt] = []
        try:
            batch.append(self.arrived.get(timeout=LOOK_UP_SECONDS))
            while True:
                batch.append(self.arrived.get_nowait())
        except queue.Empty:
            return batch

    def _note(self, one: Attempt) -> None:
        self.claimed -= 1
        outcome = one.outcome
        if outcome is not None:
            claims.finish(one.row, outcome, self.worker)
            self.ended += outcome.state not in {RowState.WAITING, RowState.CLAIMED}
            self._judge(one, outcome.state)
        if one.stops:
            self._stop(one.stops)
        self.on_row(one)

    def _judge(self, one: Attempt, state: RowState) -> None:
        """What the outcome of a row means for those after it."""
        if one.is_maker_gone:
            self._stop()
            self.is_paused = pausing.pause_for_maker(self.job)
        elif state == RowState.WAITING and one.outcome and one.outcome.words:
            # Whatever kept it from being done keeps the others too: the next turn begins with one row.
            self._stop(one.outcome.words)
        elif state == RowState.UNKNOWN:
            self.unknown_in_a_row += 1
            self._blocks_known = 0.0
            if self.unknown_in_a_row >= UNKNOWN_IN_A_ROW and not self._known_blocks():
                self._stop()
                self.is_paused = pausing.pause_for_doubt(self.job, self.unknown_in_a_row)
        elif state in {RowState.DONE, RowState.REFUSED}:
            self.is_doubted, self.unknown_in_a_row = False, 0
            pausing.goes_on(self.job)

    def _stop(self, why: str = "") -> None:
        """Begin nothing more in this turn, and give back what no thread has begun."""
        self.is_over = True
        if why:
            pausing.wait_or_pause(self.job, lines.Block(why, is_short=True))
        while True:
            try:
                row = self.inbox.get_nowait()
            except queue.Empty:
                return
            if row is not None:
                self.claimed -= 1
                claims.finish(row, claims.untried(), self.worker)
