"""What jobs do, by their kind: a function that does one row, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from families.models import Family, Job, JobRow, RowState
from portal.accounts.models import User
from portal.audit.models import Command, State

# Refusals that say no more than "not now": nothing was done, and the same row may be tried again by itself.
NOT_NOW = frozenset({"busy", "signed_out"})


@dataclass(frozen=True)
class RowOutcome:
    """What became of one attempt at a row.

    WAITING: nothing was done, and it is to be tried again by itself as soon as that is possible. CLAIMED: its command
    is still on its way, and is looked at again.
    """

    state: RowState
    words: str = ""
    command: Command | None = None


Perform = Callable[[Job, JobRow, User], RowOutcome]
Look = Callable[[Job, JobRow], RowOutcome | None]
Read = Callable[[Family], object]
Words = str | Promise


@dataclass(frozen=True)
class Telling:
    """What the pages of jobs say of the rows of one kind, where it is not the same of all.

    ``nothing_tells``: after a look that found nothing. ``unknown_again`` and ``undone_again``: before a row is sent
    once more, of which nobody knows what became, or nothing was done. ``by_hand``: before somebody says of a row
    without an answer that it was done; "" where nobody can. ``has_rights``: whether a row names a right.
    """

    nothing_tells: Words
    unknown_again: Words
    undone_again: Words
    by_hand: Words = ""
    has_rights: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of job. ``event`` is the first part of its events on the trail: ``import.pause``.

    ``read`` reads anew what ``look`` tells from; ``address`` is the page of what a row made, or "".
    """

    name: str
    perform: Perform
    look: Look | None
    event: str
    read: Read | None
    telling: Telling
    address: Callable[[JobRow], str]


_kinds: dict[str, Kind] = {}


def register(
    kind: str,
    perform: Perform,
    *,
    event: str,
    telling: Telling,
    look: Look | None = None,
    read: Read | None = None,
    address: Callable[[JobRow], str] = lambda row: "",
) -> None:
    """Say how a row of this kind is done, as whoever made the job.

    ``perform`` sends at most one command, with the press ``row.press``; what it raises before anything is sent
    (PermissionDenied, NoConnection, AuditUnavailable) is understood. ``look`` tells from what was read since what
    became of a row whose outcome is unknown, or None where nothing tells; it sends nothing. ``read`` costs one upstream
    call, and never raises for what the upstream does. Every worker must have imported the module that registers.
    """
    _kinds[kind] = Kind(kind, perform, look, event, read, telling, address)


def kind_of(job: Job) -> Kind:
    """The kind of a job; raises KeyError for one that nobody registered."""
    return _kinds[job.kind]


def looking() -> list[str]:
    """The kinds of which a read may tell what became of a row."""
    return [kind.name for kind in _kinds.values() if kind.look is not None]


def of_command(command: Command) -> RowOutcome:
    """What the state of a row's command means for the row."""
    state = command.state_now
    match state:
        case State.SUCCEEDED | State.CONFIRMED_BY_HISTORY | State.CLOSED_BY_USER:
            return RowOutcome(RowState.DONE, command.words, command)
        case State.REFUSED if command.error in NOT_NOW:
            return RowOutcome(RowState.WAITING, command.words, command)
        case State.REFUSED:
            words = command.words or _("It was refused without a reason.")
            return RowOutcome(RowState.REFUSED, words, command)
        case State.NOT_SENT:
            return RowOutcome(RowState.WAITING, command.words, command)
        case State.INTENT | State.SENT:
            return RowOutcome(RowState.CLAIMED, "", command)
        case _:
            words = _("No answer came: it may have been done. Look before sending it once more.")
            return RowOutcome(RowState.UNKNOWN, words, command)
