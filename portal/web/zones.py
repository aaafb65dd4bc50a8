"""Time zones by their name."""

from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

# Names that say an offset and no place, or that a machine has for itself.
_NOT_PLACES = ("Etc/", "SystemV/")


def zone_called(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where this machine knows none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@cache
def zone_names() -> tuple[str, ...]:
    """The names to choose from: UTC, then every place, like Europe/Lisbon, in their order."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES))
    return ("UTC", *sorted(places))


def find_zone(text: str) -> str | None:
    """The zone that somebody means: its name in any case, with spaces or underscores, or a city that is named once."""
    if text.strip() in available_timezones():
        return text.strip()
    wanted = _plain(text)
    by_name = {_plain(name): name for name in zone_names()}
    if wanted in by_name:
        return by_name[wanted]
    cities = [name for plain, name in by_name.items() if plain.rpartition("/")[2] == wanted]
    return cities[0] if len(cities) == 1 else None


def zones_like(text: str) -> list[str]:
    """At most three names that somebody may have meant."""
    by_name = {_plain(name): name for name in zone_names()}
    by_city = {plain.rpartition("/")[2]: name for plain, name in by_name.items()}
    wanted = _plain(text)[:64]
    close = [by_name[name] for name in get_close_matches(wanted, by_name, 3, 0.75)]
    close += [by_city[name] for name in get_close_matches(wanted, by_city, 3, 0.75)]
    return list(dict.fromkeys(close))[:3]


def _plain(text: str) -> str:
    return "_".join(text.strip().casefold().replace("_", " ").split())
