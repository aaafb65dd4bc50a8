"""An import that was not confirmed, for each who knocks: its family may be one that they do not see any more."""

from collections.abc import Iterator
from datetime import datetime

from families.models import Job, JobRow, Sheet
from portal.accounts.models import User
from tests.house.estate_worlds import World


def draft_of(person: User, world: World, numbers: Iterator[int], now: datetime) -> str:
    """The id of the person's own draft, made once: a sheet with one row for the family of ``world``."""
    known = Job.objects.filter(made_by=person, state="draft").first()
    if known is not None:
        return known.public_id
    # A foreign one says where it is from.
    word = world.word if person in world.people.values() else "Newcomer"
    options = {"way": "invite", "changes_rights": False, "auth": "guest"}
    job = Job.objects.create(
        id=next(numbers), kind="residents", title=f"{word} sheet", made_by=person, options=options
    )
    Sheet.objects.create(
        id=next(numbers),
        job=job,
        name=job.title,
        content=f"{word};new@{word.lower()}.example".encode(),
        encoding="utf-8",
        separator=";",
        has_header=False,
        columns=["first_name", "email"],
        family=world.family,
        read_at=now,
    )
    values = {"first_name": word, "last_name": "", "email": f"new@{word.lower()}.example", "auth": "guest"}
    JobRow.objects.create(
        id=next(numbers), job=job, number=1, family=world.family, values=values, mark="new", state="waiting"
    )
    return job.public_id
