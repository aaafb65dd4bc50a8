"""One attempt at one row: every right is asked for again, then its kind does it, and what came of it is told."""

import logging
from dataclasses import dataclass

from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from families.models import Family, Job, JobRow, RowState
from families.services.acting import NoConnection, unwatched
from families.services.jobs import claims, kinds
from families.services.jobs.kinds import RowOutcome
from portal.accounts.models import User
from portal.audit.models import Command
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.connections import budget
from portal.web.presses import PressInvalid
from portal.web.where import Where, current_request

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. ``outcome`` None: the row stays claimed, and its command is looked at later.

    ``stops``: nothing more is begun for now, and why. ``is_maker_gone``: whoever made the job may not do such a thing
    any more; nothing was sent, and nothing more is.
    """

    row: JobRow
    outcome: RowOutcome | None
    stops: str = ""
    is_maker_gone: bool = False


def attempt(job: Job, row: JobRow, worker: str) -> Attempt:
    """Do a row that this worker has claimed, unless it is not to be done any more. Never raises."""
    where = Where(request_id=f"job-{job.public_id}")
    token = current_request.set(where)
    try:
        with budget.leaving_the_peoples_share(), unwatched():
            return _attempt(job, row, worker)
    except Exception as error:
        # Most likely the database: what became of the row is read from its command, later.
        log.exception("a row of a job could not be kept")
        return Attempt(row, None, stops=_("A row could not be kept (%s).") % type(error).__name__)
    finally:
        current_request.reset(token)


def _attempt(job: Job, row: JobRow, worker: str) -> Attempt:
    if not claims.is_still_mine(row, worker):
        return Attempt(row, RowOutcome(RowState.WAITING))
    if job.not_after and job.not_after <= timezone.now():
        return Attempt(row, claims.too_late())
    maker = User.objects.get(pk=job.made_by_id)
    if not (maker.may_act and maker.is_manager):
        return Attempt(row, RowOutcome(RowState.WAITING), is_maker_gone=True)
    with translation.override(maker.language):
        refusal = _refusal(row, maker)
        return Attempt(row, RowOutcome(RowState.REFUSED, refusal)) if refusal else _perform(job, row, maker)


def _refusal(row: JobRow, maker: User) -> str:
    """Why nothing may be sent to the row's family; "" where it may."""
    if row.family_id is None:
        return ""
    family = Family.objects.visible_to(maker).filter(pk=row.family_id).first()
    if family is None:
        return _("%(who)s may not act in this family any more. Nothing was sent.") % {"who": maker}
    if family.gone_at is not None:
        return _("The family is not there any more. Nothing was sent.")
    row.family = family
    return ""


def _perform(job: Job, row: JobRow, maker: User) -> Attempt:
    try:
        return Attempt(row, kinds.kind_of(job).perform(job, row, maker))
    except NoConnection:
        return Attempt(row, RowOutcome(RowState.WAITING))
    except AuditUnavailable:
        # Whatever there is of the command tells at the next attempt that nothing was sent.
        return Attempt(row, RowOutcome(RowState.WAITING), stops=_("The audit trail is not available."))
    except OutcomeNotRecorded as lost:
        return Attempt(row, RowOutcome(RowState.CLAIMED, "", lost.command))
    except PressInvalid:
        return Attempt(
            row, RowOutcome(RowState.REFUSED, _("It was begun with other values. Look at it by hand."))
        )
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("a row of a job could not be done")
        command = Command.objects.filter(press=row.press).first()
        if command is not None:
            return Attempt(row, kinds.of_command(command))
        words = _("It could not be done (%(error)s). Nothing was sent.") % {"error": type(error).__name__}
        return Attempt(row, RowOutcome(RowState.REFUSED, words))
