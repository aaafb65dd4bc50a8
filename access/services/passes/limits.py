"""How long a pass may last, and how many are made within an hour."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.sync.unmatched import CREATE_COMMAND
from families.models import Family, Grant
from portal.accounts.models import User
from portal.audit.hourly import full_until
from portal.audit.models import Command, State
from portal.web.zones import zone_called

# How the press of a job's row begins.
_OF_A_JOB = "job-"


class PassRefused(Exception):
    """It is not asked for, and ``words`` say why; nothing was sent. ``field`` is what has to be another."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.field = field


def grant_ends(actor: User, family: Family) -> datetime | None:
    """When a family admin's time with this family is over; None where it is not limited. Raises PermissionDenied."""
    ends = list(Grant.objects.now().filter(person=actor, family=family).values_list("ends_at", flat=True))
    if not ends:
        raise PermissionDenied
    return None if None in ends else max(end for end in ends if end is not None)


def check_window(actor: User, family: Family, ends_at: datetime) -> None:
    """Nothing, unless a family admin's pass would outlast their time with the family; raises PassRefused."""
    if not actor.is_family_admin:
        return
    last = grant_ends(actor, family)
    if last is not None and ends_at > last:
        words = _("You look after this family until %(moment)s. The pass has to end by then.")
        raise PassRefused(words % {"moment": _told(last, family)}, "ends")


def check_limits(actor: User, family: Family, press: str) -> None:
    """Nothing, unless with this press, whose intent is written already, the hour would have too many; raises PassRefused.

    What was refused does not count. Rows of a job count for their family, and not for the person: somebody confirmed all
    of them together.
    """
    asked = Command.objects.filter(name=CREATE_COMMAND).exclude(state=State.REFUSED)
    most = settings.PASSES_PER_FAMILY_AN_HOUR
    if full_until(asked.filter(family_id=family.pk), most):
        words = ngettext(
            "At most %(n)d pass an hour is made in one family.",
            "At most %(n)d passes an hour are made in one family.",
            most,
        )
        raise PassRefused(words % {"n": most})
    if press.startswith(_OF_A_JOB):
        return
    most = settings.PASSES_PER_PERSON_AN_HOUR
    if full_until(asked.filter(actor=actor).exclude(press__startswith=_OF_A_JOB), most):
        words = ngettext(
            "You may make %(n)d pass an hour. Several at once are made together, as a job.",
            "You may make %(n)d passes an hour. Several at once are made together, as a job.",
            most,
        )
        raise PassRefused(words % {"n": most})


def _told(moment: datetime, family: Family) -> str:
    return date_format(moment.astimezone(zone_called(family.time_zone)), "j F Y, H:i")
