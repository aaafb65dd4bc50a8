"""The upstream's times: `YYYY-MM-DD HH:MM:SS`, without a zone in them."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)

# A moment nearer to the ends of the calendar cannot be told in every zone: one such row would break each page with it.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """The moment that ``text`` names in ``zone``, in UTC and whole seconds; None if there is none.

    None, too, for one within two days of the calendar's ends.

    An hour that a zone passes twice in autumn is taken as the first of the two, one that it skips
    in spring as if the clock had not been put forward yet (PEP 495, fold 0): the order within the
    hour is kept and no row is lost, at the price of one hour's doubt a year. A zone written in
    the text itself wins over ``zone``.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    *numbers, offset = found.groups()
    try:
        year, month, day, hour, minute, second = (int(number) for number in numbers)
        local = datetime(year, month, day, hour, minute, second, tzinfo=_zone(offset) or zone)
        moment = local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST <= moment <= _LAST else None


def format_time(moment: datetime) -> str:
    """The moment as the upstream writes it, in UTC; raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time for the upstream needs a zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def _zone(offset: str | None) -> tzinfo | None:
    if not offset:
        return None
    if offset == "Z":
        return UTC
    size = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-size if offset[0] == "-" else size)
