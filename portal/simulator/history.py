"""A month of openings and calls of one family, the same for the same seed and day."""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from zlib import crc32

from .derive import dice
from .estate import Family
from .names import OPENING_TYPES

DAYS = 30
DAY_SECONDS = 86_400

# How much of a day's coming and going falls in each hour, from midnight.
HOURS = (1, 1, 0, 0, 0, 1, 3, 8, 9, 5, 4, 4, 6, 5, 4, 6, 8, 9, 9, 8, 6, 4, 3, 2)
_HOURS_SO_FAR = list(accumulate(HOURS))


@dataclass(slots=True)
class Opening:
    """A row of the log. ``arrives`` and ``picture_arrives`` are when the upstream begins to tell of it.

    All times are seconds since 1970; ``picture`` is "" where the camera took none.
    """

    at: int
    arrives: float
    open_door: bool
    account_name: str
    device_name: str
    open_door_type: str
    picture: str
    picture_arrives: float


@dataclass(slots=True)
class Call:
    at: int
    arrives: float
    call_name: str
    call_sip: str


def first_openings(seed: str, family: Family, now: float) -> list[Opening]:
    """The month before ``now``: failed rows, rows without a name, two and more in one second, equal rows."""
    if not family.doors or not family.installed:
        return []
    random = dice(seed, "openings", family.residence_id)
    people = [*family.regulars, *family.regulars[:1], "Visitor"]
    per_day = 5 + 2 * len(family.regulars) + random.randrange(4)
    rows: list[Opening] = []
    for at in _times(random, now, per_day):
        row = make_opening(random, at, people, family.doors)
        rows.append(row)
        chance = random.random()
        if chance < 0.012:
            # Somebody presses twice: nothing tells the two rows apart.
            rows.append(_copy(row))
        elif chance < 0.024:
            rows.append(make_opening(random, at, people, family.doors))
    if family.index == 2 and rows:
        rows[len(rows) // 2].open_door_type = "Palm Vein"
    return rows


def make_opening(random: Random, at: int, people: list[str], doors: list[str]) -> Opening:
    """One opening at ``at`` that has arrived with its picture."""
    kind = OPENING_TYPES[min(int(random.random() * random.random() * 11), len(OPENING_TYPES) - 1)]
    is_open = random.random() > 0.045
    name = people[int(random.random() * len(people))]
    if not is_open and random.random() < 0.6:
        name = ""
    elif kind == "Temp Key":
        name = "Visitor"
    door = doors[int(random.random() * len(doors))]
    picture = "" if random.random() < 0.06 else name_picture(at, random.getrandbits(40), door)
    return Opening(at, at, is_open, name, door, kind, picture, at)


def name_picture(at: int, number: int, device_name: str) -> str:
    """What a picture is drawn from: the second, a number below 2 ** 40, and the camera that took it."""
    return f"{at:x}-{number:010x}{crc32(device_name.encode()) & 0xFF:02x}"


def first_calls(seed: str, family: Family, callers: list[tuple[str, str]], now: float) -> list[Call]:
    """The month of calls before ``now``; ``callers`` are names with SIP numbers."""
    if not callers or not family.installed:
        return []
    random = dice(seed, "calls", family.residence_id)
    rows = []
    for at in _times(random, now, 1 + random.randrange(3)):
        name, sip = callers[random.randrange(len(callers))]
        rows.append(Call(at, at, name, sip))
    return rows


def _times(random: Random, now: float, per_day: int) -> list[int]:
    """Whole seconds of the last month in order, more of them by day than by night."""
    midnight = int(now) // DAY_SECONDS * DAY_SECONDS
    found = []
    for day in range(DAYS, -1, -1):
        start = midnight - day * DAY_SECONDS
        for _ in range(per_day + int(random.random() * 3) - 1):
            hour = bisect(_HOURS_SO_FAR, random.random() * _HOURS_SO_FAR[-1])
            at = start + hour * 3600 + int(random.random() * 3600)
            if at <= now - 30:
                found.append(at)
    found.sort()
    return found


def _copy(row: Opening) -> Opening:
    return Opening(
        row.at,
        row.arrives,
        row.open_door,
        row.account_name,
        row.device_name,
        row.open_door_type,
        row.picture,
        row.picture_arrives,
    )
