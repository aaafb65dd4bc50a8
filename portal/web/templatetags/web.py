"""The tags every template may load: icons, statuses, times, codes."""

import datetime as dt
import re
from functools import cache, lru_cache
from typing import Any

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from portal.web.sheet import whole_sheet

register = template.Library()

_SHAPES = {
    "ok": '<circle cx="6" cy="6" r="5" fill="currentColor"/>',
    "bad": '<path d="m2 2 8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>',
    "warn": '<path d="M6 .8 11.6 11H.4z" fill="currentColor"/>',
    "unknown": (
        '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>'
        '<path d="M6 1.4a4.6 4.6 0 0 1 0 9.2z" fill="currentColor"/>'
    ),
    "off": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "stale": (
        '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 1.7"/>'
    ),
}
# The words of the domain, and the levels of Django's messages, for the six that are drawn.
_ALIASES = {
    "opened": "ok",
    "online": "ok",
    "success": "ok",
    "done": "ok",
    "refused": "bad",
    "failed": "bad",
    "error": "bad",
    "attention": "warn",
    "warning": "warn",
    "offline": "off",
    "info": "off",
    "debug": "off",
    "not_sent": "off",
    "outcome_unknown": "unknown",
    # The states of a command.
    "succeeded": "ok",
    "confirmed_by_history": "ok",
    "no_trace": "unknown",
    "intent": "stale",
    "sent": "stale",
    "closed_by_user": "off",
}


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """The lucide icon of that name, drawn inline and hidden from screen readers: words always stand beside it."""
    return _drawn_icon(str(name), int(size))


@cache
def _drawn_icon(name: str, size: int) -> SafeString:
    # Drawing one parses and writes XML, too slow for a row; the set in use is small, so each is drawn once.
    drawn = lucide(name, size=size, stroke_width="1.75", aria_hidden="true", **{"class": "icon"})
    return mark_safe(re.sub(r">\s+<", "><", drawn.strip()))  # noqa: S308 - the package's own drawing


@register.simple_tag
def status(kind: str, word: str) -> SafeString:
    """A status as shape, colour and word. ``kind``: ok, bad, warn, unknown, off, stale, or a word that means one."""
    kind = _status_kind(kind)
    return format_html(
        '<span class="status status--{}">{}<span class="status__word">{}</span></span>',
        kind,
        _drawn_shape(kind),
        word,
    )


@register.simple_tag
def status_shape(kind: str) -> SafeString:
    """The shape alone, where the word stands elsewhere in the same row."""
    return _drawn_shape(_status_kind(kind))


@register.simple_tag
def status_class(component: str, kind: str) -> str:
    """The variant of a component for a status: ``notice--bad``."""
    return f"{component}--{_status_kind(kind)}"


def _status_kind(kind: Any) -> str:
    kind = str(kind)
    kind = _ALIASES.get(kind, kind)
    return kind if kind in _SHAPES else "off"


@cache
def _drawn_shape(kind: str) -> SafeString:
    return mark_safe(  # noqa: S308 - a constant
        f'<svg class="status__shape status__shape--{kind}" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">'
        f"{_SHAPES[kind]}</svg>"
    )


@register.simple_tag
def when(value: dt.datetime | None, missing: str = "") -> SafeString | str:
    """A moment, relative first, with the exact time and its zone on hover, in the current time zone.

    ``missing`` is what is shown for None. static/js/ages.js keeps the words true while a page stays open.
    """
    if value is None:
        return missing
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        value.astimezone(dt.UTC).isoformat(timespec="seconds"),
        exact(value),
        relative(value),
    )


@register.filter
def exact(value: dt.datetime) -> str:
    """ "Saturday 21 November 2026, 16:49:30 (Lisbon, WET)": the moment in the current time zone, which is named."""
    local = timezone.localtime(value)
    zone = ", ".join(dict.fromkeys([str(zone_name()), str(local.tzname())]))
    return f"{_long_day(local.date(), get_language())}, {local:%H:%M:%S} ({zone})"


@lru_cache(maxsize=256)
def _long_day(day: dt.date, language: str | None) -> str:
    # Pages tell many moments of few days, and a language writes a day in one way.
    return format_date(day, "l j F Y")


@register.simple_tag
def zone_name() -> str:
    """The place the current time zone is called after: "Lisbon" for Europe/Lisbon."""
    return timezone.get_current_timezone_name().rpartition("/")[2].replace("_", " ")


@register.filter
def relative(value: dt.datetime) -> str:
    """ "5 minutes ago", "yesterday 23:04", "in 2 days", or the date from a week on."""
    seconds = (timezone.now() - value).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return _("just now") if seconds >= 0 else _("in a moment")
    if distance < 5_400:
        minutes = max(1, round(distance / 60))
        if seconds >= 0:
            return ngettext("%d minute ago", "%d minutes ago", minutes) % minutes
        return ngettext("in %d minute", "in %d minutes", minutes) % minutes
    local = timezone.localtime(value)
    days = (timezone.localdate() - local.date()).days
    clock = f"{local:%H:%M}"
    if days == 0:
        return _("today %s") % clock
    if days == 1:
        return _("yesterday %s") % clock
    if days == -1:
        return _("tomorrow %s") % clock
    if abs(days) < 7:
        return f"{format_date(local, 'l')} {clock}"
    this_year = local.year == timezone.localdate().year
    return format_date(local, "j M, H:i" if this_year else "j M Y")


@register.filter
def in_fours(code: str) -> str:
    """A code in groups of four, as one reads it aloud: "A1B2 C3D4"."""
    return " ".join(re.findall(r".{1,4}", str(code)))


@register.filter
def masked(code: str) -> str:
    """A code not yet asked for: as many dots as it has signs, in groups of four."""
    return in_fours("●" * len(str(code)))


@register.simple_tag
def style_sheet_url() -> str:
    """The address of the style sheet as it is now."""
    return whole_sheet().address
