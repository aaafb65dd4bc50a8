"""The geometry of the chart of calls: numbers in, positions for an SVG of the server out."""

from collections.abc import Sequence
from typing import Protocol, TypedDict

from django import template
from django.utils.translation import ngettext

register = template.Library()

BAR_WIDTH = 10
HEIGHT = 100
# The highest bar stays below the line that carries its number.
ROOM = 94
MARKS = 4


class Minute(Protocol):
    """One minute: as a clock shows it, and its calls."""

    words: str
    calls: int


class Bar(TypedDict):
    """Where a bar stands, in the units of the drawing, and what it says; no height is no bar."""

    x: int
    y: str
    height: str
    words: str


class Chart(TypedDict):
    """All bars, the highest minute, and the marks below."""

    bars: list[Bar]
    width: int
    peak: int
    marks: list[str]


@register.simple_tag
def call_bars(minutes: Sequence[Minute]) -> Chart:
    """Bars of the calls by minute. The positions are text with a point, whatever the language."""
    peak = max((minute.calls for minute in minutes), default=0)
    step = max(1, len(minutes) // MARKS)
    marks = [minute.words for minute in minutes[::step]]
    if minutes:
        marks.append(minutes[-1].words)
    bars = [_bar(place, minute, peak) for place, minute in enumerate(minutes)]
    return Chart(bars=bars, width=max(1, len(minutes)) * BAR_WIDTH, peak=peak, marks=marks)


def _bar(place: int, minute: Minute, peak: int) -> Bar:
    height = max(1.5, minute.calls * ROOM / peak) if minute.calls else 0.0
    told = ngettext("%(minute)s: %(calls)d call", "%(minute)s: %(calls)d calls", minute.calls)
    return Bar(
        x=place * BAR_WIDTH,
        y=f"{HEIGHT - height:.1f}",
        height=f"{height:.1f}" if minute.calls else "",
        words=told % {"minute": minute.words, "calls": minute.calls},
    )
