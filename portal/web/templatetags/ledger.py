"""The rows of the log as HTML.

Design decision: these are written here and not by a template. A page has fifty of them, each of forty small pieces;
a template takes four times as long over them as all the rest of the page. Every value goes through ``_text``.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from portal.web.templatetags.web import icon, status, status_shape

register = template.Library()

_IN_DOOR = ' class="entry__place"'


@register.simple_tag
def ledger_rows(rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """Rows as desk/_log_rows.html takes them, one list item each."""
    writer = _Writer()
    return mark_safe("".join([writer.write(row) for row in rows]))  # noqa: S308 - see _text


class _Writer:
    """Writes rows; what they share is drawn and translated once."""

    def __init__(self) -> None:
        self._nobody, self._call = icon("user-round", 20), icon("phone", 18)
        self._chevron = icon("chevron-right", 16)
        self._when, self._alt = _text(_("When")), _text(_("Picture taken at the door"))
        self._failed = _text(_("The picture does not come now: see why"))
        self._statuses: dict[tuple[str, str], str] = {}

    def write(self, row: Mapping[str, Any]) -> str:
        if row["kind"] == "gap":
            return self._gap(row)
        kind, exact = _text(row["kind"]), _text(row["exact"])
        return (
            f'<li class="entry entry--{kind}{" entry--new" if row.get("is_new") else ""}" id="{_text(row["id"])}"><details>\n'
            f'<summary class="entry__line"><time class="entry__time" datetime="{_text(row["iso"])}" title="{exact}">'
            f'{_text(row["clock"])}<span class="entry__seconds">:{_text(row["seconds"])}</span></time>{self._small(row)}'
            f'<span class="entry__who">{_text(row["who"])}{_note(row)}</span>'
            f'<span class="entry__door">{_text(row["door"])}{_place(row)}</span>'
            f'<span class="entry__how">{_text(row["how"])}</span>'
            f'<span class="entry__result">{self._result(row)}</span>'
            f'<span class="entry__chevron">{self._chevron}</span></summary>\n'
            f'<div class="entry__page">{self._large(row)}<dl class="facts"><dt>{self._when}</dt><dd>{exact}</dd>'
            f"{''.join([f'<dt>{_text(label)}</dt><dd>{_text(value)}</dd>' for label, value in row['facts']])}</dl>"
            f'<div class="entry__links">{"".join([_link(*link) for link in row["links"]])}</div></div>\n</details></li>'
        )

    def _gap(self, row: Mapping[str, Any]) -> str:
        """A time in which rows may be missing: silence is never mistaken for calm."""
        words = f"<b>{_text(row['words'])}</b> {_text(row['detail'])}"
        return f'<li class="gap" id="{_text(row["id"])}">{status_shape("stale")}<p>{words}</p></li>'

    def _small(self, row: Mapping[str, Any]) -> str:
        if row.get("thumbnail_url"):
            address = _text(row["thumbnail_url"])
            return f'<img class="picture" src="{address}" width="44" height="44" loading="lazy" alt="">'
        words = row.get("picture_words")
        title = f' title="{_text(words)}"' if words else ""
        drawn = self._call if row["kind"] == "call" else self._nobody
        return f'<span class="picture picture--none"{title}>{drawn}</span>'

    def _large(self, row: Mapping[str, Any]) -> str:
        if not row.get("picture_url"):
            return ""
        page, address = _text(row.get("picture_page_url") or row["picture_url"]), _text(row["picture_url"])
        return (
            f'<a class="entry__shot" href="{page}"><img class="entry__picture" src="{address}" width="240" height="180" '
            f'loading="lazy" alt="{self._alt}" data-failed="{self._failed}"></a>'
        )

    def _result(self, row: Mapping[str, Any]) -> str:
        key = (row["status"], row["result"])
        if key not in self._statuses:
            self._statuses[key] = status(*key) if key[0] else f'<span class="status">{_text(key[1])}</span>'
        return self._statuses[key]


def _note(row: Mapping[str, Any]) -> str:
    return f' <span class="entry__note">{_text(row["note"])}</span>' if row["note"] else ""


def _place(row: Mapping[str, Any]) -> str:
    if not row["place"]:
        return ""
    return f" <small{_IN_DOOR if row['door'] else ''}>{_text(row['place'])}</small>"


def _link(url: str, words: str) -> str:
    return f'<a href="{_text(url)}">{_text(words)}</a>'


def _text(value: Any) -> str:
    """The value with nothing in it that means something to HTML, in an attribute too."""
    return escape(value) if type(value) is str else conditional_escape(value)
