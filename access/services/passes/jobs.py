"""The kind "passes": one pass for each family and visitor, made by workers. Their codes are had by a reveal afterwards."""

import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.models import TempKey
from access.services.passes.limits import PassRefused
from access.services.passes.making import Wish, ask_for
from access.services.passes.reading import read_back
from access.sync import unmatched
from families.models import Family, Job, JobRow, RowState
from families.services.acting import Budget, NoConnection, reach_of
from families.services.jobs import kinds, running
from families.services.jobs.kinds import RowOutcome, Telling, of_command
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import State
from portal.upstream.times import format_time, parse_time

KIND = "passes"
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Wanted:
    """A pass of a job: for whom, in which family."""

    family: Family
    wish: Wish


def begin(user: User, wanted: Sequence[Wanted], *, not_after: datetime, press: str) -> Job:
    """Have all of these made, one after the other, by workers; the same press finds the job that it began.

    The families were fetched through ``visible_to(user)``; each row asks again whether that is so still. Raises
    PermissionDenied for anybody but managers, and trail.AuditUnavailable: nothing was begun then. Sends nothing itself.
    """
    if not (user.may_act and user.is_manager) or not 0 < len(wanted) <= MOST_ROWS:
        raise PermissionDenied
    public_id = _id_of(press)
    known = Job.objects.filter(public_id=public_id, made_by=user).first()
    if known is not None:
        return known
    families = len({one.family.pk for one in wanted})
    with trail.writing("the job", tells_of_heads=True), transaction.atomic():
        job, is_new = Job.objects.get_or_create(
            public_id=public_id,
            defaults={
                "kind": KIND,
                "title": _title(wanted, families),
                "made_by": user,
                "options": {"passes": len(wanted), "families": families},
            },
        )
        if is_new:
            JobRow.objects.bulk_create(
                JobRow(
                    job=job,
                    number=number,
                    family=one.family,
                    state=RowState.WAITING,
                    values=_values(one.wish),
                )
                for number, one in enumerate(wanted, 1)
            )
            running.confirm(user, job, not_after)
    return job


def perform(job: Job, row: JobRow, user: User) -> RowOutcome:
    """Make the pass of one row, unless its window is over. Cost: what making one costs."""
    wish = _wish(row)
    if row.family is None or wish is None:
        return RowOutcome(RowState.REFUSED, _("It names no family, or no window. Nothing was sent."))
    if wish.ends_at <= timezone.now():
        return RowOutcome(RowState.TOO_LATE, _("Its window was over before its turn: nothing was sent."))
    try:
        asked = ask_for(user, family=row.family, wish=wish, press=row.press)
    except PassRefused as refused:
        return RowOutcome(RowState.NOT_SENT, refused.words)
    return of_command(asked.performed.command)


def look(job: Job, row: JobRow) -> RowOutcome | None:
    """What is known by now of a pass that got no answer."""
    key = TempKey.objects.filter(command=row.command).first() if row.command is not None else None
    if key is not None and key.fingerprint:
        return RowOutcome(RowState.DONE, _("The list of passes has it."))
    if key is not None and key.gone_at is not None:
        return RowOutcome(RowState.REFUSED, _("It was not made, as far as the list of passes tells."))
    return None


def read(family: Family) -> None:
    """Read the list of passes of a family, and take what it tells. Cost: 1 upstream call."""
    with suppress(NoConnection):
        read_back(reach_of(family), family, Budget())
    unmatched.settle_families([family.pk])


def address(row: JobRow) -> str:
    """The page of the pass that a row made, or may have made; "" where it made none."""
    if row.command is None or row.state not in {RowState.DONE, RowState.UNKNOWN}:
        return ""
    name = "access:pass_match" if row.state == RowState.UNKNOWN else "access:pass_detail"
    is_named = row.command.state not in {State.REFUSED, State.NOT_SENT}
    return reverse(name, args=[row.command.object_id]) if is_named and row.command.object_id else ""


def _title(wanted: Sequence[Wanted], families: int) -> str:
    words = ngettext("%(n)d pass", "%(n)d passes", len(wanted)) % {"n": len(wanted)}
    labels = {one.wish.label for one in wanted}
    where = {one.family.name for one in wanted}
    about = labels.pop() if len(labels) == 1 else where.pop() if families == 1 else ""
    return f"{words}: {about}"[:200] if about else words


def _id_of(press: str) -> str:
    """What a press begins has one id: sent again, it finds what it began."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(f"passes {press}".encode()).digest()[:16])
        .decode()
        .rstrip("=")
    )


def _values(wish: Wish) -> dict[str, Any]:
    values = asdict(wish) | {"starts_at": format_time(wish.starts_at), "ends_at": format_time(wish.ends_at)}
    return values | {"name": wish.visitor_name, "email": wish.visitor_email}


def _wish(row: JobRow) -> Wish | None:
    values = row.values
    starts_at, ends_at = (parse_time(str(values[name]), UTC) for name in ("starts_at", "ends_at"))
    if starts_at is None or ends_at is None:
        return None
    return Wish(
        label=str(values["label"]),
        starts_at=starts_at,
        ends_at=ends_at,
        uses=int(values["uses"]),
        visitor_name=str(values["visitor_name"]),
        visitor_email=str(values["visitor_email"]),
        note=str(values["note"]),
    )


kinds.register(
    KIND,
    perform,
    event=KIND,
    look=look,
    read=read,
    address=address,
    telling=Telling(
        nothing_tells=gettext_lazy(
            "nothing tells yet. The list of passes does not say which it is, or has none."
        ),
        unknown_again=gettext_lazy("It may have been made already: there may then be two. Look first."),
        undone_again=gettext_lazy("Nothing of it was done. It is asked for again, with the same window."),
    ),
)
