"""Takes the steps of a move-out, one after another, in whichever process has the time.

Each step is either a transaction of ours with its entries, or a command whose press follows from the step. So a process that
is killed anywhere leaves a move-out that the next one goes on with, and nothing is sent twice. Before each the right of whoever it
is done for is asked again: without it the move-out pauses.
"""

import logging
import time
import uuid
from contextlib import suppress
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import ItemKind, ItemState, MoveOut, MoveOutState, MoveOutStep
from access.services.moving import items, passing, pausing, portal_steps, reading, upstream_steps
from access.services.moving.beginning import take_in
from access.services.moving.upstream_steps import NotYet
from families.services.people import leaving as portal_side
from portal.accounts.models import User
from portal.audit.trail import AuditUnavailable, By
from portal.keys import KeyMissing

# Longer than any one step lasts.
LEASE = timedelta(seconds=60)
ORDER = list(MoveOutStep)
_AT_THE_UPSTREAM = frozenset(
    {MoveOutStep.LOOK, MoveOutStep.PASSES, MoveOutStep.OWNERSHIP, MoveOutStep.MEMBERS, MoveOutStep.READING}
)
_KINDS = {
    MoveOutStep.GRANTS: ItemKind.GRANT,
    MoveOutStep.SESSIONS: ItemKind.SESSION,
    MoveOutStep.PORTAL_INVITATIONS: ItemKind.PORTAL_INVITATION,
    MoveOutStep.PERSONAL_CONNECTIONS: ItemKind.PERSONAL_CONNECTION,
    MoveOutStep.PASSES: ItemKind.PASS,
    MoveOutStep.VISITOR_LINKS: ItemKind.VISITOR_LINK,
    MoveOutStep.OWNERSHIP: ItemKind.OWNERSHIP,
    MoveOutStep.MEMBERS: ItemKind.MEMBER,
}

logger = logging.getLogger(__name__)


def advance(move_out: MoveOut, *, seconds: float) -> MoveOut:
    """Take the steps that are left, as long as ``seconds`` allow a new call to begin; return it as it stands then.

    Does nothing while another process takes them. Never raises for what the upstream does. Where the trail cannot be written,
    or a command of a killed process is still under way, it stays where it is, for the next who comes.
    """
    ends = time.monotonic() + seconds
    holder = uuid.uuid4().hex
    try:
        while (step := _claim(move_out, holder)) is not None:
            if step in _AT_THE_UPSTREAM and time.monotonic() >= ends:
                break
            if not _take(move_out, step) or step == MoveOutStep.READING or not _go_on(move_out, holder, step):
                break
    except NotYet:
        pass
    except (AuditUnavailable, DatabaseError, OSError, KeyMissing):
        logger.exception("a step of the move-out %s could not be written down", move_out.public_id)
    finally:
        with suppress(DatabaseError):
            free = MoveOut.objects.filter(pk=move_out.pk, claimed_by=holder)
            free.update(claimed_by="", claimed_until=None)
    move_out.refresh_from_db()
    return move_out


def advance_all(*, seconds: float) -> int:
    """Go on with every move-out that nobody goes on with; return how many there were."""
    waiting = MoveOut.objects.filter(state=MoveOutState.RUNNING, paused_at=None).filter(_is_free())
    found = list(waiting.select_related("family", "acting").order_by("attempt_at"))
    ends = time.monotonic() + seconds
    for move_out in found:
        advance(move_out, seconds=max(0.0, ends - time.monotonic()))
    return len(found)


def look_again(actor: User, move_out: MoveOut) -> None:
    """Read everything back once more, and keep another record beside those of before. Managers only.

    Raises PermissionDenied and trail.AuditUnavailable. Cost: 2 upstream calls.
    """
    by = By.person(actor)
    with transaction.atomic():
        portal_side.check_may_move_out(by, move_out.family)
    try:
        reading.read_back(move_out, by, actor, is_end=False)
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable("the record could not be written down") from error


def _is_free() -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())


def _claim(move_out: MoveOut, holder: str) -> MoveOutStep | None:
    """The next step, for whoever holds it from now on; None where it has ended or waits, or somebody else takes it."""
    mine = MoveOut.objects.filter(pk=move_out.pk, state=MoveOutState.RUNNING, paused_at=None)
    until = timezone.now() + LEASE
    if not mine.filter(_is_free() | Q(claimed_by=holder)).update(claimed_by=holder, claimed_until=until):
        return None
    move_out.refresh_from_db()
    return MoveOutStep(move_out.step)


def _go_on(move_out: MoveOut, holder: str, step: MoveOutStep) -> bool:
    """The step is taken; whether the next one is ours, too."""
    after = ORDER[ORDER.index(step) + 1]
    mine = MoveOut.objects.filter(pk=move_out.pk, claimed_by=holder, step=step)
    return mine.update(step=after) == 1


def _take(move_out: MoveOut, step: MoveOutStep) -> bool:
    """Whether the step is taken; False where the move-out pauses instead."""
    # As they are now: what was known when it began may be older than their rights.
    actor = User.objects.get(pk=move_out.acting_id)
    by = By.person(actor)
    if pausing.pause_without_right(move_out, by):
        return False
    if step == MoveOutStep.READING:
        reading.read_back(move_out, by, actor, is_end=True)
        return True
    try:
        _do(move_out, step, by, actor)
    except PermissionDenied:
        # Lost in the middle of the step, what it had yet to do waits with the rest.
        if pausing.pause_without_right(move_out, by):
            return False
        _refuse(move_out, step, actor)
    return True


def _do(move_out: MoveOut, step: MoveOutStep, by: By, actor: User) -> None:
    match step:
        case MoveOutStep.LOOK:
            _look(move_out, actor)
        case MoveOutStep.GRANTS:
            portal_steps.end_grants(move_out, by)
        case MoveOutStep.SESSIONS:
            portal_steps.end_sessions(move_out, by)
        case MoveOutStep.PORTAL_INVITATIONS:
            portal_steps.take_back_invitations(move_out, by)
        case MoveOutStep.PERSONAL_CONNECTIONS:
            portal_steps.pause_connections(move_out, by)
        case MoveOutStep.PASSES:
            upstream_steps.delete_passes(move_out, actor)
        case MoveOutStep.VISITOR_LINKS:
            portal_steps.end_visitor_links(move_out, by)
        case MoveOutStep.OWNERSHIP:
            upstream_steps.hand_over(move_out, actor)
        case MoveOutStep.MEMBERS:
            upstream_steps.remove_members(move_out, actor)


def _look(move_out: MoveOut, actor: User) -> None:
    """Read members and passes live, and take in what was not known: passes made elsewhere, somebody who has just joined."""
    upstream_steps.read_members(move_out.family)
    passing.read_live(actor, move_out.family)
    take_in(move_out)


def _refuse(move_out: MoveOut, step: MoveOutStep, actor: User) -> None:
    """They may move the household out, and not do this: what this step had to do is left, and the record says why."""
    kind = _KINDS.get(step)
    if kind is not None:
        words = _("Not done: %(person)s may not do this.") % {"person": actor}
        items.mark(items.planned(move_out, kind), ItemState.LEFT, words)
