"""What our own commands did is no change from outside; what others did beside them is."""

import pytest

from families.models import Change
from portal.audit.models import State
from tests.factories import CommandFactory
from tests.families.members.acting import RIGHTS_OF_MANY, guests, join, raise_to, remove
from tests.syncing import read

pytestmark = pytest.mark.django_db


def told(family):
    return [
        (change.kind, change.subject, change.before, change.after)
        for change in Change.objects.filter(family=family).order_by("pk")
    ]


def test_what_is_raised_elsewhere_after_our_press_is_told(simulator, owned, connection, boss):
    member = guests(owned)[0]
    raise_to(boss, member)
    member.refresh_from_db()
    raise_to(boss, member, "guest")
    assert told(owned) == []

    simulator.event("member", residence_id=owned.residence_id, account_id=member.account_id, auth="installer")
    read(connection, "members", family=owned)

    assert told(owned) == [("rights", member.name, "guest", "installer")]


def test_a_refused_batch_explains_just_what_it_asked_for(simulator, owned, connection):
    one, other = guests(owned)[:2]
    CommandFactory(
        name=RIGHTS_OF_MANY,
        family=owned,
        state=State.REFUSED,
        parameters={"accounts": [{"account_id": one.account_id, "auth": "user"}]},
    )
    for member in (one, other):
        simulator.event("member", residence_id=owned.residence_id, account_id=member.account_id, auth="user")

    read(connection, "members", family=owned)

    assert told(owned) == [("rights", other.name, "guest", "user")]


def test_a_refused_single_command_explains_nothing(simulator, owned, connection, boss):
    member = guests(owned)[0]
    simulator.fault("delete_family_account", "refuse")
    remove(boss, member)
    simulator.event("member", residence_id=owned.residence_id, account_id=member.account_id, removed=True)

    for _ in range(2):
        read(connection, "members", family=owned)

    assert [change[0] for change in told(owned)] == ["left"]


def test_our_joining_explains_the_account_that_joined_and_nobody_else(simulator, owned, connection, boss):
    own = connection.reaches.get().account_id
    read(connection, "members", family=owned)
    owned.members.filter(account_id=own).delete()
    connection.reaches.filter(family=owned).update(gone_at=owned.first_seen_at)
    join(boss, connection, owned.residence_id)
    connection.reaches.filter(family=owned).update(gone_at=None)
    CommandFactory(
        name="account_join_family", family=owned, parameters={"auth": "user"}, connection_name=connection.name
    )
    simulator.event("member", residence_id=owned.residence_id, email="stranger@else.example")

    read(connection, "members", family=owned)

    assert [(kind, after) for kind, _, _, after in told(owned)] == [("joined", "guest")]
