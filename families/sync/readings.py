"""An answer on its way into the tables, and who writes it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction

from families.models import Kind, SyncState
from families.sync import states
from portal import fingerprints
from portal.connections.models import Connection
from portal.upstream.client import Answer, Client

# A clock that is further off says nothing about ours.
CLOCK_LIMIT = timedelta(days=1)
# An answer brings one new row, or fewer, for so many that are known, unless much happened between two readings.
KNOWN_FOR_EACH_NEW = 20
# Devices that were not asked after for so many rounds may have been anything meanwhile.
LAPSE_ROUNDS = 10


def longest_silence() -> timedelta:
    """How long after a good answer the next may come before nobody can say what devices were between the two."""
    return timedelta(seconds=LAPSE_ROUNDS * settings.SYNC_SECONDS[Kind.DEVICES])


@dataclass
class Reading:
    """One answer. ``state`` is the row as it is locked while its rows are written; ``earlier_good_at`` is when
    it was last read well before this."""

    state: SyncState
    connection: Connection
    answer: Answer[Any]
    asked_at: datetime
    answered_at: datetime
    fence: int
    earlier_good_at: datetime | None
    # Whether it brought news: what is busy is read more often.
    is_busy: bool = True

    @property
    def family_id(self) -> int:
        """The family it is about; raises LookupError for the list of families."""
        if self.state.family_id is None:
            raise LookupError("this answer is not about one family")
        return self.state.family_id

    @cached_property
    def digest(self) -> bytes:
        """By which the same answer through the same connection is known again.

        Keyed: the lists of passes and devices hold codes and passwords short enough to be found by trying. And of
        one connection, for another's account may answer the same of other passes.
        """
        return self.answer.keyed_digest(fingerprints.digest_key(), self.connection.pk.bytes)

    @property
    def clock_ahead(self) -> timedelta:
        """How far the upstream's clock is ahead of ours, by this answer."""
        if self.answer.timestamp_ms is None:
            return timedelta(0)
        ahead = timedelta(seconds=self.answer.timestamp_ms / 1000 - self.answered_at.timestamp())
        return ahead if abs(ahead) < CLOCK_LIMIT else timedelta(0)

    @property
    def follows_a_lapse(self) -> bool:
        """Whether devices were not asked after for so long before it that this itself has to be written down."""
        if self.earlier_good_at is None or self.state.kind != Kind.DEVICES:
            return False
        return self.answered_at - self.earlier_good_at > longest_silence()

    @property
    def rows(self) -> int:
        """How much there is to write, roughly: of what was read before, little is new."""
        result = self.answer.result
        rows = len(result) if isinstance(result, list) else 1
        return rows if self.earlier_good_at is None else max(1, rows // KNOWN_FOR_EACH_NEW)

    def set_aside(self, what: Sequence[str]) -> None:
        """Say what was not understood, beside what the client could not read."""
        self.state.not_understood = "\n".join([*self.answer.unread, *what])[:4000]

    def look_again(self) -> None:
        """Take the next answer for a changed one even if it is equal: something waits for a second opinion."""
        self.state.digest = None


class Keeper(Protocol):
    """Keeps one kind of thing in step. ``state_fields`` are those of SyncState that it changes by itself."""

    state_fields: Sequence[str]

    def read(self, client: Client, residence_id: str) -> Answer[Any]:
        """Ask the upstream, in a thread; one call."""
        ...

    def prepare(self, reading: Reading) -> None:
        """What can be written beforehand, in transactions of its own."""
        ...

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write what the answers add, in the caller's transaction, their states locked; return what was counted.

        Applied again it changes nothing.
        """
        ...


@dataclass(frozen=True)
class Written:
    """The answers that were written, the stale ones left out, and what was counted."""

    readings: Sequence[Reading]
    counts: Mapping[str, int]


def write_together(keeper: Keeper, readings: Sequence[Reading]) -> Written:
    """Write several answers of one kind in one transaction. One whose fence is stale is passed over: nothing of it is
    written, for somebody else has the state now."""
    with transaction.atomic():
        rows = SyncState.objects.select_for_update().filter(pk__in=[one.state.pk for one in readings])
        locked = {state.pk: state for state in rows.order_by("pk")}
        current = []
        for reading in readings:
            state = locked.get(reading.state.pk)
            if state is None or state.fence != reading.fence:
                continue
            state.family = reading.state.family
            reading.state = state
            state.digest = reading.digest
            reading.set_aside(())
            current.append(reading)
        counts = keeper.write(current) if current else {}
        for reading in current:
            reading.state.interval_seconds = states.period_after(reading.state, is_busy=reading.is_busy)
        if current:
            states.release_written(
                [reading.state for reading in current],
                asked_at=min(reading.asked_at for reading in current),
                fields=keeper.state_fields,
            )
    return Written(current, counts)
