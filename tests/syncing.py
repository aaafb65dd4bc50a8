"""What the tests of the sync share: a connection to the simulator, all tables as plain values, a sync of its own process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection as database

from access.models import (
    Call,
    Device,
    Gap,
    HourlyCount,
    Opening,
    OpeningRevision,
    Outage,
    Relay,
    TempKey,
)
from access.sync import runs
from families.models import Change, Family, Kind, Member, Reach, SyncState
from families.sync.reports import Report
from portal.connections.models import Connection
from tests.factories import ConnectionFactory
from tests.plugins.simulator import SimulatorProcess

ROOT = Path(__file__).resolve().parent.parent
# What differs from run to run and means nothing: when something was seen, and ids made by chance.
_PASSING = {
    "id", "public_id", "first_seen_at", "last_seen_at", "online_changed_at", "missing_since", "began_at", "ended_at",
    "resolution_seconds", "seen_at", "picture_due_at", "due_at", "last_tried_at", "last_good_at",
    "digest", "fence", "lease_until", "lease_holder", "queued_until", "interval_seconds", "newest_known",
    "told_by", "made_after", "happened_after", "happened_by", "sorted_at",
}  # fmt: skip
# When a pass was first seen; of what happened the same word says when that was.
_PASSING_OF_PASSES = {"at"}
# An address of a picture has another query in each answer.
_ADDRESSES = {"thumbnail_url", "picture_url"}
_TABLES = (
    Family, Member, Reach, Change, SyncState, Device, Relay, Outage, Opening, OpeningRevision, Call, Gap, HourlyCount,
    TempKey,
)  # fmt: skip


def connect(simulator: SimulatorProcess, **fields: Any) -> Connection:
    """A connection of the organisation's account to the simulator."""
    return ConnectionFactory(
        **{"base_url": simulator.url, "access_token": simulator.token, "name": "Estate"} | fields
    )


def read(connection: Connection, *kinds: str, family: Family | None = None) -> Report:
    """Read these kinds now, all of them by default."""
    residence_id = family.residence_id if family else ""
    return runs.read_now([connection], residence_id=residence_id, kinds=kinds or Kind.values)


def tables(*without: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that a sync writes, without what depends on the moment; foreign keys as what the upstream calls them."""
    passing = _PASSING | set(without)
    names: dict[tuple[str, Any], Any] = {}
    for model, field in ((Family, "residence_id"), (Connection, "name")):
        names |= {(model.__name__, pk): name for pk, name in model.objects.values_list("pk", field)}
    for device in Device.objects.all():
        names[("Device", device.pk)] = (names[("Family", device.family_id)], device.mac)
    for opening in Opening.objects.all():
        names[("Opening", opening.pk)] = (
            names[("Family", opening.family_id)],
            opening.raw_time,
            opening.number,
        )
    told = {}
    for reach in Reach.objects.all():
        names[("Reach", reach.pk)] = (
            names[("Connection", reach.connection_id)],
            names[("Family", reach.family_id)],
        )
    for model in _TABLES:
        hidden = passing | (_PASSING_OF_PASSES if model is TempKey else set())
        fields = [one for one in model._meta.concrete_fields if one.name not in hidden]
        told[model.__name__] = sorted(
            (tuple(_tell(row, field, names) for field in fields) for row in model.objects.all()), key=repr
        )
    return told


def _tell(row: Any, field: Any, names: dict[tuple[str, Any], Any]) -> Any:
    value = getattr(row, field.attname)
    if field.is_relation:
        return names.get((field.related_model.__name__, value), value)
    if field.name in _ADDRESSES:
        return value.partition("?")[0]
    return (value is not None) if field.name == "gone_at" else value


def empty() -> None:
    """Forget everything that was read; connections stay."""
    for model in reversed(_TABLES):
        model.objects.all().delete()


def sync_process(*words: str, **environment: str) -> subprocess.Popen[str]:
    """`manage.py sync` as a process of its own, on the test's database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "sync", *words],
        cwd=ROOT,
        env=process_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def process_environment(**environment: str) -> dict[str, str]:
    """What another process needs to work on the test's database, with the test's keys."""
    return {
        **os.environ,
        "DATA": str(settings.DATA),
        "DATABASE_URL": database_url(),
        "SYNC_LEASE_SECONDS": "1",
        **environment,
    }


def database_url() -> str:
    """Where the test's database is, as DATABASE_URL says it."""
    stands = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{stands['NAME']}"
    user, host = quote(stands["USER"], safe=""), stands["HOST"]
    password = f":{quote(stands['PASSWORD'], safe='')}" if stands["PASSWORD"] else ""
    if host.startswith("/"):
        return f"postgres://{user}{password}@:{stands['PORT']}/{host}/{stands['NAME']}"
    return f"postgres://{user}{password}@{host}:{stands['PORT']}/{stands['NAME']}"
