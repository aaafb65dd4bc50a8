"""Fragments that stand on a page many times over: the template is rendered once for all that are alike.

Design decision: a card of a door is five templates with forty conditions, and a page of them took Django ten times as long
as the database. What is alike in them is rendered once, with marks where the values go; a page then fills in the values.
The template stays the one place that says how it looks, and draws what has no stencil.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

# Characters that no cleaned text holds, and that escaping leaves as they are.
_MARK = re.compile("\x02([^\x03]+)\x03")


def fill(template: str, flags: Mapping[str, Any], values: Mapping[str, Any]) -> SafeString:
    """The template with these values, as rendering it would give it.

    ``flags`` are what its conditions ask, few and of few values: each combination is rendered and kept. ``values`` it
    only shows, as they are: no condition may ask after them, no filter change them. Both are named as the template names
    them, "device.name". ``csrf_token`` among the values is what its forms send.
    """
    pieces = _stencil(template, get_language() or "", tuple(flags.items()), tuple(values))
    shown = {
        name: value if type(value) is SafeString else conditional_escape(value)
        for name, value in values.items()
    }
    return mark_safe("".join([shown[one] if is_hole else one for one, is_hole in pieces]))  # noqa: S308 - all escaped


def _stencil(
    template: str, language: str, flags: tuple[tuple[str, Any], ...], names: tuple[str, ...]
) -> tuple[tuple[str, bool], ...]:
    # Templates that are being written are read anew.
    return (_make if settings.DEBUG else kept)(template, language, flags, names)


def _make(
    template: str, language: str, flags: tuple[tuple[str, Any], ...], names: tuple[str, ...]
) -> tuple[tuple[str, bool], ...]:
    context: dict[str, Any] = {}
    for name in names:
        _put(context, name, SafeString(f"\x02{name}\x03"))
    for name, value in flags:
        _put(context, name, value)
    # Every other piece is the name of a hole.
    found = _MARK.split(get_template(template).render(context))
    return tuple((one, bool(number % 2)) for number, one in enumerate(found))


# What was rendered so far.
kept = lru_cache(maxsize=512)(_make)


class _Branch(dict[str, Any]):
    """A thing with attributes that is itself shown too."""

    def __html__(self) -> str:
        return str(self.get("", ""))

    __str__ = __html__


def _put(context: dict[str, Any], name: str, value: Any) -> None:
    """Put a value where the template finds it under its dotted name."""
    *above, last = name.split(".")
    for one in above:
        inside = context.get(one)
        if not isinstance(inside, _Branch):
            inside = _Branch({} if inside is None else {"": inside})
        context[one] = inside
        context = inside
    if isinstance(known := context.get(last), _Branch):
        known[""] = value
    else:
        context[last] = value
