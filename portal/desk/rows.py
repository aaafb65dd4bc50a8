"""Rows of the log as words, formatted once here: a template that formats costs more than the query."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.models import Picture
from access.sync.windows import CLOCK, WINDOW
from access.views.cards import thumbnail_url
from portal.accounts.models import User
from portal.desk.log import Row

PICTURE_WORDS = {
    Picture.WANTED: gettext_lazy("The picture is on its way."),
    Picture.FAILED: gettext_lazy("The picture could not be fetched."),
    Picture.REFUSED: gettext_lazy("The picture's address is not allowed."),
}
# Why rows may be missing, by the cause of a gap.
GAP_WORDS = {
    WINDOW: gettext_lazy(
        "%(family)s: more happened than the upstream keeps between two readings. Rows may be missing here."
    ),
    CLOCK: gettext_lazy(
        "%(family)s: the clock that tells these times went back. Rows may be missing here, and times be wrong."
    ),
}


def days(user: User, rows: Iterable[Row], *, are_new: bool = False) -> list[dict[str, Any]]:
    """The rows by day in the current time zone, for desk/_log_days.html."""
    zone = timezone.get_current_timezone()
    today = timezone.localdate()
    named = []
    for day, of_day in groupby(rows, key=lambda row: row.place.at.astimezone(zone).date()):
        named.append(
            {
                "iso": day.isoformat(),
                "words": _day_words(day, today),
                "rows": [_words(user, row, zone, are_new) for row in of_day],
            }
        )
    return named


def _day_words(day: date, today: date) -> str:
    words = date_format(day, "l j F") if day.year == today.year else date_format(day, "l j F Y")
    if day == today:
        return _("Today, %(day)s") % {"day": words}
    if day == today - timedelta(days=1):
        return _("Yesterday, %(day)s") % {"day": words}
    return words


def _words(user: User, row: Row, zone: Any, is_new: bool) -> dict[str, Any]:
    local = row.place.at.astimezone(zone)
    values = row.values
    if row.kind == "gap":
        return _gap(row, local, zone)
    words: dict[str, Any] = {
        "kind": row.kind,
        "id": f"{row.kind}-{row.place.pk}",
        "iso": row.place.at.isoformat(),
        "exact": f"{date_format(local, 'l j F Y, H:i:s')} ({local.tzname()})",
        "clock": f"{local:%H:%M}",
        "seconds": f"{local:%S}",
        "place": "" if user.is_family_admin else values["family__name"],
        "is_new": is_new,
        "thumbnail_url": "",
        "links": [
            (reverse("families:family_detail", args=[values["family__public_id"]]), _("The family")),
            (f"{reverse('desk:log_list')}?family={values['family__public_id']}", _("This family's log")),
        ],
    }
    words |= _opening(row, words) if row.kind == "opening" else _call(row)
    if not values["is_time_readable"]:
        words["facts"].append((_("Its time could not be read"), values["raw_time"] or "–"))
    return words


def _opening(row: Row, words: dict[str, Any]) -> dict[str, Any]:
    values = row.values
    by = values["command__actor_name"]
    facts = [(_("Family"), values["family__name"])]
    if by:
        facts.append((_("Pressed by"), by))
        facts.append((_("Named in the history as"), values["account_name"] or "–"))
        if values["command__reason"]:
            facts.append((_("Reason"), values["command__reason"]))
    facts.append((_("First seen by the portal"), _clock(values["seen_at"])))
    return {
        "who": by or values["account_name"] or _("Not named"),
        "note": _("from the portal") if by else "",
        "door": values["device_name"] or _("Door not named"),
        "how": values["open_door_type"] or "",
        "status": "opened" if values["is_success"] else "refused",
        "result": _("Opened") if values["is_success"] else _("Refused"),
        "thumbnail_url": thumbnail_url(row.place.pk) if values["picture"] == Picture.READY else "",
        "picture_words": PICTURE_WORDS.get(values["picture"], ""),
        "facts": facts,
    }


def _call(row: Row) -> dict[str, Any]:
    values = row.values
    return {
        "who": values["call_name"] or values["call_sip"] or _("Not named"),
        "note": "",
        "door": "",
        "how": "",
        "status": "",
        "result": _("Called"),
        "facts": [
            (_("Family"), values["family__name"]),
            (_("Called from"), values["call_sip"] or "–"),
            (_("First seen by the portal"), _clock(values["seen_at"])),
        ],
    }


def _gap(row: Row, local: datetime, zone: Any) -> dict[str, Any]:
    begins = row.values["begins_at"].astimezone(zone)
    same_day = begins.date() == local.date()
    start = f"{begins:%H:%M}" if same_day else date_format(begins, "j F, H:i")
    return {
        "kind": "gap",
        "id": f"gap-{row.place.pk}",
        "words": _("Not recorded %(start)s – %(end)s.") % {"start": start, "end": f"{local:%H:%M}"},
        "detail": (GAP_WORDS.get(row.values["cause"]) or GAP_WORDS[WINDOW])
        % {"family": row.values["family__name"]},
    }


def _clock(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F, H:i:s")
