"""Stencils: a template rendered once for all that are alike, and filled in."""

import pytest
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils.safestring import mark_safe

from portal.web import stencils
from portal.web.stencils import fill

TEMPLATE = """{% load i18n %}{% if is_on %}<p id="{{ thing.id }}">{{ thing }}, {{ words }}</p>{% else %}{% blocktranslate with name=thing %}Not only {{ name }}{% endblocktranslate %}{% endif %}{% csrf_token %}"""


class Thing(dict):
    def __str__(self) -> str:
        return "<i>Thing</i>"


@pytest.fixture(autouse=True)
def template(tmp_path, settings):
    (tmp_path / "stencil.html").write_text(TEMPLATE)
    engine = {**settings.TEMPLATES[0], "DIRS": [tmp_path], "APP_DIRS": False}
    engine["OPTIONS"] = {
        **engine["OPTIONS"],
        "loaders": [("django.template.loaders.filesystem.Loader", [tmp_path])],
    }
    stencils.kept.cache_clear()
    with override_settings(TEMPLATES=[engine]):
        yield
    stencils.kept.cache_clear()


def values(**more):
    return {"thing": Thing(), "thing.id": 'a"b', "words": mark_safe("<b>bold</b>"), **more}


@pytest.mark.parametrize("is_on", [True, False])
def test_it_gives_what_rendering_gives_and_escapes_as_much(is_on):
    wanted = render_to_string(
        "stencil.html", {"is_on": is_on, "thing": Thing(id='a"b'), "words": mark_safe("<b>bold</b>")}
    )
    assert "&lt;i&gt;Thing" in wanted
    assert fill("stencil.html", {"is_on": is_on}, values()) == wanted


def test_each_combination_of_flags_is_rendered_once():
    for number in range(5):
        assert f'id="{number}"' in fill("stencil.html", {"is_on": True}, values(**{"thing.id": number}))
    assert stencils.kept.cache_info().misses == 1


def test_a_form_carries_the_token_that_is_given():
    html = fill("stencil.html", {"is_on": True}, values(csrf_token="abc"))
    assert 'name="csrfmiddlewaretoken" value="abc"' in html


def test_a_value_cannot_bring_a_hole_of_its_own():
    html = fill("stencil.html", {"is_on": True}, values(words="\x02thing.id\x03"))
    assert html.count("a&quot;b") == 1
