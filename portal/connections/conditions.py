"""How a connection does, in words for pages: what happened, since when, what it means, what to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.connections.models import Connection, Health
from portal.web.templatetags.web import relative

# A sign-in that nothing can renew is told of so long before it ends.
ENDING = timedelta(days=3)


@dataclass(frozen=True)
class Condition:
    """How a connection does.

    ``state``: good, ending, unfit (answers, but not as it should), held, failing, resting (nothing is sent for a while), signed_out, paused or removed.
    ``status`` is its shape and colour (ok, warn, bad, off), ``word`` its name within a row, ``since`` when that
    began (None where it always was so). ``meaning`` and ``remedy`` are whole sentences; "" where there is nothing
    to say.
    """

    state: str
    status: str
    word: str
    since: datetime | None
    meaning: str = ""
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """Meaning and remedy in one."""
        return f"{self.meaning} {self.remedy}".strip()


@dataclass(frozen=True)
class Cover:
    """How many families a connection reaches, and how many of them nothing else reaches that works."""

    families: int
    unread: int


def describe(connection: Connection, cover: Cover | None = None) -> Condition:
    """How this connection does now, from its own row: no query.

    Of one that is paused or signed out, ``cover`` lets it say what that means for its families; left out, nothing
    is said of them.
    Whether its sign-in ends by itself is told of rows that were read whole or ``without_secrets()``.
    """
    now = timezone.now()
    if connection.removed_at:
        meaning = _("Nothing is read or sent through it any more. What it brought is still shown.")
        return Condition("removed", "off", _("Removed"), connection.removed_at, meaning)
    if connection.paused_at:
        meaning = f"{_('Nothing is read or sent through it.')} {_unread_words(cover)}".strip()
        return Condition(
            "paused",
            "off",
            _("Paused"),
            connection.paused_at,
            meaning,
            _("It goes on when somebody says so."),
        )
    if connection.health == Health.SIGNED_OUT:
        meaning = (
            _("The credentials of this account cannot be shown or changed. Doors and passes go on as before.")
            if connection.owner_id is not None
            else f"{_('No door opens through it.')} {_unread_words(cover)}".strip()
        )
        remedy = _("Somebody has to sign it in again: it is not tried by itself.")
        return Condition("signed_out", "bad", _("Signed out"), connection.health_since, meaning, remedy)
    if connection.open_until and (connection.open_until > now or connection.health == Health.FAILING):
        return _resting(connection, now)
    if connection.health == Health.FAILING:
        meaning = _("The last call got no answer. What you see is from before.")
        remedy = _("It is tried again by itself.")
        return Condition("failing", "bad", _("Not answering"), connection.health_since, meaning, remedy)
    if connection.hold_until and connection.hold_until > now:
        meaning = _("The door system asked for a pause. It goes on %(when)s.") % {
            "when": in_time(connection.hold_until)
        }
        return Condition("held", "warn", _("Asked to wait"), None, meaning)
    if connection.answers_badly:
        meaning = _("Nothing that it answers can be used. What you see is from before.")
        remedy = _(
            "It is tried again by itself. If it lasts, look whether its address and its account are right."
        )
        since = connection.last_good_at or connection.health_since
        return Condition("unfit", "warn", _("Answers, but not as it should"), since, meaning, remedy)
    if connection.expires_at and connection.expires_at - now < ENDING and _ends_by_itself(connection):
        meaning = _("Its sign-in ends on its own, and nothing can renew it: %(when)s.") % {
            "when": relative(connection.expires_at)
        }
        remedy = _("Sign it in again before that.")
        return Condition("ending", "warn", _("Sign-in ends soon"), None, meaning, remedy)
    return Condition("good", "ok", _("Working"), connection.health_since)


def _unread_words(cover: Cover | None) -> str:
    """What it means for the families of a connection that nothing is read through."""
    if cover is None or not cover.families:
        return ""
    if not cover.unread:
        return ngettext(
            "Its family is read through another connection.",
            "Its families are read through another connection.",
            cover.families,
        )
    if cover.unread == cover.families:
        return _("Its families are not being read: what you see of them is from before.")
    words = ngettext(
        "%(unread)d of its %(families)d families is not being read; the others are, through another connection.",
        "%(unread)d of its %(families)d families are not being read; the others are, through another connection.",
        cover.unread,
    )
    return words % {"unread": cover.unread, "families": cover.families}


def _ends_by_itself(connection: Connection) -> bool:
    is_known = {"refresh_token", "has_renewal"} & connection.__dict__.keys()
    return bool(is_known) and not connection.sign_in_can_renew


def in_time(moment: datetime) -> str:
    """When something near goes on: "in 20 seconds", "in 3 minutes", "in a moment"."""
    seconds = round((moment - timezone.now()).total_seconds())
    if seconds < 1:
        return _("in a moment")
    return ngettext("in %d second", "in %d seconds", seconds) % seconds if seconds < 90 else relative(moment)


def resting_words(connection: Connection) -> str:
    """Why nothing is sent now, since when, and when it is tried again: for whoever wanted to send something."""
    again = in_time(connection.open_until or timezone.now())
    if connection.health != Health.FAILING:
        # One family hangs; whether the upstream does is being looked at.
        return _("It is being asked whether the door system answers. Try again %(again)s.") % {"again": again}
    return _("The door system has not answered since %(since)s. It is tried again %(again)s.") % {
        "since": _clock(connection.health_since),
        "again": again,
    }


def _resting(connection: Connection, now: datetime) -> Condition:
    again = {"again": in_time(connection.open_until or now)}
    if connection.health != Health.FAILING:
        meaning = _("One family got no answer five times. The door system is being asked whether it answers.")
        return Condition("resting", "warn", _("Being asked"), None, meaning)
    meaning = _("Nothing is sent for now. What you see is from before.")
    remedy = _("It is tried again by itself %(again)s.") % again
    return Condition("resting", "bad", _("Not answering"), connection.health_since, meaning, remedy)


def _clock(moment: datetime) -> str:
    """The time, with its zone: words of a command stand in the trail, and are read elsewhere."""
    local = timezone.localtime(moment)
    day = "" if local.date() == timezone.localdate() else f"{local:%Y-%m-%d} "
    return f"{day}{local:%H:%M} {local.tzname()}"
