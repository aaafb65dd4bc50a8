"""The frame around every page: what is made once stays true, and entries say what they are."""

from types import SimpleNamespace as Entry

from django.template import Context, Template
from django.utils import translation

from portal.web.sheet import whole_sheet


def render(text: str, **context: object) -> str:
    return Template("{% load frame %}" + text).render(Context(context))


def entry(**more: object) -> Entry:
    made = {"url": "/doors/", "label": "Doors", "short_label": "", "icon": "door-open", "is_current": False}
    return Entry(**made | {"count": 0, "is_on_bar": True} | more)


def test_an_entry_says_where_it_leads_which_is_here_and_how_many_wait() -> None:
    shown = render("{% rail_entries items %}", items=[entry(is_current=True, count=3)])
    assert 'href="/doors/" aria-current="page"' in shown
    assert '<span>Doors</span><span class="rail__count">3</span>' in shown


def test_nothing_is_drawn_where_nothing_waits() -> None:
    items = [entry()]
    shown = render("{% rail_entries items %}{% bar_entries items %}", items=items)
    assert "__count" not in shown
    assert "aria-current" not in shown


def test_the_bottom_bar_has_its_entries_alone_and_the_sheet_the_others() -> None:
    items = [entry(short_label="Door"), entry(url="/audit/", label="Audit", is_on_bar=False)]
    bar, more = render("{% bar_entries items %}", items=items), "{% rail_entries items without_bar=True %}"
    assert "<span>Door</span>" in bar
    assert "/audit/" not in bar
    assert "/doors/" not in render(more, items=items)
    assert "/audit/" in render(more, items=items)


def test_markup_in_an_entry_is_text() -> None:
    items = [entry(label="<b>Doors</b>", short_label='"><i>', url='/?q="><script>')]
    shown = render("{% rail_entries items %}{% bar_entries items %}", items=items)
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<script>" not in shown


def test_the_head_follows_the_style_sheet_and_is_another_where_nothing_may_be_left_behind() -> None:
    text = '{% unchanging "web/_head.html" sheet_url=sheet leaves_nothing=secret %}'
    address = whole_sheet().address
    assert f'href="{address}"' in render(text, sheet=address, secret=False)
    assert "django_htmx/htmx" in render(text, sheet=address, secret=False)
    assert "django_htmx/htmx" not in render(text, sheet=address, secret=True)
    assert 'href="/style/other.css"' in render(text, sheet="/style/other.css")


def test_what_is_made_once_is_made_once_in_each_language() -> None:
    from portal.web.templatetags.frame import _made

    text = '{% unchanging "web/_notice_words.html" %}'
    _made.cache_clear()
    for language in ("en", "de", "en", "de"):
        with translation.override(language):
            render(text)
    assert (_made.cache_info().misses, _made.cache_info().hits) == (2, 2)


def test_what_is_kept_stands_where_it_is_shown_and_stays_as_it_was_escaped() -> None:
    shown = render("{% kept as twice %}<i>{{ name }}</i>{% endkept %}{{ twice }}{{ twice }}", name="<b>")
    assert shown == "<i>&lt;b&gt;</i>" * 2
