"""Reads the trail: what a person may see of it, the steps of one command as one line."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import User
from portal.audit.events import EVENTS
from portal.audit.models import Entry, State
from portal.cursors import read_cursor, write_cursor

PAGE_SIZE = 50
# More people than a list to choose from can usefully hold.
PEOPLE_AT_MOST = 300
OUTCOMES = tuple(State.values[2:])


@dataclass(frozen=True)
class TrailFilter:
    """What of the trail is shown; everything comes from the address. ``family`` is a public id."""

    person: User | None = None
    family: str = ""
    event: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Line:
    """Something done, with all its steps in their order: the first tells who wanted what, the last what is known."""

    first: Entry
    steps: list[Entry] = field(default_factory=list)

    @property
    def last(self) -> Entry:
        """The step that says how things stand now."""
        return self.steps[-1]

    @property
    def outcome(self) -> str:
        """The state that the newest step told; "" where there is none to tell."""
        told = next((step.outcome for step in reversed(self.steps) if step.outcome), "")
        return told or (State.SENT if self.last.phase in {State.INTENT, State.SENT} else "")

    @property
    def words(self) -> str:
        """What the upstream said, in the newest step that holds words."""
        return next((step.words for step in reversed(self.steps) if step.words), "")

    @property
    def duration_ms(self) -> int | None:
        """From sending to the answer."""
        return next((step.duration_ms for step in reversed(self.steps) if step.duration_ms is not None), None)


def list_lines(user: User, chosen: TrailFilter, *, cursor: str = "") -> tuple[list[Line], str]:
    """A page of lines, newest first by their first step, and the cursor of the next ("" on the last). Two queries."""
    # What begins a line: all but the later steps of a command.
    rows = _filtered(Entry.objects.visible_to(user), chosen).filter(
        Q(command_id="") | Q(phase__in=["", "intent"])
    )
    if place := read_cursor("audit", cursor, int):
        rows = rows.filter(number__lte=place[0])
    firsts = list(rows.defer("canonical", "mac").order_by("-number")[: PAGE_SIZE + 1])
    more, firsts = firsts[PAGE_SIZE:], firsts[:PAGE_SIZE]
    steps: dict[str, list[Entry]] = defaultdict(list)
    commands = [entry.command_id for entry in firsts if entry.command_id]
    if commands:
        found = Entry.objects.visible_to(user).filter(command_id__in=commands)
        for step in found.defer("canonical", "mac").order_by("number"):
            steps[step.command_id].append(step)
    lines = [Line(entry, steps.get(entry.command_id) or [entry]) for entry in firsts]
    return lines, write_cursor("audit", more[0].number) if more else ""


def list_people(user: User) -> list[User]:
    """Those who did something that ``user`` may see, by name. One query."""
    theirs = Entry.objects.visible_to(user).filter(actor=OuterRef("pk"))
    return list(User.objects.filter(Exists(theirs)).order_by("name", "email")[:PEOPLE_AT_MOST])


def list_events() -> list[tuple[str, str]]:
    """The events that have a word, by that word."""
    return sorted(((code, str(word)) for code, word in EVENTS.items()), key=lambda pair: pair[1])


def newest_number() -> int:
    """How many entries there are: numbers have no gaps. One look-up."""
    return Entry.objects.order_by("-number").values_list("number", flat=True).first() or 0


def last_verified() -> datetime | None:
    """When the whole chain was last found to hold; None when it never was checked. One look-up."""
    found = Entry.objects.filter(event="audit.verified").order_by("-number")
    return found.values_list("at", flat=True).first()


def _filtered(rows: QuerySet[Entry], chosen: TrailFilter) -> QuerySet[Entry]:
    if chosen.person is not None:
        rows = rows.filter(actor=chosen.person)
    if chosen.family:
        rows = rows.filter(family__public_id=chosen.family)
    if chosen.event:
        rows = rows.filter(event=chosen.event)
    if chosen.since is not None:
        rows = rows.filter(at__gte=chosen.since)
    if chosen.until is not None:
        rows = rows.filter(at__lt=chosen.until)
    if chosen.outcome:
        told = Entry.objects.filter(command_id=OuterRef("command_id"), outcome=chosen.outcome)
        later = Entry.objects.filter(command_id=OuterRef("command_id"), phase="settled")
        of_command = Exists(told) if chosen.outcome != State.UNKNOWN else Exists(told) & ~Exists(later)
        rows = rows.filter(Q(command_id="", outcome=chosen.outcome) | (~Q(command_id="") & of_command))
    return rows
