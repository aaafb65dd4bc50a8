"""The tags that tell since when something is as it is, and the rows of the list of families as HTML."""

import datetime as dt
from collections.abc import Collection, Iterable
from html import escape
from typing import Any

from django import template
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.web.templatetags.web import exact, status

register = template.Library()


@register.simple_tag
def since(value: dt.datetime | None) -> SafeString | str:
    """ "since 14:02", with the exact time and its zone on hover; "" for None.

    Never relative: "since 5 minutes ago" is not English, and would have to be kept true on an open page.
    """
    if value is None:
        return ""
    moment = value.astimezone(dt.UTC).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment, exact(value), _words(value))


def _words(value: dt.datetime) -> str:
    local = timezone.localtime(value)
    days = (timezone.localdate() - local.date()).days
    clock = format_date(local, "H:i")
    if days == 0:
        return _("since %s") % clock
    if days == 1:
        return _("since yesterday %s") % clock
    if 0 < days < 7:
        return _("since %s") % f"{format_date(local, 'l')} {clock}"
    return _("since %s") % format_date(local, "j M Y")


@register.filter
def grouped(number: int | None) -> str:
    """ "8,214"; "" for None."""
    return "" if number is None else number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def all_that_match(total: int) -> str:
    """ "All 8,214 that match, on every page"."""
    return _("All %s that match, on every page") % grouped(total)


@register.filter
def all_chosen(total: int) -> str:
    """ "All 8,214 that match are chosen"."""
    return _("All %s that match are chosen") % grouped(total)


@register.simple_tag
def property_options(places: Iterable[Any], chosen: str = "") -> SafeString:
    """Properties as the options of a select, by public id: an estate has dozens, and a list of it names them twice."""
    return mark_safe(  # noqa: S308 - see escape
        "".join(
            [
                f'<option value="{escape(place.public_id)}"{" selected" if place.public_id == chosen else ""}>{escape(place.name)}</option>'
                for place in places
            ]
        )
    )


@register.simple_tag
def family_rows(
    rows: Iterable[Any],
    *,
    shows_connection: bool = False,
    may_choose: bool = False,
    ticked: Collection[str] = (),
) -> SafeString:
    """The rows of the list (families.selectors.listing.FamilyRow), each a tr. ``ticked``: public ids.

    Design decision: written here and not by a template, as the rows of the log are: a page has fifty of them, and a
    template takes most of the page's time over them. Every value goes through ``escape``.
    """
    writer = _Rows(shows_connection, may_choose, ticked)
    return mark_safe("".join([writer.write(row) for row in rows]))  # noqa: S308 - see escape


class _Rows:
    """Writes rows; what they share is drawn and translated once."""

    def __init__(self, shows_connection: bool, may_choose: bool, ticked: Collection[str]) -> None:
        self._shows_connection, self._may_choose = shows_connection, may_choose
        self._ticked = ticked
        self._nameless, self._choose = _("(no name)"), escape(_("Choose"))
        self._property, self._state = escape(_("Property")), escape(_("State"))
        self._people, self._line = escape(_("People")), escape(_("Connection"))
        # An address of a public id is that of any other with the id put in its place.
        before, after = reverse("families:family_detail", args=["ID"]).split("ID")
        self._before, self._after = escape(before), escape(after)
        self._none = status("attention", _("None"))
        self._gone = status("off", _("Gone"))
        self._not_installed = status("attention", _("Not installed"))
        self._online, self._offline = status("online", _("Online")), status("offline", _("Offline"))

    def write(self, row: Any) -> str:
        name, key = escape(row.name or self._nameless), escape(row.public_id)
        met = f"<small>{escape(', '.join(row.found))}</small>" if row.found else ""
        place = (
            f"<bdi>{escape(row.property_name)}</bdi>" if row.property_name else '<span class="quiet">–</span>'
        )
        mark = " checked" if row.public_id in self._ticked else ""
        box = (
            f'<td class="family-table__choose"><label><input type="checkbox" name="family" value="{key}"{mark}>'
            f'<span class="visually-hidden">{self._choose} {name}</span></label></td>'
            if self._may_choose
            else ""
        )
        line = f'<td data-label="{self._line}">{self._connection(row)}</td>' if self._shows_connection else ""
        return (
            f'<tr>{box}<th scope="row" class="table__name"><a href="{self._before}{key}{self._after}"><bdi>{name}</bdi></a>{met}</th>'
            f'<td data-label="{self._property}">{place}</td>'
            f'<td data-label="{self._state}"><span class="family-state">{self._state_of(row)}</span></td>'
            f'<td data-label="{self._people}" class="number">{row.people}{self._invited(row)}</td>{line}</tr>\n'
        )

    def _state_of(self, row: Any) -> str:
        if row.gone_at:
            return f'{self._gone} <small class="quiet">{since(row.gone_at)}</small>'
        if not row.is_installed:
            return self._not_installed
        if row.is_online:
            return self._online
        if row.online_changed_at:
            return f'{self._offline} <small class="quiet">{since(row.online_changed_at)}</small>'
        return self._offline

    def _invited(self, row: Any) -> str:
        if not row.invited:
            return ""
        words = ngettext("%d invited", "%d invited", row.invited) % row.invited
        return f' <small class="quiet">{escape(words)}</small>'

    def _connection(self, row: Any) -> str:
        if row.connection is None:
            return self._none
        name = f"<bdi>{escape(row.connection.name)}</bdi>"
        if not row.connection.trouble:
            return name
        trouble = status("attention", row.connection.trouble)
        return f'<span class="family-state">{trouble} <small class="quiet">{name}</small></span>'
