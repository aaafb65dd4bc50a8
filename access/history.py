"""Finds what a history answer adds to the rows that are stored, and where rows may be missing; plain Python.

The upstream gives rows no id: only the newest N of them, in any order, in whole seconds, with pictures that arrive
later and names that change afterwards. A row is therefore known by its raw time text and its number among the rows
of that text; everything else about it is an attribute. So a corrected time zone recomputes ``at`` and makes no row.

Assumption: the upstream keeps the newest N by the time they carry, and a row reaches it at most ``lateness`` after
that time. To check: take an intercom off the network for a few minutes, use it, plug it in again, and see which row of
a full list makes room. Were it the one that came first, a gap would have to end ``lateness`` later than it does here.

What this cannot tell apart, since nothing in an answer does: two like events under one raw text, of which the first
had left the window before the second came. That takes times that repeat: a device clock that was set back, or the
hour that comes twice where history is told in a zone with summer time. Two at once are two rows, also then.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, Self, TypeVar


class Row(Protocol):
    """One row of a history, stored or answered. Equal rows are exact doubles and may both be real."""

    @property
    def time(self) -> str:
        """The raw text of its time, never changed."""

    def stored_clues(self) -> Sequence[Hashable | None]:
        """What must meet an answered row's clue in the same place, from the surest likeness to none; None meets nothing."""

    def answered_clues(self) -> Sequence[Hashable | None]:
        """The other side of ``stored_clues``, of the same length."""

    def sure_clues(self) -> int:
        """How many of the clues, from the first, leave no doubt that two rows of one second are the same event."""

    def could_be(self, stored: Self) -> bool:
        """Whether this may be the stored row told otherwise, as far as it has anything in common with it."""

    def filled_from(self, stored: Self) -> Self:
        """The row with what the answer left empty but the stored row has: an empty picture erases none."""

    def comparable(self) -> Self:
        """The row without what changes from call to call and means nothing."""


class OpeningRow(NamedTuple):
    """An opening. Addresses stand as they came; two that differ in their query only mean the same picture."""

    time: str
    account: str
    device: str
    kind: str
    is_success: bool
    picture: str = ""
    thumbnail: str = ""

    def stored_clues(self) -> Sequence[Hashable | None]:
        return self._clues(is_stored=True)

    def answered_clues(self) -> Sequence[Hashable | None]:
        return self._clues(is_stored=False)

    def _clues(self, *, is_stored: bool) -> Sequence[Hashable | None]:
        event = (self.account, self.device, self.kind, self.is_success)
        picture, thumbnail = without_query(self.picture), without_query(self.thumbnail)
        seen, unseen = (event, None) if picture or thumbnail else (None, event)
        return (
            seen and (event, picture, thumbnail),
            (event, picture) if picture else None,
            (event, thumbnail) if thumbnail else None,
            (picture, self.kind, self.is_success) if picture else None,  # renamed
            (thumbnail, self.kind, self.is_success) if thumbnail else None,
            unseen if is_stored else seen,  # its picture has arrived
            seen if is_stored else unseen,  # its picture is no longer told
            unseen,
            event,
            (self.device, self.kind, self.is_success),
            (self.account, self.kind, self.is_success),
            (self.kind, self.is_success),
            (),
        )

    def sure_clues(self) -> int:
        return 8

    def could_be(self, stored: Self) -> bool:
        mine, theirs = without_query(self.picture), without_query(stored.picture)
        if mine and theirs and mine != theirs:
            return False
        return self.device == stored.device or self.account == stored.account

    def filled_from(self, stored: Self) -> Self:
        return self._replace(
            picture=self.picture or stored.picture, thumbnail=self.thumbnail or stored.thumbnail
        )

    def comparable(self) -> Self:
        return self._replace(picture=without_query(self.picture), thumbnail=without_query(self.thumbnail))


class CallRow(NamedTuple):
    """A call from a door."""

    time: str
    name: str
    sip: str

    def stored_clues(self) -> Sequence[Hashable | None]:
        return ((self.name, self.sip), self.sip or None, self.name or None, ())

    def answered_clues(self) -> Sequence[Hashable | None]:
        return self.stored_clues()

    def sure_clues(self) -> int:
        return 1

    def could_be(self, stored: Self) -> bool:
        return self.sip == stored.sip or self.name == stored.name

    def filled_from(self, stored: Self) -> Self:
        return self

    def comparable(self) -> Self:
        return self


R = TypeVar("R", bound=Row)
# A stored row with its clues and its id.
_Known = tuple[Sequence[Hashable | None], int, R]


class Window(NamedTuple):
    """What must be remembered of the answers so far, all as the upstream wrote it; the default is: none yet.

    ``rows`` is the length of the longest answer, or of the last one that had lost its oldest rows; ``oldest`` where
    the last answer began; ``newest`` the newest time known, capped at when it was asked for; ``begins_after`` the
    last second of which nothing is claimed, "" where history is known from its beginning; ``gap_until`` the end of
    the last gap.
    """

    rows: int = 0
    oldest: str = ""
    newest: str = ""
    begins_after: str = ""
    gap_until: str = ""


class GapFound(NamedTuple):
    """Rows may be missing from ``after`` to ``before``, raw texts, both seconds included."""

    after: str
    before: str


@dataclass
class Findings(Generic[R]):
    """What one answer adds. Nothing else may be written, and nothing removed.

    ``new``: rows to insert, with their number in their second (from 1). ``changed``: ids of stored rows with what
    they now say, to be kept as a revision. ``readdressed``: the same where only the query of an address is another;
    worth writing while a picture is still to be fetched, and never a revision. ``window`` replaces the old one.
    """

    window: Window
    new: list[tuple[R, int]] = field(default_factory=list)
    changed: list[tuple[int, R]] = field(default_factory=list)
    readdressed: list[tuple[int, R]] = field(default_factory=list)
    gaps: list[GapFound] = field(default_factory=list)


def find_new(
    stored: Mapping[str, Sequence[tuple[int, R]]],
    answer: Sequence[R],
    previous: Window,
    *,
    lateness: timedelta,
    asked: str = "",
    unread: int = 0,
    window_rows: int | None = None,
) -> Findings[R]:
    """Compare an answer with all stored rows of the same raw texts, given as (id, row).

    ``asked`` is when the answer was asked for, as raw text in the history's zone (see ``raw_text``; best by the
    upstream's own clock): a device whose clock is ahead would else hide every gap until then. ``unread`` counts
    the rows that were set aside: they take up room in the window. ``window_rows`` says the window where it is
    known; it must not be more than the real one.

    The caller holds the lock on the family's history from reading ``stored`` to committing what is found. Applied
    again, or after an older or an equal answer, it finds nothing twice; the order of the rows makes no difference.
    """
    length = len(answer) + unread
    is_full = length >= (window_rows or previous.rows)
    by_time: defaultdict[str, list[R]] = defaultdict(list)
    for row in answer:
        by_time[row.time].append(row)
    ordered = sorted(time for time in by_time if moment(time) is not None)
    found: Findings[R] = Findings(previous)
    known_times = {time for time in ordered if stored.get(time)}
    found.window, found.gaps = _move(
        previous, ordered, known_times, length=length, is_full=is_full, lateness=lateness, asked=asked
    )
    first = ordered[0] if ordered and is_full else None
    for time in sorted(by_time):
        _match(stored.get(time, ()), by_time[time], found, is_cut=time == first)
    return found


def moment(time: str) -> datetime | None:
    """The raw text as a time without a zone, or None where it is no possible time written as the upstream does.

    Such a row is stored like any other but says nothing about the window: the caller gives it the time it was
    first seen at as ``at``, marked as unreadable.
    """
    # Only texts that sort as their times do: fromisoformat reads other forms, and an hour 24, too.
    if len(time) != 19 or time[4:17:3] != "-- ::" or time[11:13] == "24":
        return None
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        return None


def raw_text(local: datetime) -> str:
    """A time as the upstream would write it; give it in the history's zone. Fractions are cut."""
    return local.replace(tzinfo=None, microsecond=0).isoformat(" ")


def earlier(time: str, by: timedelta) -> str:
    """The raw text so much earlier, by the clock on the wall; a text that is no possible time comes back as it is."""
    read = moment(time)
    if read is None:
        return time
    try:
        return raw_text(read - by)
    except OverflowError:
        return "0001-01-01 00:00:00"


def canonical(row: R) -> tuple[R, R]:
    """The key that puts the rows of one second into the same order whatever order they came in."""
    return (row.comparable(), row)


def without_query(address: str) -> str:
    """The part of a picture's address that stays the same from call to call."""
    if "?" not in address and "#" not in address:
        return address
    return address.partition("#")[0].partition("?")[0]


def _move(
    previous: Window,
    ordered: Sequence[str],
    known_times: Iterable[str],
    *,
    length: int,
    is_full: bool,
    lateness: timedelta,
    asked: str,
) -> tuple[Window, list[GapFound]]:
    """The window after an answer with rows of these possible times, and the gap before it."""
    longest = max(previous.rows, length)
    if not ordered:
        return previous._replace(rows=longest), []
    oldest, newest = ordered[0], ordered[-1]
    if moment(asked) is not None:
        newest = min(newest, asked)
    if not previous.oldest:
        begins_after = oldest if is_full else ""
        return Window(longest, oldest, newest, begins_after), []

    # What came since the last answer is not earlier than this, and what is earlier had come by then.
    bound = earlier(previous.newest, lateness)
    reach = [time for time in ordered if time >= bound]
    begins = reach[0] if reach else oldest
    # An answer that has lost its oldest rows is as long as the window is now, should that have shrunk.
    window = previous._replace(
        rows=length if begins > previous.oldest else longest,
        oldest=oldest,
        newest=max(previous.newest, newest),
    )
    # Design decision: an oldest second that is earlier than last time counts as moved too, in a full answer: late rows
    # can fill a window and be pushed out of it again between two answers.
    has_moved = is_full or begins > previous.oldest
    # Only a row that is already stored proves that nothing after it was pushed out. One that nobody has seen, earlier
    # than anything that can still come, proves nothing: a device clock that was set back.
    is_joined = any(time < bound for time in known_times)
    if is_joined or not has_moved:
        return window, []
    if not reach:
        window, gap = _go_back(window, bound, newest)
        return window, [gap]
    if begins <= max(previous.begins_after, previous.gap_until):
        return window, []  # lies within the last gap: that began no later, for bounds never go back
    return window._replace(gap_until=begins), [GapFound(bound, begins)]


def _go_back(window: Window, bound: str, newest: str) -> tuple[Window, GapFound]:
    """The window where a whole answer is both unknown and too early: its times went back (another zone, a clock).

    What lies between the two tellings may be missing; from here on the new one is what counts.
    """
    gap = GapFound(window.oldest, max(bound, window.begins_after))
    begins_after = min(window.begins_after, window.oldest)
    return window._replace(newest=newest, begins_after=begins_after, gap_until=window.oldest), gap


def _match(
    stored: Sequence[tuple[int, R]], answered: Sequence[R], found: Findings[R], *, is_cut: bool
) -> None:
    """Pair the rows of one raw text by ever looser likeness; what is then left of the answer is new.

    ``is_cut``: this is the oldest second of a full answer, of which any part may have been pushed out.
    """
    if not stored:
        ordered = sorted(answered, key=canonical) if len(answered) > 1 else answered
        found.new.extend((row, number) for number, row in enumerate(ordered, start=1))
        return
    if len(stored) == len(answered) == 1:
        stored_id, before = stored[0]
        if answered[0] == before or answered[0].comparable() == before.comparable():
            _tell(stored_id, before, answered[0], found)
            return
    known = [(row.stored_clues(), stored_id, row) for stored_id, row in sorted(stored, key=_in_order)]
    rows = [(row.answered_clues(), row) for row in sorted(answered, key=canonical)]
    is_possible = moment(answered[0].time) is not None
    is_part = len(rows) < len(known)
    sure = answered[0].sure_clues()
    guesses: list[tuple[int, R, R]] = []
    # A text that is no time does not stand for one second but for years: only sure likeness joins its rows, for there
    # a loose pair would swallow an event, where in one second it can only be a change.
    for place in range(len(rows[0][0]) if is_possible else sure):
        if not known or not rows:
            break
        waiting: defaultdict[Hashable, list[_Known[R]]] = defaultdict(list)
        for entry in reversed(known):
            if entry[0][place] is not None:
                waiting[entry[0][place]].append(entry)
        left = []
        paired = set()
        for clues, row in rows:
            alike = waiting.get(clues[place]) if waiting else None
            if not alike:
                left.append((clues, row))
                continue
            _, stored_id, before = alike.pop()
            paired.add(stored_id)
            if place < sure:
                _tell(stored_id, before, row.filled_from(before), found)
            # Part of a second does not say which of its rows are meant: such a pair is counted, not written.
            elif not (is_part or (is_cut and not row.could_be(before))):
                guesses.append((stored_id, before, row))
        rows = left
        known = [entry for entry in known if entry[1] not in paired]
    # Nor does a second of which several rows are told otherwise and without their pictures: whose would be whose?
    if len(guesses) == 1 or all(row == row.filled_from(before) for _, before, row in guesses):
        for stored_id, before, row in guesses:
            _tell(stored_id, before, row.filled_from(before), found)
    found.new.extend((row, number) for number, (_, row) in enumerate(rows, start=len(stored) + 1))


def _in_order(entry: tuple[int, R]) -> tuple[tuple[R, R], int]:
    """The key that puts stored rows into their canonical order, doubles by their ids."""
    return canonical(entry[1]), entry[0]


def _tell(stored_id: int, before: R, row: R, found: Findings[R]) -> None:
    """Note a stored row where it now says something else."""
    if row == before:
        return
    if row.comparable() != before.comparable():
        found.changed.append((stored_id, row))
    else:
        found.readdressed.append((stored_id, row))
