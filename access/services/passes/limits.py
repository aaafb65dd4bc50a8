"""How long a pass may last, and how many are made within an hour."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.sync.unmatched import CREATE_COMMAND
from families.models import Family, Grant
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.web.zones import zone_called

WITHIN = timedelta(hours=1)


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


def check_limits(actor: User, family: Family, press: str = "", more: int = 1) -> None:
    """Nothing, while so many ``more`` may be made within this hour; raises PassRefused.

    Rows of a job count for their family, and not for the person: somebody confirmed all of them together.
    """
    recent = Command.objects.filter(name=CREATE_COMMAND, created_at__gt=timezone.now() - WITHIN)
    recent = recent.exclude(state__in=[State.REFUSED, State.NOT_SENT]).exclude(press=press)
    most = settings.PASSES_PER_FAMILY_AN_HOUR
    if most and recent.filter(family_id=family.pk).count() + more > most:
        words = ngettext(
            "At most %(n)d pass an hour is made in one family.",
            "At most %(n)d passes an hour are made in one family.",
            most,
        )
        raise PassRefused(words % {"n": most})
    most = 0 if press.startswith("job-") else settings.PASSES_PER_PERSON_AN_HOUR
    mine = recent.filter(actor=actor).exclude(press__startswith="job-")
    if most and mine.count() + 1 > most:
        words = ngettext(
            "You may make %(n)d pass an hour. Several at once are made together, as a job.",
            "You may make %(n)d passes an hour. Several at once are made together, as a job.",
            most,
        )
        raise PassRefused(words % {"n": most})


def _told(moment: datetime, family: Family) -> str:
    return date_format(moment.astimezone(zone_called(family.time_zone)), "j F Y, H:i")
