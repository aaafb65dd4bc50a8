"""The rows of the log are written in Python: what a template escapes by itself has to be escaped there."""

from html import escape

import pytest
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

HOSTILE = "<img src=x onerror=\"alert('1')\"> & co"
OPENING = {
    "kind": "opening",
    "id": "opening-1",
    "iso": "2026-11-21T16:49:30+00:00",
    "exact": "Saturday 21 November 2026, 16:49:30 (WET)",
    "clock": "16:49",
    "seconds": "30",
    "who": "Inês",
    "note": "from the portal",
    "door": "Courtyard Gate",
    "place": "Casa Núñez",
    "how": "Face",
    "status": "opened",
    "result": "Opened",
    "thumbnail_url": "",
    "picture_words": "",
    "facts": [("Reason", "locked out")],
    "links": [("/families/1/", "The family")],
}
GAP = {"kind": "gap", "id": "gap-1", "words": "Not recorded 14:02 – 14:40.", "detail": "Casa Núñez."}


def written(**changes: object) -> str:
    return render_to_string("desk/_log_rows.html", {"rows": [OPENING | changes]})


@pytest.mark.parametrize(
    "name", [name for name in OPENING if name not in {"facts", "links", "kind", "status"}]
)
def test_every_value_of_a_row_is_shown_as_text(name):
    text = written(**{name: HOSTILE})

    assert escape(HOSTILE) in text
    assert HOSTILE not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"facts": [(HOSTILE, "x")]},
        {"facts": [("x", HOSTILE)]},
        {"links": [(HOSTILE, "x")]},
        {"links": [("/x/", HOSTILE)]},
        {"picture_url": HOSTILE},
        {"status": "", "result": HOSTILE},
    ],
)
def test_facts_links_and_pictures_are_shown_as_text_too(changes):
    text = written(**changes)

    assert escape(HOSTILE) in text
    assert HOSTILE not in text


@pytest.mark.parametrize("name", ["id", "words", "detail"])
def test_every_value_of_a_gap_is_shown_as_text(name):
    text = render_to_string("desk/_log_rows.html", {"rows": [GAP | {name: HOSTILE}]})

    assert escape(HOSTILE) in text
    assert HOSTILE not in text


def test_what_is_html_already_stays_so():
    assert "<b>Inês</b>" in written(who=mark_safe("<b>Inês</b>"))


def test_a_row_that_came_while_somebody_watched_is_marked():
    assert "entry--new" in written(is_new=True)
    assert "entry--new" not in written()


def test_a_row_without_a_picture_says_why():
    text = written(picture_words="The picture is on its way.")

    assert 'title="The picture is on its way."' in text
    assert "<img" not in text


def test_both_sizes_of_a_picture_are_there():
    text = written(thumbnail_url="/small.jpg", picture_url="/large.jpg")

    assert text.count("<img") == 2
    assert 'alt="Picture taken at the door"' in text


def test_a_row_without_a_door_gives_its_family_the_room():
    assert "<small>Casa Núñez</small>" in written(door="")
    assert '<small class="entry__place">Casa Núñez</small>' in written()
