"""The address of the page at hand: with some of it changed, and read as what people may choose."""

from datetime import datetime, time, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date


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
