"""Outages as a page draws and tells them."""

from datetime import timedelta
from typing import TypedDict

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.selectors.outages import PERIOD, Times, Watch, merged, without

register = template.Library()

_HEIGHT = 12
# An hour is one wide; what is shorter than this would not be seen.
_HOUR = timedelta(hours=1)
_LEAST_WIDTH = 3.0
_WIDTH = int(PERIOD / _HOUR)


class Band(TypedDict):
    """A time of the strip: "online", "offline", or "before" it was known here. Where nothing is drawn nobody knows."""

    kind: str
    x: str
    width: str


@register.simple_tag
def outage_strip(watch: Watch) -> SafeString:
    """When a device was offline over the last 30 days. What is hatched nobody knows: it was not asked after."""
    words = conditional_escape(outage_words(watch))
    bands = "".join(
        [
            f'<rect class="strip__{band["kind"]}" x="{band["x"]}" y="0" width="{band["width"]}" height="{_HEIGHT}"/>'
            for band in outage_bands(watch)
        ]
    )
    return mark_safe(  # noqa: S308 - numbers, and escaped words
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{words}"><title>{words}</title>{bands}</svg>'
    )


def outage_bands(watch: Watch) -> list[Band]:
    """The watch as bands over the last 30 days, an hour one wide, its end at the right; what is short is drawn last."""
    start = watch.ended_at - PERIOD
    lapses = merged(watch.lapses)
    whole: Times = [(watch.began_at, watch.ended_at)]
    offline = without(merged(watch.outages), lapses)
    online = without(without(whole, lapses), offline)
    bands = []
    if watch.began_at > start:
        bands.append(Band(kind="before", x="0.0", width=f"{(watch.began_at - start) / _HOUR:.1f}"))
    for kind, times in (("online", online), ("offline", offline)):
        for began, ended in times:
            width = (ended - began) / _HOUR
            x = (began - start) / _HOUR
            if kind == "offline" and width < _LEAST_WIDTH:
                x, width = min(x, _WIDTH - _LEAST_WIDTH), _LEAST_WIDTH
            bands.append(Band(kind=kind, x=f"{x:.1f}", width=f"{width:.1f}"))
    return bands


def outage_words(watch: Watch) -> str:
    """The strip in one sentence, for whoever does not see it."""
    days = round((watch.ended_at - watch.began_at) / timedelta(days=1))
    over = (
        ngettext("over one day", "over %(n)d days", days) % {"n": days} if days else _("since a short while")
    )
    number = len(watch.outages)
    if watch.known <= timedelta(0):
        return _("Not known: nobody could ask")
    if number:
        told = ngettext("Offline once, for %(time)s", "Offline %(n)d times, for %(time)s", number)
        words = told % {"n": number, "time": how_long(watch.offline)}
    else:
        words = _("Never seen offline")
    if watch.unknown:
        words = _("%(words)s; nobody asked for %(time)s") % {"words": words, "time": how_long(watch.unknown)}
    return f"{words}, {over}"


@register.filter
def how_long(value: timedelta) -> str:
    """A length of time in its two largest units: "2 h 5 min", "40 s"."""
    seconds = max(0, round(value.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return _units(_("%(n)d d") % {"n": days}, hours % 24 and _("%(n)d h") % {"n": hours % 24})
    if hours:
        return _units(_("%(n)d h") % {"n": hours}, minutes % 60 and _("%(n)d min") % {"n": minutes % 60})
    if minutes:
        return _units(_("%(n)d min") % {"n": minutes}, seconds % 60 and _("%(n)d s") % {"n": seconds % 60})
    return _("%(n)d s") % {"n": seconds}


def _units(large: str, small: object) -> str:
    return f"{large} {small}" if small else large
