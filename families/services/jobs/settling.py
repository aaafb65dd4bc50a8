"""What keeps jobs in order before any row is begun; run late, twice, or by two workers at once it does no harm."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from families.models import JobRow, Kind, RowState, SyncState
from families.services.jobs import claims, kinds, pausing
from families.services.jobs.kinds import RowOutcome
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import By, Result

# A read that comes later than this after an unknown outcome says little of it.
LOOKED_AT = timedelta(minutes=10)
_PIECE = 50


def tidy() -> None:
    """Settle what killed workers left and what time has ended, and let jobs go on that can. Sends nothing."""
    claims.recover()
    claims.end_over(timezone.now())
    settle_unknown()
    pausing.end_those_done()
    pausing.go_on_where_well()


def settle_unknown() -> int:
    """Look what became of rows without an answer, where their family's members were read since; return how many."""
    now = timezone.now()
    unknown = JobRow.objects.filter(
        state=RowState.UNKNOWN, job__kind__in=kinds.looking(), ended_at__gt=now - LOOKED_AT
    )
    read = SyncState.objects.filter(
        family=OuterRef("family"), kind=Kind.MEMBERS, last_good_at__gt=OuterRef("command__deadline_at")
    )
    # Its command may have been settled by a reading before the row was written.
    rows = unknown.filter(Exists(read)).order_by("ended_at")
    settled = 0
    for row in rows.select_related("job", "family", "command")[:_PIECE]:
        look = kinds.kind_of(row.job).look
        outcome = look(row.job, row) if look else None
        settled += outcome is not None and settle(row, outcome, By.system())
    return settled


def settle(row: JobRow, outcome: RowOutcome, by: By) -> bool:
    """Write what was found out about a row without an answer, and about its command; False where somebody did before."""
    with transaction.atomic():
        mine = JobRow.objects.filter(pk=row.pk, state=RowState.UNKNOWN, attempt=row.attempt)
        if not mine.update(state=outcome.state, words=outcome.words):
            return False
        if row.command is not None:
            is_done = outcome.state == RowState.DONE
            state = (
                State.CLOSED_BY_USER if by.user else State.CONFIRMED_BY_HISTORY if is_done else State.NO_TRACE
            )
            trail.conclude(row.command, by, Result(state, "read_back", outcome.words))
    return True
