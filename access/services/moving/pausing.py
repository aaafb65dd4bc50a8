"""Pauses a move-out whose maker lost the right to it, and lets somebody who has it go on."""

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import MoveOut, MoveOutState
from access.services.moving.beginning import MoveOutRefused, about
from families.services.people import leaving as portal_side
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import AuditUnavailable, By
from portal.keys import KeyMissing


class NotPaused(MoveOutRefused):
    """It goes on already, or has ended: somebody else took it over."""


def pause_without_right(move_out: MoveOut, by: By) -> bool:
    """Pause it where ``by`` may not move this household out any more; return whether that is so.

    Nothing further is done in their name, and a family whose whole household leaves is given to nobody meanwhile.
    """
    with transaction.atomic():
        try:
            portal_side.check_may_move_out(by, move_out.family)
        except PermissionDenied:
            reason = _why(User.objects.get(pk=move_out.acting_id))
            running = MoveOut.objects.filter(pk=move_out.pk, state=MoveOutState.RUNNING, paused_at=None)
            if running.update(paused_at=timezone.now(), pause_reason=reason):
                told = {"acting": by.name, "step": move_out.step}
                trail.record("move_out.pause", By.system(), about(move_out), parameters=told, reason=reason)
            return True
    return False


def take_over(actor: User, move_out: MoveOut) -> None:
    """Let a paused move-out go on in the name of ``actor``, from the step at which it stands.

    The attempt stays the same: what was sent in the other's name is found by its press, and not sent again. Raises
    PermissionDenied, NotPaused and trail.AuditUnavailable.
    """
    by = By.person(actor)
    try:
        with transaction.atomic():
            portal_side.check_may_move_out(by, move_out.family)
            paused = MoveOut.objects.filter(
                pk=move_out.pk, state=MoveOutState.RUNNING, paused_at__isnull=False
            )
            before = paused.select_for_update().select_related(None).first()
            if before is None:
                raise NotPaused
            paused.update(acting=actor, paused_at=None, pause_reason="", attempt_at=timezone.now())
            told = {"from": str(before.acting), "step": before.step}
            trail.record("move_out.take_over", by, about(move_out), parameters=told)
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable("that it was taken over could not be written down") from error
    move_out.refresh_from_db()


def _why(person: User) -> str:
    who = {"who": str(person)}
    if not person.is_active:
        return _("%(who)s, in whose name it is done, was switched off.") % who
    if not person.is_manager:
        return _("%(who)s, in whose name it is done, is not a manager any more.") % who
    return _("This family is not among those of %(who)s any more, in whose name it is done.") % who
