"""What came of a run."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from families.models import SyncState


@dataclass(frozen=True)
class Failure:
    """A state that could not be read or written, and why."""

    state: SyncState
    words: str


@dataclass(frozen=True)
class Reread:
    """That a state was read well: when it was asked for now and the time before, and by how far the clocks differ."""

    kind: str
    family_id: int | None
    asked_at: datetime
    earlier_good_at: datetime | None
    clock_ahead: timedelta
    is_changed: bool


@dataclass
class Report:
    """What came of a round. ``held`` are states that another run has; ``postponed`` were not tried, and why."""

    good: list[SyncState] = field(default_factory=list)
    changed: int = 0
    failures: list[Failure] = field(default_factory=list)
    not_understood: list[Failure] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    held: list[int] = field(default_factory=list)
    postponed: dict[int, datetime] = field(default_factory=dict)
    readings: list[Reread] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take in what another round brought."""
        self.good += other.good
        self.changed += other.changed
        self.failures += other.failures
        self.not_understood += other.not_understood
        self.counts += other.counts
        self.held += other.held
        self.postponed |= other.postponed
        self.readings += other.readings
