"""The geometry of the few charts there are: numbers in, positions for an SVG of the server out."""

from collections.abc import Sequence
from typing import Any, TypedDict

from django import template
from django.utils.translation import gettext as _

register = template.Library()

BAR_WIDTH = 10
# The plot is 100 high; the highest bar stays below the dotted line that carries its number.
HEIGHT = 100
ROOM = 94


class Bar(TypedDict):
    """One hour: where its two rectangles stand, in the units of the drawing, and what they say."""

    x: int
    words: str
    opened_y: str
    opened_height: str
    refused_y: str
    refused_height: str


class Chart(TypedDict):
    """All bars, the sums, the highest hour, and up to five marks below."""

    bars: list[Bar]
    width: int
    opened: int
    refused: int
    peak: int
    marks: list[str]


@register.simple_tag
def hour_bars(hours: Sequence[Any]) -> Chart:
    """Bars of ``hours`` (dicts or objects with words, short, opened, refused), refusals stacked on top.

    The positions are text with a point, whatever the language: a comma breaks an SVG.
    """
    rows = [
        (
            str(_field(hour, "words")),
            str(_field(hour, "short")),
            int(_field(hour, "opened")),
            int(_field(hour, "refused")),
        )
        for hour in hours
    ]
    peak = max((opened + refused for *_rest, opened, refused in rows), default=0)
    step = max(1, len(rows) // 4)
    marks = [short for _words, short, _opened, _refused in rows[::step]]
    if len(rows) == 24:
        marks.append("24")
    return Chart(
        bars=[_bar(place, *row, peak) for place, row in enumerate(rows)],
        width=max(1, len(rows)) * BAR_WIDTH,
        opened=sum(row[2] for row in rows),
        refused=sum(row[3] for row in rows),
        peak=peak,
        marks=marks,
    )


def _bar(place: int, words: str, _short: str, opened: int, refused: int, peak: int) -> Bar:
    scale = ROOM / peak if peak else 0
    # A single refusal among hundreds is still seen.
    refused_height = max(2.5, refused * scale) if refused else 0
    opened_height = max(1.0, opened * scale) if opened else 0
    opened_height = min(opened_height, ROOM - refused_height)
    seam = 0.8 if refused and opened else 0
    return Bar(
        x=place * BAR_WIDTH,
        words=_("%(hour)s: %(opened)d opened, %(refused)d refused")
        % {"hour": words, "opened": opened, "refused": refused},
        opened_y=f"{HEIGHT - opened_height:.1f}",
        opened_height=f"{opened_height:.1f}",
        refused_y=f"{HEIGHT - opened_height - refused_height - seam:.1f}",
        refused_height=f"{refused_height:.1f}" if refused else "",
    )


def _field(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)
