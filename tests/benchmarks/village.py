"""Many families with their people and devices, and no history: what the list of families is measured on."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from access.models import Device
from families.models import Family, Kind, Member, Property, Reach
from portal.accounts.models import User
from portal.ids import new_public_id
from portal.text import searchable
from tests.benchmarks.estate import DOORS, GIVEN, MEMBERS, SURNAMES, insert, moment
from tests.factories import ConnectionFactory, ManagerFactory, SyncStateFactory

PROPERTIES = 40
RARE = "Quetzalcoatl"
# What is typed: one person, a first name that most families have, two letters, and a name with an accent.
TYPED = {"rare": "quetzal", "common": "ana", "two letters": "li", "accent": "nunez"}
_FAMILY = (
    *("public_id", "residence_id", "name", "search_text", "is_online", "is_installed", "property_id"),
    *("first_seen_at", "last_seen_at"),
)
_MEMBER = (
    *("public_id", "family_id", "account_id", "account_name", "first_name", "last_name", "email", "auth"),
    *("search_text", "first_seen_at", "last_seen_at", "missing_answers"),
)
_DEVICE = (
    *("public_id", "family_id", "mac", "name", "search_text", "device_type", "is_public", "is_online", "sip"),
    *("stream_address", "first_seen_at", "last_seen_at", "missing_answers"),
)
_REACH = (
    *("connection_id", "family_id", "account_id", "auth", "first_seen_at", "last_seen_at", "missing_answers"),
)


@dataclass(frozen=True)
class Village:
    """What the benchmarks of the list ask for."""

    manager: User
    families: int


def make(count: int) -> Village:
    """So many families, ten members and two devices each, in forty properties, reached by two connections."""
    chance = random.Random(11)
    places = Property.objects.bulk_create(
        [Property(name=f"Court {number}", time_zone="Europe/Lisbon") for number in range(PROPERTIES)]
    )
    insert(Family, _FAMILY, _families(count, [place.pk for place in places], chance))
    found = list(Family.objects.filter(residence_id__startswith="v").order_by("pk").values_list("pk", "name"))
    insert(Member, _MEMBER, _members(found, chance))
    insert(Device, _DEVICE, _devices(found))
    lines = [ConnectionFactory(name=f"Account {number}") for number in range(2)]
    for line in lines:
        SyncStateFactory(family=None, connection=line, kind=Kind.FAMILIES)
    keys = [line.pk if connection.vendor == "postgresql" else line.pk.hex for line in lines]
    now = moment(datetime.now(UTC))
    insert(Reach, _REACH, ((keys[pk % 2], pk, f"r{pk}", "admin", now, now, 0) for pk, _ in found))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return Village(ManagerFactory(time_zone="Europe/Lisbon"), count)


def _families(count: int, places: Sequence[int], chance: random.Random) -> Iterator[Sequence[Any]]:
    now = moment(datetime.now(UTC))
    for number in range(count):
        name = f"{_surname(chance)} {number}"
        place = places[number % PROPERTIES] if number % 10 else None
        state = (number % 17 > 0, number % 31 > 0)
        yield (new_public_id(), f"v{number:031x}", name, searchable(name), *state, place, now, now)


def _members(families: Sequence[tuple[int, str]], chance: random.Random) -> Iterator[Sequence[Any]]:
    now = moment(datetime.now(UTC))
    for place, (pk, name) in enumerate(families):
        for number in range(MEMBERS):
            first, last = chance.choice(GIVEN), chance.choice((name.rpartition(" ")[0], _surname(chance)))
            if (place, number) == (len(families) // 2, 3):
                first = RARE
            email = f"{searchable(first)}.{searchable(last)}{pk}.{number}@household.example"
            text = searchable(first, last, email, email)
            row = (new_public_id(), pk, f"m{pk:023x}{number:08x}", email, first, last, email, "guest", text)
            yield (*row, now, now, 0)


def _devices(families: Sequence[tuple[int, str]]) -> Iterator[Sequence[Any]]:
    now = moment(datetime.now(UTC))
    for pk, name in families:
        for number in range(DOORS):
            mac, called = f"{pk:010X}{number:02X}", f"Door {number} of {name}"
            row = (new_public_id(), pk, mac, called, searchable(called, mac), "Single-tenant Doorphone")
            yield (*row, False, True, "", "", now, now, 0)


def _surname(chance: random.Random) -> str:
    return chance.choice(
        (*SURNAMES, "Li", "Lima", "李", chance.choice(SURNAMES) + chance.choice(("son", "ová", "i")))
    )
