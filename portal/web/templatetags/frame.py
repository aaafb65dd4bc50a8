"""The tags of the frame around every page: what is the same on each is made once, and its entries are not templates.

Design decision: the frame was half of what a page took to make. Its sentences for notices and its head change with the
language and the style sheet only; an entry of the navigation stands on each page twice.
"""

from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Any, cast

from django import template
from django.conf import settings
from django.template import Context, Engine, Template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from portal.web.templatetags.web import icon

register = template.Library()


@register.simple_tag(takes_context=True)
def unchanging(context: Context, template_name: str, **taken: Any) -> SafeString:
    """A template that takes nothing but what is named here: made once for each language and each of these."""
    made = _made.__wrapped__ if settings.DEBUG else _made
    engine = cast("Template", context.template).engine
    return made(engine, template_name, get_language(), tuple(sorted(taken.items())))


@register.simple_block_tag
def kept(content: str) -> str:
    """What stands between, for a page that shows it twice: ``{% kept as name %}…{% endkept %}``."""
    return content


@register.simple_tag
def rail_entries(items: Iterable[Any], *, without_bar: bool = False) -> SafeString:
    """The entries of the navigation (url, label, icon, is_current, count, is_on_bar), each a li; ``without_bar``: only
    those that the phone's bottom bar has no place for. Nothing is drawn for a count of 0."""
    return mark_safe(  # noqa: S308 - see escape
        "".join(
            [
                f'<li><a class="rail__link" href="{escape(item.url)}"{_current(item)}>{icon(item.icon)}'
                f"<span>{escape(str(item.label))}</span>{_count('rail__count', item)}</a></li>"
                for item in items
                if not (without_bar and item.is_on_bar)
            ]
        )
    )


@register.simple_tag
def bar_entries(items: Iterable[Any]) -> SafeString:
    """The entries of the phone's bottom bar, which says a shorter label where there is one."""
    return mark_safe(  # noqa: S308 - see escape
        "".join(
            [
                f'<a class="bottom-bar__link" href="{escape(item.url)}"{_current(item)}>{icon(item.icon, 22)}'
                f"<span>{escape(str(item.short_label or item.label))}</span>{_count('bottom-bar__count', item)}</a>"
                for item in items
                if item.is_on_bar
            ]
        )
    )


@lru_cache(maxsize=64)
def _made(
    engine: Engine, template_name: str, _language: str | None, taken: tuple[tuple[str, Any], ...]
) -> SafeString:
    return engine.get_template(template_name).render(Context(dict(taken)))


def _current(item: Any) -> str:
    return ' aria-current="page"' if item.is_current else ""


def _count(css_class: str, item: Any) -> str:
    return f'<span class="{css_class}">{escape(str(item.count))}</span>' if item.count else ""
