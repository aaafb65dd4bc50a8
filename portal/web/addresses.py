"""Addresses: that of the page at hand, with some of it changed or read; and whether one leads to the portal."""

from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import url_has_allowed_host_and_scheme


def with_changes(request: HttpRequest, path: str = "", **changes: str) -> str:
    """The address of the request, or of ``path``, with some of its parameters changed; an empty one goes."""
    query = request.GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"{path or request.path}?{query.urlencode()}" if query else path or request.path


def read_day(text: str, days: int = 0) -> datetime | None:
    """The beginning of a day in the current time zone, ``days`` later; None for anything that is no date."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or not 1970 <= day.year <= 9000:
        return None
    return datetime.combine(day + timedelta(days=days), time(), tzinfo=timezone.get_current_timezone())


def read_number(text: str) -> int | None:
    """A whole number of at most seven digits; None for anything else, however long it is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def own_path(request: HttpRequest, address: str | None) -> str:
    """``address`` as a path of the portal; "" for anything that leads elsewhere."""
    if not address or not url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
        return ""
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # Once more without its host, which may have hidden what the rest looks like to a browser.
    return path if path.startswith("/") and url_has_allowed_host_and_scheme(path, None) else ""
