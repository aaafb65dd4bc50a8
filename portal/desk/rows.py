"""Rows of the log as words, formatted once here: a template that formats costs more than the query."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.models import Picture
from access.services.pictures import has_full_picture
from access.sync.windows import CLOCK, WINDOW
from portal.accounts.models import User
from portal.desk.log import Row
from portal.ids import hidden_id

PICTURE_WORDS = {
    Picture.WANTED: gettext_lazy("The picture is on its way."),
    Picture.FAILED: gettext_lazy("The picture could not be fetched."),
    Picture.REFUSED: gettext_lazy("The picture's address is not allowed."),
}
_ANY_ID = "any-id"
# Why rows may be missing, by the cause of a gap.
GAP_WORDS = {
    WINDOW: gettext_lazy(
        "%(family)s: more happened than the door system keeps between two readings. Rows may be missing here."
    ),
    CLOCK: gettext_lazy(
        "%(family)s: the clock that tells these times went back. Rows may be missing here, and times be wrong."
    ),
}


def days(user: User, rows: Iterable[Row], *, are_new: bool = False) -> list[dict[str, Any]]:
    """The rows by day in the current time zone, for desk/_log_days.html."""
    teller = _Teller(user, are_new=are_new)
    today = timezone.localdate()
    named = []
    for day, of_day in groupby(rows, key=lambda row: row.place.at.astimezone(teller.zone).date()):
        named.append(
            {
                "iso": day.isoformat(),
                "words": _day_words(day, today),
                "rows": [teller.tell(row) for row in of_day],
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


class _Teller:
    """Turns the rows of one page into words. What many rows share is worked out once: dates, addresses, labels."""

    def __init__(self, user: User, *, are_new: bool) -> None:
        self.zone = timezone.get_current_timezone()
        self._are_new = are_new
        self._names_family = not user.is_family_admin
        self._dates: dict[tuple[date, str], str] = {}
        self._links: dict[str, list[tuple[str, str]]] = {}
        self._log_url = _address("desk:family_log")
        self._family_url = _address("families:family_detail")
        self._thumbnail_url = _address("access:opening_thumbnail")
        self._picture_url = _address("access:opening_picture")
        self._picture_page_url = _address("access:opening_picture_page")
        self._labels = {
            "family": _("Family"),
            "seen": _("First seen by the portal"),
            "from": _("Called from"),
            "opened": _("Opened"),
            "refused": _("Refused"),
            "called": _("Called"),
            "portal": _("from the portal"),
            "family_link": _("The family"),
            "log_link": _("This family's log"),
            "nobody": _("Not named"),
            "door": _("Door not named"),
        }

    def tell(self, row: Row) -> dict[str, Any]:
        """One row for desk/_log_rows.html."""
        local = row.place.at.astimezone(self.zone)
        values = row.values
        if row.kind == "gap":
            return self._gap(row, local)
        clock = f"{local:%H:%M:%S}"
        hidden = hidden_id(row.place.pk, row.kind)
        words: dict[str, Any] = {
            "kind": row.kind,
            "id": f"{row.kind}-{hidden}",
            "iso": row.place.at.isoformat(),
            "exact": f"{self._date(local, 'l j F Y')}, {clock} ({local.tzname()})",
            "clock": clock[:5],
            "seconds": clock[6:],
            "place": values["family__name"] if self._names_family else "",
            "is_new": self._are_new,
            "thumbnail_url": "",
            "links": self._links_of(values["family__public_id"]),
        }
        words |= self._opening(row, hidden) if row.kind == "opening" else self._call(row)
        if not values["is_time_readable"]:
            words["facts"].append(
                (_("Its time cannot be right; the door system wrote"), values["raw_time"] or "–")
            )
        return words

    def _opening(self, row: Row, hidden: str) -> dict[str, Any]:
        values, labels = row.values, self._labels
        by = values["command__actor_name"]
        facts = [(labels["family"], values["family__name"])]
        if by:
            facts.append((_("Pressed by"), by))
            facts.append((_("Named in the history as"), values["account_name"] or "–"))
            if values["command__reason"]:
                facts.append((_("Reason"), values["command__reason"]))
        facts.append((labels["seen"], self._clock(values["seen_at"])))
        result = "opened" if values["is_success"] else "refused"
        has_full = has_full_picture(values["picture"], values["picture_url"])
        return {
            "who": by or values["account_name"] or labels["nobody"],
            "note": labels["portal"] if by else "",
            "door": values["device_name"] or labels["door"],
            "how": values["open_door_type"] or "",
            "status": result,
            "result": labels[result],
            "thumbnail_url": self._thumbnail_url(hidden) if values["picture"] == Picture.READY else "",
            "picture_url": self._picture_url(hidden) if has_full else "",
            "picture_page_url": self._picture_page_url(hidden) if has_full else "",
            "picture_words": PICTURE_WORDS.get(values["picture"], ""),
            "facts": facts,
        }

    def _call(self, row: Row) -> dict[str, Any]:
        values, labels = row.values, self._labels
        return {
            "who": values["call_name"] or values["call_sip"] or labels["nobody"],
            "note": "",
            "door": "",
            "how": "",
            "status": "",
            "result": labels["called"],
            "facts": [
                (labels["family"], values["family__name"]),
                (labels["from"], values["call_sip"] or "–"),
                (labels["seen"], self._clock(values["seen_at"])),
            ],
        }

    def _gap(self, row: Row, local: datetime) -> dict[str, Any]:
        begins = row.values["begins_at"].astimezone(self.zone)
        is_same_day = begins.date() == local.date()
        start = f"{begins:%H:%M}" if is_same_day else f"{self._date(begins, 'j F')}, {begins:%H:%M}"
        words = GAP_WORDS.get(row.values["cause"]) or GAP_WORDS[WINDOW]
        return {
            "kind": "gap",
            "id": f"gap-{hidden_id(row.place.pk, row.kind)}",
            "words": _("Not recorded %(start)s – %(end)s.") % {"start": start, "end": f"{local:%H:%M}"},
            "detail": words % {"family": row.values["family__name"]},
        }

    def _clock(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{self._date(local, 'j F')}, {local:%H:%M:%S}"

    def _date(self, local: datetime, form: str) -> str:
        key = (local.date(), form)
        if key not in self._dates:
            self._dates[key] = date_format(local, form)
        return self._dates[key]

    def _links_of(self, family_id: str) -> list[tuple[str, str]]:
        if family_id not in self._links:
            self._links[family_id] = [
                (self._family_url(family_id), self._labels["family_link"]),
                (self._log_url(family_id), self._labels["log_link"]),
            ]
        return self._links[family_id]


def _address(name: str) -> Callable[[str], str]:
    """The address of that name for an id, resolved once for a page: for each row it would cost more than the row."""
    before, _found, after = reverse(name, args=[_ANY_ID]).rpartition(_ANY_ID)
    return lambda public_id: f"{before}{public_id}{after}"
