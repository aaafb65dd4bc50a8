"""The style sheet of every page: the files of static/css as one.

Design decision: a component keeps a file of its own, and nothing is built; but forty requests cost a first visit more
than what they carry, and packed one by one the files weigh almost twice what they do as one.
"""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

# In this order: the tokens say that of the layers. A new component adds its file here.
FILES = (
    "tokens",
    "reset",
    "base",
    "frame",
    "alone",
    "button",
    "form",
    "status",
    "notices",
    "page-head",
    "ledger",
    "audit",
    "picture",
    "door-card",
    "press",
    "strip",
    "dialog",
    "attention",
    "bars",
    "table",
    "filters",
    "parts",
    "family",
    "member",
    "import",
    "selection",
    "pass",
    "pass-code",
    "pass-form",
    "visitor",
    "change",
    "credential",
    "device",
    "job",
    "move-out",
    "invitation",
    "connections",
    "property",
    "account",
    "second-factor",
    "person",
    "utilities",
    "print",
)
FOLDER = Path(__file__).resolve().parents[2] / "static" / "css"
_ADDRESS = re.compile(r"/style/[0-9a-f]{16}\.css")
_FOR_GOOD = "public, max-age=31536000, immutable"


class Sheet(NamedTuple):
    """The whole sheet, and its address: another whenever anything in it is."""

    address: str
    content: bytes


def whole_sheet() -> Sheet:
    """All files as they are on disk now."""
    return _read(tuple((FOLDER / f"{name}.css").stat().st_mtime_ns for name in FILES))


class StyleSheetMiddleware:
    """Answers for the sheet before anything asks who somebody is: like a file, it is the same for everybody.

    A browser keeps it for good under its own digest; under another, of a page from before, not at all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or not _ADDRESS.fullmatch(request.path_info):
            return self.get_response(request)
        sheet = whole_sheet()
        response = HttpResponse(sheet.content, content_type="text/css; charset=utf-8")
        if request.path_info == sheet.address:
            response["Cache-Control"] = _FOR_GOOD
        else:
            add_never_cache_headers(response)
        return response


@lru_cache(maxsize=1)
def _read(written_at: tuple[int, ...]) -> Sheet:
    content = b"\n".join((FOLDER / f"{name}.css").read_bytes() for name in FILES)
    return Sheet(f"/style/{hashlib.sha256(content).hexdigest()[:16]}.css", content)
