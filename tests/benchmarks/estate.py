"""An estate with a year of history, written to the tables directly: how it got there is not what is measured."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from access.models import Call, Device, Gap, HourlyCount, Opening, Picture, Relay
from families.models import Family, Kind, Member, Property, SyncState
from portal.accounts.models import User
from portal.text import searchable
from tests.factories import FamilyAdminFactory, GrantFactory, ManagerFactory, PropertyLimitFactory

DAYS = 365
ROWS_PER_FAMILY = 1000
MEMBERS, DOORS = 10, 2
GIVEN = ("Ana", "Tom", "Wei", "Inês", "Olu", "Mia", "Jan", "Noor", "Eva", "Leo", "Zoë", "Max")
SURNAMES = (
    "Silva",
    "Núñez",
    "Okafor",
    "Meyer",
    "Rossi",
    "Larsen",
    "Novák",
    "Costa",
    "Haddad",
    "Lind",
    "Berg",
)
KINDS = ("Face", "PIN", "Remote", "RF card", "Bluetooth")


@dataclass(frozen=True)
class Estate:
    """What the benchmarks ask for. ``common`` and ``rare`` are texts that many and few rows answer to."""

    manager: User
    limited: User
    family_admin: User
    properties: Sequence[Property]
    families: Sequence[Family]
    devices: Sequence[Device]
    newest_at: datetime
    oldest_at: datetime
    common: str
    rare: str


def make(rows: int) -> Estate:
    """The estate with so many openings over the year up to now, a tenth as many calls, a gap in each family.

    Properties take ever fewer families: half are in the first, one in the last but one, none in the last.
    """
    chance = random.Random(7)
    families, devices, names = _make_families(max(40, rows // ROWS_PER_FAMILY), chance)
    now = datetime.now(UTC).replace(microsecond=0)
    # One person whose name stands nowhere else, in one row of every ten thousand.
    rare = "Quetzalcoatl Ximenes"
    member = Member.objects.filter(family=families[0]).order_by("pk").first()
    assert member
    Member.objects.filter(pk=member.pk).update(
        first_name="Quetzalcoatl", last_name="Ximenes", search_text=searchable(rare)
    )
    insert(Opening, _OPENING, _openings(rows, families, devices, names, rare, now, chance))
    insert(Call, _CALL, _calls(rows // 10, families, now, chance))
    _make_gaps(families, now)
    count_hours()
    if connection.vendor == "postgresql":
        # What autovacuum does by itself; nothing does so on SQLite, so there nothing is analysed here either.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return Estate(
        manager=ManagerFactory(time_zone="Europe/Lisbon"),
        limited=PropertyLimitFactory(property=Property.objects.order_by("pk")[2]).person,
        family_admin=_family_admin(families[3], now),
        properties=list(Property.objects.order_by("pk")),
        families=families,
        devices=devices,
        newest_at=now,
        oldest_at=now - timedelta(days=DAYS),
        common=GIVEN[0],
        rare=rare,
    )


def insert(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Put the rows into the model's table: COPY on PostgreSQL, executemany on SQLite."""
    table, names = model._meta.db_table, ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def count_hours() -> None:
    """The hourly counts anew, from the rows that are there, as the migration counts them."""
    HourlyCount.objects.all().delete()
    backfill = import_module("access.migrations.0002_hourly_counts_by_property")
    with transaction.atomic():
        backfill.count(apps, SimpleNamespace(connection=connection))


def moment(at: datetime) -> Any:
    """A UTC time as the database's driver takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def _make_families(
    count: int, chance: random.Random
) -> tuple[list[Family], list[Device], dict[int, list[str]]]:
    properties = Property.objects.bulk_create(
        [Property(name=f"Estate {number}", time_zone="Europe/Lisbon") for number in range(6)]
    )
    families = []
    for number in range(count):
        name = f"{chance.choice(SURNAMES)} {number}"
        place = (
            4 if number == 1 else min(3, (number * 8 // count) // 4 + (number % 8 == 0) + (number % 16 == 0))
        )
        families.append(
            Family(
                residence_id=f"e{number:031x}",
                name=name,
                search_text=searchable(name),
                is_online=True,
                is_installed=True,
                property=properties[place],
            )
        )
    families = Family.objects.bulk_create(families, batch_size=500)
    members, devices = [], []
    names: dict[int, list[str]] = {}
    for family in families:
        for number in range(MEMBERS):
            first, last = chance.choice(GIVEN), chance.choice(SURNAMES)
            email = f"{first}.{last}.{family.pk}.{number}@household.example"
            names.setdefault(family.pk, []).append(f"{first} {last}")
            members.append(
                Member(
                    family=family,
                    account_id=f"m{family.pk:024x}{number:07x}",
                    first_name=first,
                    last_name=last,
                    email=email,
                    account_name=email,
                    auth="guest",
                    search_text=searchable(first, last, email),
                )
            )
        devices += [
            Device(
                family=family,
                mac=f"{family.pk * DOORS + number:012X}",
                name=f"Door {number} of {family.name}",
                search_text=searchable(f"Door {number} of {family.name}"),
                device_type="Single-tenant Doorphone",
                is_online=True,
            )
            for number in range(DOORS)
        ]
    Member.objects.bulk_create(members, batch_size=500)
    devices = Device.objects.bulk_create(devices, batch_size=500)
    Relay.objects.bulk_create(
        [Relay(device=device, relay_id=f"relay{device.pk}", name="Door", number="1") for device in devices],
        batch_size=500,
    )
    now = datetime.now(UTC)
    SyncState.objects.bulk_create(
        [
            SyncState(family=family, kind=kind, due_at=now + timedelta(days=1), last_good_at=now)
            for family in families
            for kind in (Kind.MEMBERS, Kind.DEVICES, Kind.OPENINGS, Kind.CALLS)
        ],
        batch_size=500,
    )
    return families, devices, names


_OPENING = (
    *(
        "family_id",
        "raw_time",
        "number",
        "at",
        "is_time_readable",
        "is_success",
        "account_name",
        "device_name",
    ),
    *("open_door_type", "thumbnail_url", "picture_url", "picture", "picture_tries", "device_id", "seen_at"),
)
_CALL = ("family_id", "raw_time", "number", "at", "is_time_readable", "call_name", "call_sip", "seen_at")


def _openings(
    count: int,
    families: Sequence[Family],
    devices: Sequence[Device],
    names: dict[int, list[str]],
    rare: str,
    now: datetime,
    chance: random.Random,
) -> Iterator[Sequence[Any]]:
    for number, (at, raw) in enumerate(_moments(count, now)):
        place = chance.randrange(len(families))
        family = families[place]
        device = devices[place * DOORS + number % DOORS]
        name = rare if place == 0 and number % 10 == 0 else chance.choice(names[family.pk])
        is_pictured = number % 3 == 0
        address = f"https://pictures.example/{number:012x}.jpg" if is_pictured else ""
        yield (
            *(family.pk, raw, number, at, True, number % 50 != 0, name, device.name),
            *(KINDS[number % len(KINDS)], address, address),
            *(Picture.READY.value if is_pictured else Picture.NONE.value, 0, device.pk, at),
        )


def _calls(
    count: int, families: Sequence[Family], now: datetime, chance: random.Random
) -> Iterator[Sequence[Any]]:
    for number, (at, raw) in enumerate(_moments(count, now)):
        family = chance.choice(families)
        yield (family.pk, raw, number, at, True, "Door 0", f"sip:{number % 90}@upstream.example", at)


def _moments(count: int, now: datetime) -> Iterator[tuple[Any, str]]:
    """So many moments of the year, oldest first, as the driver takes them and as the upstream writes them."""
    step = timedelta(days=DAYS) / count
    for number in range(count):
        at = (now - step * (count - number - 1)).replace(microsecond=0)
        yield moment(at), f"{at:%Y-%m-%d %H:%M:%S}"


def _make_gaps(families: Sequence[Family], now: datetime) -> None:
    gaps = []
    for number, family in enumerate(families):
        at = now - timedelta(days=DAYS) * (number + 1) / (len(families) + 1)
        raw = f"{at:%Y-%m-%d %H:%M:%S}"
        gaps.append(
            Gap(
                family=family,
                kind=Kind.OPENINGS,
                raw_after=raw,
                raw_before=raw,
                begins_at=at - timedelta(minutes=15),
                at=at,
            )
        )
    Gap.objects.bulk_create(gaps, batch_size=500)


def _family_admin(family: Family, now: datetime) -> User:
    person = FamilyAdminFactory()
    GrantFactory(person=person, family=family, starts_at=now - timedelta(days=200))
    return person
