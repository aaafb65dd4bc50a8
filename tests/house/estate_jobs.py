"""A job of somebody's own for the sweep, with a row that waits for them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from families.models import Job, JobRow, JobState, RowState
from portal.accounts.models import User
from tests.house.canaries import ELSEWHERE
from tests.house.estate_worlds import World


def job_of(whose: User, world: World, numbers: Iterator[int], now: datetime) -> tuple[str, str]:
    """The ids of a job that they began, and of its row, made once. What it says is whose it is, not whose family."""
    known = Job.objects.filter(made_by=whose, state=JobState.PAUSED).first()
    word = ELSEWHERE if world.word == ELSEWHERE else "Somebody"
    job = known or Job.objects.create(
        id=next(numbers),
        kind="residents",
        title=f"{word} sheet",
        state=JobState.PAUSED,
        made_by=whose,
        confirmed_at=now,
        paused_at=now,
        not_after=now,
        options={"way": "invite"},
    )
    row = job.rows.first() or _row(job, world, next(numbers), word)
    return job.public_id, row.public_id


def _row(job: Job, world: World, number: int, word: str) -> JobRow:
    values: dict[str, Any] = {"first_name": word, "last_name": "Sheet", "email": "on@sheet.example"}
    return JobRow.objects.create(
        id=number,
        job=job,
        number=1,
        family=world.family,
        values=values | {"auth": "guest", "member": ""},
        mark="new",
        state=RowState.UNKNOWN,
        words=f"{word} words",
    )
