import gzip
import math
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from portal.web.sheet import FILES, whole_sheet

ROOT = Path(__file__).resolve().parents[2]
TOKENS = ROOT / "static" / "css" / "tokens.css"
SURFACES = ["paper", "raised", "sunken"]
# Ink on a surface: WCAG AA asks 4.5 of text, and 3 of shapes and edges.
TEXT = [
    *(
        (ink, surface)
        for ink in ("ink", "quiet", "accent", "ok", "bad", "warn", "unknown")
        for surface in SURFACES
    ),
    *((status, f"{status}-wash") for status in ("ok", "bad", "warn", "unknown")),
    *(("ink", f"{status}-wash") for status in ("ok", "bad", "warn", "unknown")),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("accent", "tint"),
    ("paper", "ink"),
]
SHAPES = [("edge", surface) for surface in SURFACES] + [("bad", "bar")]


def colours(scheme: str) -> dict[str, str]:
    found = re.findall(r"--([\w-]+): light-dark\((oklch\([^)]*\)), (oklch\([^)]*\))\);", TOKENS.read_text())
    return {name: light if scheme == "light" else dark for name, light, dark in found}


def luminance(colour: str) -> float:
    lightness, chroma, hue = re.fullmatch(r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)", colour).groups()
    light, c, h = float(lightness) / 100, float(chroma), math.radians(float(hue))
    a, b = c * math.cos(h), c * math.sin(h)
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(scheme: str, one: str, other: str) -> float:
    known = colours(scheme)
    lower, higher = sorted([luminance(known[one]), luminance(known[other])])
    return (higher + 0.05) / (lower + 0.05)


def test_black_on_white_is_twenty_one() -> None:
    assert luminance("oklch(100% 0 0)") == pytest.approx(1, abs=0.001)
    assert luminance("oklch(0% 0 0)") == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "surface"), TEXT)
def test_text_can_be_read(scheme: str, ink: str, surface: str) -> None:
    assert contrast(scheme, ink, surface) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "surface"), SHAPES)
def test_edges_of_controls_and_bars_can_be_told_apart(scheme: str, shape: str, surface: str) -> None:
    assert contrast(scheme, shape, surface) >= (1.5 if surface == "bar" else 3)


def test_the_style_sheets_stay_small() -> None:
    assert len(gzip.compress(whole_sheet().content)) <= 20_000


def test_every_file_is_in_the_sheet_once_and_the_tokens_come_first() -> None:
    assert FILES[0] == "tokens"
    assert sorted(FILES) == sorted(sheet.stem for sheet in TOKENS.parent.glob("*.css"))


def test_a_page_names_the_sheet_and_a_browser_keeps_it_for_good(client: Client) -> None:
    page = client.get(reverse("account_login")).text
    [address] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert answer.content == whole_sheet().content
    assert "immutable" in answer["Cache-Control"]
    assert answer["Vary"] == "Accept-Encoding"


def test_a_page_from_before_gets_the_sheet_of_now_and_keeps_it_not(client: Client) -> None:
    answer = client.get("/style/0123456789abcdef.css")
    assert answer.content == whole_sheet().content
    assert "no-store" in answer["Cache-Control"]


def test_colours_stand_in_the_tokens_alone() -> None:
    found = [
        f"{sheet.name}: {match}"
        for sheet in TOKENS.parent.glob("*.css")
        if sheet != TOKENS
        for match in re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|oklch\(", sheet.read_text())
    ]
    assert found == []
