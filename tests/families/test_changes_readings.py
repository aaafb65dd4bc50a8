"""Between which two readings something happened that others did."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from families.models import Change, Family, Kind, SyncState
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=1)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    """A family whose name and people were read, and were always the same since."""
    tell(simulator, "ana", "bea")
    read(connection, Kind.FAMILIES, Kind.MEMBERS)
    family = Family.objects.get()
    Change.objects.all().delete()
    return family


def tell(simulator, *people, name="House", auth="guest"):
    """From now on these are in the family."""
    accounts = [
        {
            "account_id": person,
            "account_name": person,
            "first_name": person,
            "last_name": "Lima",
            "email": f"{person}@house.example",
            "auth": auth,
        }
        for person in people
    ]
    result = {"family_name": name, "online": True, "installed": True, "accounts": accounts}
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": result})
    simulator.clear_faults()
    simulator.fault("get_family_info", "body", body=body)


def read_at(connection, family):
    """Read the people now; between which moments that was."""
    before = timezone.now()
    read(connection, Kind.MEMBERS, family=family)
    return before, timezone.now()


def last_read(family):
    return SyncState.objects.get(family=family, kind=Kind.MEMBERS).last_good_at


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("joined", {"people": ("ana", "bea", "cid")}),
        ("rights", {"people": ("ana", "bea"), "auth": "user"}),
        ("family_renamed", {"people": ("ana", "bea"), "name": "Another"}),
    ],
)
def test_it_happened_after_the_last_reading_that_told_of_before(simulator, connection, family, kind, told):
    earlier = last_read(family)
    tell(simulator, *told.pop("people"), **told)

    began, ended = read_at(connection, family)

    change = Change.objects.filter(kind=kind).first()
    assert change.happened_after == earlier
    assert began <= change.happened_by <= ended
    assert change.happened_by == change.at


def test_who_is_believed_gone_at_a_later_reading_left_before_the_first_that_told_of_it(
    simulator, connection, family
):
    earlier = last_read(family)
    tell(simulator, "ana")

    began, ended = read_at(connection, family)
    assert not Change.objects.exists()
    read_at(connection, family)

    change = Change.objects.get(kind="left")
    assert change.happened_after == earlier
    assert began <= change.happened_by <= ended
    assert change.at - change.happened_by > timedelta(0)
