"""Which connections a job can send through at this moment, and in words why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from families.models import Job
from families.selectors.reaching import find_trouble
from families.services.jobs.claims import ready_rows
from families.sync.source import calls_left
from portal.connections import probing
from portal.connections.calling import CALLS_PER_ACTION
from portal.connections.conditions import describe
from portal.connections.models import Connection

# With fewer calls left in the minute than so many rows may need at once, nothing is begun.
ROWS_AT_ONCE = 4


@dataclass(frozen=True)
class Block:
    """Why nothing is sent through a connection now. ``is_short``: until a moment that is known, and soon."""

    words: str
    is_short: bool


def blocked() -> dict[UUID, Block]:
    """The organisation's connections through which nothing is sent now. Two queries, no upstream call.

    One that is paused, removed or signed out is not among them: nobody acts through it at all.
    """
    found: dict[UUID, Block] = {}
    connections = list(Connection.objects.of_the_organisation().usable().without_secrets())
    left = calls_left({each.pk: each.calls_per_minute for each in connections})
    for connection in connections:
        condition = describe(connection)
        if condition.state in {"resting", "held"}:
            words = f"{connection.name}: {condition.sentence}"
            found[connection.pk] = Block(words, is_short=condition.state == "held")
        elif left[connection.pk] < min(ROWS_AT_ONCE * CALLS_PER_ACTION, connection.calls_per_minute // 2):
            words = _("The budget of calls of “%(name)s” is used up for this minute.")
            found[connection.pk] = Block(words % {"name": connection.name}, is_short=True)
    return found


def look_at_resting(blocks: Mapping[UUID, Block]) -> None:
    """Ask those that rest, and whose pause is over, whether they answer again."""
    if any(not block.is_short for block in blocks.values()):
        probing.look_at_those_due()


def why_not(job: Job, blocks: Mapping[UUID, Block]) -> Block | None:
    """Why no row of the job can be tried now; None where one can, or none waits."""
    if ready_rows(job, blocks).exists():
        return None
    row = ready_rows(job, ()).order_by("number").first()
    if row is not None:
        return blocks.get(getattr(row, "acting", None))  # type: ignore[arg-type]
    waiting = job.rows.filter(state="waiting").select_related("family").order_by("number").first()
    if waiting is None or waiting.family is None:
        return None
    trouble = find_trouble(job.made_by, waiting.family)
    if trouble is None:
        return Block(_("No connection reaches “%(family)s” now.") % {"family": waiting.family}, False)
    return Block(f"{trouble.title}. {trouble.detail}", is_short=False)
