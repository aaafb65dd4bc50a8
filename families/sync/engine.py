"""Reads many states with a pool of threads and writes what is new: the same code in a worker and in the foreground.

The threads do HTTP, digests and decoding and never touch the database (the renewal of a token aside). The main
thread writes as answers come in, several families in one short transaction; an unchanged answer costs nothing but
its part of one update at the end. No transaction is held across a call.
"""

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from families.models import SyncState
from families.sync import states
from families.sync.gate import Gate
from families.sync.readings import Keeper, Reading, write_together
from families.sync.reports import Failure, Report, Reread
from families.sync.source import Source, Stopped
from portal.connections import health
from portal.connections.models import Connection, Health
from portal.upstream import errors

# One transaction takes at most so many families, and ends when it holds so many rows.
BATCH_FAMILIES = 25
BATCH_ROWS = 500
# What no connection reaches now, or whose sign-in is over, is not asked about at once again.
AFTER_OUTAGE = timedelta(seconds=30)
# What answers, but not as it should, is asked one thing of each chunk this often.
SHORTEST_DOUBT, LONGEST_DOUBT = timedelta(seconds=15), timedelta(seconds=60)

log = logging.getLogger(__name__)


def run(
    ids: Collection[int],
    keepers: Mapping[str, Keeper],
    connections: Mapping[UUID, Connection],
    *,
    is_forced: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Read the states that are free (and due, unless ``is_forced``) through these connections and write what is new.

    Cost: one upstream call for each state. Never raises for what the upstream does.
    """
    report = Report()
    holder, claimed = states.claim(ids, connections=connections.keys(), is_forced=is_forced)
    taken = {state.pk for state in claimed}
    report.held = [pk for pk in ids if pk not in taken] if is_forced else []
    by_connection: dict[UUID, list[SyncState]] = {}
    for state in claimed:
        reader = getattr(state, "reader", None)
        if reader is None:
            report.failures.append(Failure(state, "no connection that can be used now reaches this family"))
            on_progress(1)
        else:
            by_connection.setdefault(reader, []).append(state)
    unreached = [failure.state.pk for failure in report.failures]
    if unreached:
        states.release_untried(holder, unreached, due_at=timezone.now() + AFTER_OUTAGE)
    for pk, some in by_connection.items():
        report.add(Round(connections[pk], keepers, holder, on_progress).run(some))
    return report


@dataclass(frozen=True)
class _Arrived:
    """What a thread brings back: a new answer, the same answer (None), what went wrong, or that it did not ask."""

    state: SyncState
    reading: Reading | None
    error: Exception | None
    asked_at: datetime
    clock_ahead: timedelta = timedelta(0)
    is_untried: bool = False


class Round:
    """Reads some states through one connection."""

    def __init__(
        self,
        connection: Connection,
        keepers: Mapping[str, Keeper],
        holder: str,
        on_progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        self.connection = connection
        self.keepers = keepers
        self.holder = holder
        self.on_progress = on_progress
        self.report = Report()
        self.source = Source(connection)
        self.arrived: queue.SimpleQueue[_Arrived] = queue.SimpleQueue()
        self.gate = Gate()
        self.waiting: deque[SyncState] = deque()
        self.unchanged: list[_Arrived] = []
        self.has_failed = False
        # Why it answered without anything that could be used.
        self.unfit = ""
        self.is_doubted = connection.answers_badly
        self.stopped: Stopped | None = None
        self.open: dict[int, SyncState] = {}

    def run(self, claimed: Sequence[SyncState]) -> Report:
        """Read and write them all; every state is given back, also when this is interrupted."""
        self.open = {state.pk: state for state in claimed}
        try:
            self.waiting.extend(claimed)
            self._start()
            if not self.stopped:
                self._read_all()
            self._release_unchanged()
            self._release_rest()
        finally:
            self.source.close()
            # Only when something unforeseen went on: what was not tried stays due.
            states.release_untried(self.holder, list(self.open))
        if self.report.good and not self.has_failed:
            health.mark_good(self.connection)
        elif self.unfit and not self.report.good:
            health.note_unfit(self.connection, self.unfit)
        return self.report

    def _start(self) -> None:
        try:
            self.source.open(len(self.waiting))
        except Stopped as stopped:
            self.stopped = stopped

    def _read_all(self) -> None:
        threads = settings.SYNC_THREADS
        in_flight = 0
        renew_every = settings.SYNC_LEASE_SECONDS / 3
        renewed = time.monotonic()
        with ThreadPoolExecutor(threads, "sync") as pool:
            try:
                while in_flight or (self.waiting and not self.stopped):
                    # What has answered nothing good for a while is asked one thing first.
                    most = 1 if self.is_doubted else 4 * threads
                    while self.waiting and not self.stopped and in_flight < most:
                        pool.submit(self._read, self.waiting.popleft())
                        in_flight += 1
                    batch = self._take_arrived(renew_every)
                    in_flight -= len(batch)
                    self._handle(batch)
                    if time.monotonic() - renewed > renew_every:
                        renewed = time.monotonic()
                        self._release_unchanged()
                        states.renew(self.holder, list(self.open))
            except BaseException:
                self.gate.end()
                pool.shutdown(cancel_futures=True)
                raise

    def _read(self, state: SyncState) -> None:
        """In a thread. Decodes only what differs from what is known."""
        is_ours = self.gate.pass_through(settings.UPSTREAM_DEADLINE_SECONDS)
        asked_at = timezone.now()
        if not is_ours:
            self.arrived.put(_Arrived(state, None, None, asked_at, is_untried=True))
            return
        error: Exception | None = None
        reading = None
        ahead = timedelta(0)
        try:
            residence_id = state.family.residence_id if state.family else ""
            answer = self.keepers[state.kind].read(self.source.client, residence_id)
            found = Reading(
                state=state,
                connection=self.connection,
                answer=answer,
                asked_at=asked_at,
                answered_at=timezone.now(),
                fence=state.fence,
                earlier_good_at=state.last_good_at,
            )
            ahead = found.clock_ahead
            is_known = state.digest is not None and bytes(state.digest) == found.digest
            if not is_known or found.follows_a_lapse:
                _ = answer.result, answer.unread
                reading = found
        except Exception as problem:
            # Also what nobody foresaw: the main thread waits for each state, and tells of it.
            error = problem
            self.gate.shut()
        finally:
            self.source.leave_thread()
        self.arrived.put(_Arrived(state, reading, error, asked_at, ahead))

    def _take_arrived(self, longest_wait_seconds: float) -> list[_Arrived]:
        """What has arrived by now, at least one unless nothing comes for so long."""
        batch: list[_Arrived] = []
        try:
            batch.append(self.arrived.get(timeout=longest_wait_seconds))
            while len(batch) < 4 * BATCH_FAMILIES:
                batch.append(self.arrived.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _handle(self, batch: Sequence[_Arrived]) -> None:
        changed: dict[str, list[Reading]] = {}
        for one in batch:
            if one.is_untried:
                self.waiting.append(one.state)
                continue
            if one.error is not None:
                self._handle_error(one.state, one.error)
                self.gate.judged()
                continue
            self.is_doubted = False
            if self.has_failed and not self.gate.is_over:
                # Before the next failure is counted: between the two somebody was answered.
                self.has_failed = False
                health.mark_good(self.connection)
            if one.reading is not None:
                changed.setdefault(one.state.kind, []).append(one.reading)
            else:
                self.unchanged.append(one)
                self.on_progress(1)
        for kind, readings in changed.items():
            for some in _by_rows(readings):
                self._write(self.keepers[kind], some)

    def _write(self, keeper: Keeper, readings: Sequence[Reading]) -> None:
        """Write the answers together; where that does not work, one by one, so that one bad family spoils no other."""
        try:
            for reading in readings:
                keeper.prepare(reading)
            written = write_together(keeper, readings)
        except Exception as error:
            if len(readings) > 1:
                for reading in readings:
                    self._write(keeper, [reading])
                return
            log.exception("an answer could not be stored")
            self._fail(readings[0].state, f"could not be stored: {type(error).__name__}")
            return
        self.report.counts.update(written.counts)
        for reading in readings:
            self.on_progress(1)
            self.open.pop(reading.state.pk, None)
        for reading in written.readings:
            self.report.good.append(reading.state)
            self.report.changed += 1
            self._note(reading.state, reading.asked_at, reading.earlier_good_at, reading.clock_ahead, True)
            if reading.state.not_understood:
                self.report.not_understood.append(Failure(reading.state, reading.state.not_understood))

    def _handle_error(self, state: SyncState, error: Exception) -> None:
        match error:
            case errors.UpstreamBusy(status=None):
                # Our own budget: it may only be that the minute is over.
                self.waiting.append(state)
                if self.stopped:
                    return
                try:
                    self.source.refill(len(self.waiting))
                except Stopped as stopped:
                    self.stopped = stopped
            case errors.UpstreamBusy():
                health.hold(self.connection, error.retry_after_seconds)
                self.waiting.append(state)
                until = timezone.now() + timedelta(seconds=max(1.0, error.retry_after_seconds))
                self._stop(Stopped("the upstream asked for a pause", until=until, is_failure=False))
            case errors.SignInLost():
                # Whoever could not renew the token has noted it, where it was the token.
                self._fail(state, str(error))
                if Connection.objects.filter(pk=self.connection.pk, health=Health.SIGNED_OUT).exists():
                    self._stop(Stopped(str(error), until=timezone.now() + AFTER_OUTAGE))
            case errors.UpstreamUnavailable():
                self._fail(state, str(error))
                about = str(state.family_id or health.NOBODY)
                self.has_failed = True
                # As read, it was good: whatever is noted now is over with the next answer.
                self.connection.failures += 1
                if health.note_failure(self.connection, error, about=about):
                    # What was not tried stays due, for when it answers again.
                    self._stop(Stopped(str(error)))
            case errors.UpstreamError():
                # It answered, only not with what was asked for.
                self._fail(state, str(error))
                self.unfit = str(error)
                if self.is_doubted:
                    self._stop(Stopped(self.unfit, until=timezone.now() + self._pause()))
            case _:
                log.error("a state could not be read", exc_info=error)
                self._fail(state, f"could not be read: {type(error).__name__}")

    def _pause(self) -> timedelta:
        """How long nothing more is asked of what answers badly: longer the longer it does."""
        since = self.connection.last_good_at or self.connection.health_since
        return min(max((timezone.now() - since) / 4, SHORTEST_DOUBT), LONGEST_DOUBT)

    def _stop(self, stopped: Stopped) -> None:
        """Send nothing more through this connection, whatever waits for its turn."""
        self.stopped = self.stopped or stopped
        self.gate.end()
        self.source.stop()

    def _fail(self, state: SyncState, words: str) -> None:
        states.release_failed(self.holder, state, words)
        self.report.failures.append(Failure(state, words))
        self.on_progress(1)
        self.open.pop(state.pk, None)

    def _release_unchanged(self) -> None:
        if not self.unchanged:
            return
        oldest = min(one.asked_at for one in self.unchanged)
        states.release_unchanged(self.holder, [one.state for one in self.unchanged], asked_at=oldest)
        for one in self.unchanged:
            self.report.good.append(one.state)
            self._note(one.state, one.asked_at, one.state.last_good_at, one.clock_ahead, False)
            if one.state.not_understood:
                self.report.not_understood.append(Failure(one.state, one.state.not_understood))
            self.open.pop(one.state.pk, None)
        self.unchanged = []

    def _release_rest(self) -> None:
        """What was not tried because everything had to stop: due again when that is over."""
        if not self.waiting or self.stopped is None:
            return
        rest = list(self.waiting)
        states.release_untried(self.holder, [state.pk for state in rest], due_at=self.stopped.until)
        for state in rest:
            if self.stopped.is_failure:
                self.report.failures.append(Failure(state, self.stopped.words))
                self.on_progress(1)
            else:
                self.report.postponed[state.pk] = self.stopped.until or timezone.now()
            self.open.pop(state.pk, None)

    def _note(
        self,
        state: SyncState,
        asked_at: datetime,
        earlier: datetime | None,
        ahead: timedelta,
        is_changed: bool,
    ) -> None:
        self.report.readings.append(Reread(state.kind, state.family_id, asked_at, earlier, ahead, is_changed))


def _by_rows(readings: Sequence[Reading]) -> list[list[Reading]]:
    """The readings in groups, each for one transaction."""
    groups: list[list[Reading]] = []
    rows = 0
    for reading in readings:
        if not groups or len(groups[-1]) >= BATCH_FAMILIES or rows + reading.rows > BATCH_ROWS:
            groups.append([])
            rows = 0
        groups[-1].append(reading)
        rows += reading.rows
    return groups
