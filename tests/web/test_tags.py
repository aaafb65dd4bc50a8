import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone

from portal.web.templatetags.charts import hour_bars
from portal.web.templatetags.web import in_fours, masked

ROOT = Path(__file__).resolve().parents[2]
NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def render(text: str, **context: object) -> str:
    return Template("{% load web %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (dt.timedelta(seconds=20), "just now"),
        (dt.timedelta(seconds=-20), "in a moment"),
        (dt.timedelta(seconds=70), "1 minute ago"),
        (dt.timedelta(minutes=40), "40 minutes ago"),
        (dt.timedelta(minutes=-40), "in 40 minutes"),
        (dt.timedelta(hours=5), "today 16:00"),
        (dt.timedelta(hours=22), "yesterday 23:00"),
        (dt.timedelta(hours=-20), "tomorrow 17:00"),
        (dt.timedelta(days=3), "Wednesday 21:00"),
        (dt.timedelta(days=30), "22 Oct, 21:00"),
        (dt.timedelta(days=400), "17 Oct 2025"),
    ],
)
def test_a_moment_is_told_relative_first_in_the_persons_zone(ago: dt.timedelta, words: str) -> None:
    with time_machine.travel(NOON, tick=False), timezone.override(ZoneInfo("Asia/Tokyo")):
        told = render("{% when value %}", value=NOON - ago)
    assert f">{words}</time>" in told


def test_a_moment_keeps_its_exact_time_and_names_its_zone() -> None:
    with time_machine.travel(NOON, tick=False), timezone.override(ZoneInfo("Europe/Lisbon")):
        told = render("{% when value %}", value=NOON - dt.timedelta(minutes=5))
    assert 'datetime="2026-11-21T11:55:00+00:00"' in told
    assert 'title="Saturday 21 November 2026, 11:55:00 (Lisbon, WET)"' in told


def test_no_moment_shows_what_was_asked_for() -> None:
    assert render('{% when value "never" %}', value=None) == "never"


def test_a_status_is_a_shape_a_colour_and_a_word() -> None:
    told = render('{% status "refused" word %}', word="<Refused>")
    assert "status--bad" in told
    assert "<svg" in told
    assert "&lt;Refused&gt;" in told


def test_an_unknown_kind_is_never_drawn_as_a_good_one() -> None:
    assert "status--off" in render('{% status "brand_new" "?" %}')
    assert "status--unknown" in render('{% status "no_trace" "?" %}')


def test_an_icon_is_hidden_from_screen_readers_and_has_no_style() -> None:
    drawn = render('{% icon "house" 20 %}')
    assert 'aria-hidden="true"' in drawn
    assert 'width="20"' in drawn
    assert "style=" not in drawn


def test_codes_are_read_in_fours_and_hidden_as_dots() -> None:
    assert in_fours("A1B2C3D4E") == "A1B2 C3D4 E"
    assert masked("12345") == "●●●● ●"


def test_bars_stack_refusals_on_openings_and_stay_in_the_picture() -> None:
    hours = [
        {"words": f"{n}", "short": f"{n:02}", "opened": n * 40, "refused": int(n == 3)} for n in range(24)
    ]
    chart = hour_bars(hours)
    assert (chart["opened"], chart["refused"], chart["peak"]) == (sum(range(24)) * 40, 1, 920)
    assert chart["marks"] == ["00", "06", "12", "18", "24"]
    third = chart["bars"][3]
    assert float(third["refused_height"]) >= 2
    assert float(third["refused_y"]) + float(third["refused_height"]) <= float(third["opened_y"])
    for bar in chart["bars"]:
        assert float(bar["opened_y"]) + float(bar["opened_height"]) == pytest.approx(100, abs=0.11)
        assert float(bar["opened_y"]) >= 0


def test_bars_of_a_silent_day_are_empty() -> None:
    chart = hour_bars([{"words": "", "short": "00", "opened": 0, "refused": 0}] * 24)
    assert chart["peak"] == 0
    assert {bar["opened_height"] for bar in chart["bars"]} == {"0.0"}


# What the Content-Security-Policy refuses, and what allowEval=false would ignore while the request goes out.
FORBIDDEN = [
    re.compile(r"\sstyle\s*="),
    re.compile(
        r"\son(?:click|change|submit|input|load|error|focus|blur|toggle|key\w+|mouse\w+|pointer\w+)\s*="
    ),
    re.compile(r"\shx-on"),
    re.compile(r"javascript:"),
    re.compile(r"<script(?![^>]*\ssrc=)"),
    re.compile(r"hx-trigger=\"[^\"]*\["),
    re.compile(r"(?:src|href)=\"(?:https?:)?//"),
]


def templates() -> dict[str, str]:
    """What each template holds, without its comments."""
    return {
        str(template.relative_to(ROOT / "templates")): re.sub(
            r"{% comment.*?endcomment %}", "", template.read_text(), flags=re.DOTALL
        )
        for template in sorted((ROOT / "templates").rglob("*.html"))
    }


def test_no_template_holds_what_the_policy_forbids() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in templates().items()
        for pattern in FORBIDDEN
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_only_the_frame_of_the_mails_has_a_style_element() -> None:
    # A mail has no style sheet to ask for; a page has, and the policy refuses anything else.
    assert [name for name, text in templates().items() if "<style" in text] == ["mail/base.html"]
