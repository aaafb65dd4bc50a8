"""A model of the upstream's history and of the tables it is written to, both in memory, with the truth beside them.

``python -m tests.access.history_model 3000`` lives through so many random streams and prints what became of them.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from random import Random

from access.history import (
    Findings,
    GapFound,
    OpeningRow,
    Window,
    canonical,
    find_new,
    raw_text,
    without_query,
)

BEGINNING = datetime.fromisoformat("2024-03-01 09:00:00")


def text_of(second: int) -> str:
    return raw_text(BEGINNING + timedelta(seconds=second))


@dataclass
class Event:
    """What really happened: at that second, told to the upstream later, with a picture later still."""

    at: int
    arrives: int
    account: int
    device: int
    kind: str
    is_success: bool
    picture: str
    pictured: int
    unpictured: int | None = None
    raw: str | None = None  # where the device wrote something that is no time

    @property
    def time(self) -> str:
        return text_of(self.at) if self.raw is None else self.raw


@dataclass
class Upstream:
    """Keeps the newest ``size`` rows by their time; of one second it keeps any, another time others."""

    rng: Random
    size: int
    turns_queries: bool = True
    events: list[Event] = field(default_factory=list)
    accounts: list[list[str]] = field(default_factory=lambda: [[f"person {n}"] for n in range(4)])
    devices: list[list[str]] = field(default_factory=lambda: [[f"door {n}"] for n in range(3)])
    calls: int = 0

    def answer(self, now: int) -> list[OpeningRow]:
        self.calls += 1
        here = [event for event in self.events if event.arrives <= now]
        here.sort(key=lambda event: (-event.at, self.rng.random()))
        rows = [self._tell(event, now) for event in here[: self.size]]
        self.rng.shuffle(rows)
        return rows

    def _tell(self, event: Event, now: int) -> OpeningRow:
        is_pictured = event.pictured <= now and not (event.unpictured and event.unpictured <= now)
        query = f"?signature={self.calls}" if self.turns_queries else ""
        return OpeningRow(
            time=event.time,
            account=self.accounts[event.account][-1],
            device=self.devices[event.device][-1],
            kind=event.kind,
            is_success=event.is_success,
            picture=f"{event.picture}{query}" if event.picture and is_pictured else "",
            thumbnail=f"{event.picture}-small{query}" if event.picture and is_pictured else "",
        )

    def could_have_told(self, event: Event, row: OpeningRow) -> bool:
        return (
            row.account in self.accounts[event.account]
            and row.device in self.devices[event.device]
            and (row.kind, row.is_success) == (event.kind, event.is_success)
            and without_query(row.picture) in ("", event.picture)
        )


@dataclass
class Stored:
    number: int
    row: OpeningRow
    revisions: list[OpeningRow] = field(default_factory=list)


@dataclass
class Tables:
    """What the writer keeps, with its constraints: a number once in a second, a gap once."""

    lateness: timedelta
    window_rows: int | None = None
    rows: dict[int, Stored] = field(default_factory=dict)
    ids: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    gaps: set[GapFound] = field(default_factory=set)
    window: Window = field(default_factory=Window)

    def apply(
        self,
        answer: Sequence[OpeningRow],
        asked: str = "",
        *,
        unread: int = 0,
        killed_after: int | None = None,
    ) -> Findings[OpeningRow]:
        """Find and write what an answer adds; killed after so many rows, it has not come to the rest."""
        stored = {
            time: [(row_id, self.rows[row_id].row) for row_id in self.ids[time]]
            for time in {row.time for row in answer}
            if time in self.ids
        }
        found = find_new(
            stored,
            answer,
            self.window,
            lateness=self.lateness,
            asked=asked,
            unread=unread,
            window_rows=self.window_rows,
        )
        touched = [row_id for row_id, _ in found.changed + found.readdressed]
        assert len(touched) == len(set(touched))
        if killed_after is not None:
            del found.new[killed_after:]
            found.changed.clear()
            found.readdressed.clear()
        for row, number in found.new:
            assert number not in {self.rows[row_id].number for row_id in self.ids[row.time]}
            row_id = len(self.rows) + 1
            self.rows[row_id] = Stored(number, row)
            self.ids[row.time].append(row_id)
        for row_id, row in found.changed:
            assert row.time == self.rows[row_id].row.time
            self.rows[row_id].revisions.append(self.rows[row_id].row)
            self.rows[row_id].row = row
        for row_id, row in found.readdressed:
            self.rows[row_id].row = row
        if killed_after is not None:
            return found
        self.gaps |= set(found.gaps)
        self.window = found.window
        return found

    def contents(self) -> list[tuple[str, int, OpeningRow]]:
        """The rows without their ids and without what means nothing, in one order."""
        return sorted((kept.row.time, kept.number, kept.row.comparable()) for kept in self.rows.values())

    def told(self) -> list[OpeningRow]:
        """The rows as a multiset: how doubles are numbered among themselves means nothing."""
        return sorted((kept.row.comparable() for kept in self.rows.values()), key=canonical)

    def is_unsure(self, time: str) -> bool:
        return time <= self.window.begins_after or any(gap.after <= time <= gap.before for gap in self.gaps)


@dataclass
class Verdict:
    true_rows: int = 0
    stored: int = 0
    lost_in_silence: int = 0
    lost_in_gaps: int = 0
    doubled: int = 0
    mistold: int = 0
    gaps: int = 0
    false_gaps: int = 0
    revisions: int = 0
    exact_doubles: int = 0
    renames: int = 0
    answers: int = 0


@dataclass
class World:
    """An upstream that is polled, by workers that come late, twice, or with an old answer."""

    rng: Random
    size: int
    lateness: int
    turns_queries: bool = True
    knows_size: bool = False
    now: int = 0
    renames: int = 0
    is_stale: bool = False
    held: list[tuple[list[OpeningRow], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.upstream = Upstream(self.rng, self.size, self.turns_queries)
        self.tables = Tables(timedelta(seconds=self.lateness), self.size if self.knows_size else None)

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def open(
        self,
        account: int = 0,
        device: int = 0,
        *,
        late: int = 0,
        ahead: int = 0,
        picture_after: int | None = None,
        picture_until: int | None = None,
        kind: str = "Face",
        is_success: bool = True,
        raw: str | None = None,
    ) -> None:
        has_picture = picture_after is not None
        self.upstream.events.append(
            Event(
                at=self.now + ahead,
                arrives=self.now + min(late, self.lateness),
                account=account,
                device=device,
                kind=kind,
                is_success=is_success,
                picture=f"https://pictures.example/{len(self.upstream.events)}.jpg" if has_picture else "",
                pictured=self.now + (picture_after or 0),
                unpictured=None if picture_until is None else self.now + picture_until,
                raw=raw,
            )
        )

    def rename_account(self, which: int) -> None:
        self.renames += 1
        self.upstream.accounts[which].append(f"renamed {self.renames}")

    def rename_device(self, which: int) -> None:
        self.renames += 1
        self.upstream.devices[which].append(f"moved {self.renames}")

    def ask(self) -> tuple[list[OpeningRow], str]:
        return self.upstream.answer(self.now), text_of(self.now)

    def poll(self) -> None:
        self.tables.apply(*self.ask())

    def hold(self) -> None:
        self.held.append(self.ask())

    def deliver(self, which: int) -> None:
        if self.held:
            self.is_stale = True
            self.tables.apply(*self.held.pop(which % len(self.held)))

    def finish(self) -> Verdict:
        """One more answer when everything has come, what was held, and the judgement."""
        self.wait(self.lateness)
        self.poll()
        while self.held:
            self.deliver(0)
        return self.judge()

    def judge(self) -> Verdict:
        tables, verdict = self.tables, Verdict(renames=self.renames, answers=self.upstream.calls)
        true: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self.upstream.events:
            if event.raw is None and event.arrives <= self.now:
                true[event.time].append(event)
        kept = {time: [tables.rows[row_id].row for row_id in ids] for time, ids in tables.ids.items()}
        for time in kept.keys() - true.keys():
            verdict.doubled += len(kept[time]) if time[:4] == "2024" else 0
        lost: Counter[str] = Counter()
        for time, events in true.items():
            rows = kept.get(time, [])
            verdict.true_rows += len(events)
            verdict.stored += len(rows)
            verdict.doubled += max(0, len(rows) - len(events))
            if len(events) > len(rows):
                lost[time] = len(events) - len(rows)
            if not tables.is_unsure(time):
                verdict.mistold += len(rows) - self._most_pairs(events, rows)
            alike = Counter((event.account, event.device, event.kind, event.picture) for event in events)
            verdict.exact_doubles += sum(count - 1 for count in alike.values())
        for time, count in lost.items():
            if tables.is_unsure(time):
                verdict.lost_in_gaps += count
            else:
                verdict.lost_in_silence += count
        verdict.gaps = len(tables.gaps)
        verdict.false_gaps = sum(
            not any(gap.after <= time <= gap.before for time in lost) for gap in tables.gaps
        )
        verdict.revisions = sum(len(row.revisions) for row in tables.rows.values())
        return verdict

    def _most_pairs(self, events: list[Event], rows: list[OpeningRow]) -> int:
        """How many of the rows can each be the telling of an event of its own."""
        owner: dict[int, int] = {}

        def place(row: int, tried: set[int]) -> bool:
            for number, event in enumerate(events):
                if number not in tried and self.upstream.could_have_told(event, rows[row]):
                    tried.add(number)
                    if number not in owner or place(owner[number], tried):
                        owner[number] = row
                        return True
            return False

        return sum(place(row, set()) for row in range(len(rows)))


def soak(seeds: Iterable[int]) -> tuple[Verdict, list[int]]:
    """What became of these streams, summed up, and the seeds of those in which a promise was broken."""
    total, broken = Verdict(), []
    for seed in seeds:
        world = live(seed)
        verdict = world.finish()
        if verdict.lost_in_silence or verdict.doubled or verdict.mistold:
            broken.append(seed)
        for name, count in asdict(verdict).items():
            setattr(total, name, getattr(total, name) + count)
    return total, broken


def live(seed: int) -> World:
    """A world that has lived through one random stream and was polled all along; ``finish`` judges it."""
    rng = Random(seed)
    size = round(5 * 40 ** rng.random())
    world = World(rng, size, 300, turns_queries=rng.random() < 0.3, knows_size=rng.random() < 0.2)
    pace = rng.choice([2, 10, 60, 600])
    ahead = rng.choice([0, 0, 0, rng.randint(60, 7200)])
    late_share = rng.choice([0, 0.1, 0.5])
    steps = rng.randint(100, 350)
    polls_each = rng.choice([3, 10, max(5, size // 2), size])
    for _ in range(steps):
        world.wait(rng.choice([0, 0, 1, rng.randint(0, 2 * pace)]))
        _act(world, rng, ahead=ahead, late_share=late_share)
        if rng.random() < 1 / polls_each:
            _poll(world, rng)
    return world


def _act(world: World, rng: Random, *, ahead: int, late_share: float) -> None:
    chance = rng.random()
    if chance < 0.02:
        world.rename_account(rng.randrange(4))
    elif chance < 0.03:
        world.rename_device(rng.randrange(3))
    elif chance < 0.05:
        for _ in range(rng.randint(2, 1 + world.size * 2)):
            _open(world, rng, ahead=ahead, late_share=late_share)
            world.wait(rng.choice([0, 0, 1, 2]))
    else:
        _open(world, rng, ahead=ahead, late_share=late_share)
        while rng.random() < 0.1:  # exact doubles
            last = world.upstream.events[-1]
            world.open(last.account, last.device, kind=last.kind, is_success=last.is_success)


def _open(world: World, rng: Random, *, ahead: int, late_share: float) -> None:
    device = rng.randrange(3)
    is_pictured = rng.random() < 0.4
    world.open(
        rng.randrange(4),
        device,
        late=rng.randint(1, 300) if rng.random() < late_share else 0,
        ahead=ahead if device == 2 else 0,
        picture_after=rng.choice([0, 5, rng.randint(0, 900)]) if is_pictured else None,
        picture_until=rng.randint(3600, 90000) if is_pictured and rng.random() < 0.1 else None,
        kind=rng.choice(["Face", "Face", "Call", ""]),
        is_success=rng.random() < 0.9,
        raw=rng.choice(["", "2020-13-45 99:99:99"]) if rng.random() < 0.005 else None,
    )


def _poll(world: World, rng: Random) -> None:
    chance = rng.random()
    if chance < 0.15:
        world.hold()
    elif chance < 0.3:
        first, second = world.ask(), world.ask()  # two workers with equal answers
        world.tables.apply(*first)
        world.tables.apply(*second)
    else:
        world.poll()
    if rng.random() < 0.2:
        world.deliver(rng.randrange(5))


if __name__ == "__main__":
    print(*soak(range(int(sys.argv[1]))))
