"""A large estate of doors without history: what the board is measured on."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from access.macs import device_text
from access.models import DEVICE_TYPES, Device, Outage, Relay
from families.models import Family, Kind, Property, Reach, SyncState
from portal.accounts.models import User
from portal.ids import new_public_id
from portal.text import searchable
from tests.benchmarks.estate import SURNAMES, insert, moment
from tests.factories import ConnectionFactory, GrantFactory, ManagerFactory, PropertyLimitFactory

PROPERTIES = 40
# A gate stands in so many families; every family has one, and a door of its own.
SHARING = 50
_FAMILY = (
    *("public_id", "residence_id", "name", "search_text", "is_online", "is_installed", "property_id"),
    *("first_seen_at", "last_seen_at"),
)
_DEVICE = (
    *("public_id", "family_id", "mac", "name", "search_text", "device_type", "is_public", "is_online", "sip"),
    *("stream_address", "last_opening_at", "first_seen_at", "last_seen_at", "missing_answers"),
)
_RELAY = ("public_id", "device_id", "relay_id", "name", "number", "is_security", "missing_answers")
_OUTAGE = ("device_id", "began_at", "ended_at", "resolution_seconds")
_REACH = (
    *("connection_id", "family_id", "account_id", "auth", "first_seen_at", "last_seen_at", "missing_answers"),
)


@dataclass(frozen=True)
class Court:
    """What the benchmark of the board asks for. ``mac`` is one that is there, ``surname`` a common one."""

    manager: User
    limited: User
    family_admin: User
    a_property: Property
    a_family: Family
    mac: str
    surname: str


def make(families: int) -> Court:
    """So many families in forty properties, each with a door of its own and a gate that fifty of them share."""
    chance = random.Random(13)
    now = datetime.now(UTC)
    places = Property.objects.bulk_create(
        [Property(name=f"Court {number}", time_zone="Europe/Lisbon") for number in range(PROPERTIES)]
    )
    insert(Family, _FAMILY, _families(families, [place.pk for place in places], now, chance))
    found = Family.objects.filter(residence_id__startswith="c").order_by("pk")
    names = list(found.values_list("pk", "name"))
    insert(Device, _DEVICE, _devices(names, now, chance))
    devices = list(
        Device.objects.filter(family__residence_id__startswith="c")
        .order_by("pk")
        .values_list("pk", "is_online")
    )
    insert(Relay, _RELAY, _relays([pk for pk, _ in devices]))
    insert(Outage, _OUTAGE, _outages(devices, now, chance))
    SyncState.objects.bulk_create(
        [
            SyncState(family_id=pk, kind=Kind.DEVICES, due_at=now + timedelta(days=1), last_good_at=now)
            for pk, _ in names
        ],
        batch_size=500,
    )
    lines = [ConnectionFactory(name=f"Account {number}") for number in range(2)]
    keys = [line.pk if connection.vendor == "postgresql" else line.pk.hex for line in lines]
    at = moment(now)
    insert(Reach, _REACH, ((keys[pk % 2], pk, f"r{pk}", "admin", at, at, 0) for pk, _ in names))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    a_family = found[len(names) // 2]
    own = Device.objects.get(family=a_family, is_public=False)
    return Court(
        manager=ManagerFactory(time_zone="Europe/Lisbon"),
        limited=PropertyLimitFactory(property=places[0]).person,
        family_admin=GrantFactory(family=a_family).person,
        a_property=places[3],
        a_family=a_family,
        mac=own.mac,
        surname=SURNAMES[0],
    )


def _families(
    count: int, places: Sequence[int], now: datetime, chance: random.Random
) -> Iterator[Sequence[Any]]:
    at = moment(now)
    for number in range(count):
        name = f"{chance.choice(SURNAMES)} {number}"
        place = places[number % PROPERTIES] if number % 10 else None
        yield (new_public_id(), f"c{number:031x}", name, searchable(name), True, True, place, at, at)


def _devices(
    families: Sequence[tuple[int, str]], now: datetime, chance: random.Random
) -> Iterator[Sequence[Any]]:
    types = list(DEVICE_TYPES)
    seen, opened = moment(now - timedelta(days=90)), moment(now - timedelta(hours=5))
    for number, (pk, name) in enumerate(families):
        gate = number // SHARING
        doors = (
            (f"0C{pk:010X}", f"Door of {name}", types[number % len(types)], False, number % 40 > 0),
            (f"0D{gate:010X}", f"Gate {gate}", types[0], True, gate % 40 > 0),
        )
        for mac, called, type_name, is_public, is_online in doors:
            row = (new_public_id(), pk, mac, called, device_text(called, mac), type_name)
            yield (*row, is_public, is_online, f"10{number:05}", "", opened, seen, moment(now), 0)


def _relays(devices: Sequence[int]) -> Iterator[Sequence[Any]]:
    for pk in devices:
        yield (new_public_id(), pk, f"a{pk}", "Door", "1", False, 0)
        if pk % 4 == 0:
            yield (new_public_id(), pk, f"b{pk}", "Inner door", "1", True, 0)


def _outages(
    devices: Sequence[tuple[int, bool]], now: datetime, chance: random.Random
) -> Iterator[Sequence[Any]]:
    for pk, is_online in devices:
        for _ in range(pk % 4):
            began = now - timedelta(hours=chance.uniform(2, 29 * 24))
            yield (pk, moment(began), moment(began + timedelta(minutes=chance.uniform(1, 90))), 30)
        if not is_online:
            yield (pk, moment(now - timedelta(hours=1)), None, 30)
