"""manage.py upstream sends each of the seven commands about members, their lists as JSON, and tells no password."""

import json

import pytest

from portal.audit.models import Command, Entry
from tests.consoles import run
from tests.families.members import acting
from tests.families.members.acting import ZOE, guests, rights_upstream

pytestmark = pytest.mark.django_db
SECRET = "only-once-0a1b2c"


@pytest.fixture
def send(connection):
    def send(command, **fields):
        words = [
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in fields.items()
        ]
        ran = run("upstream", command, *words, "--connection", connection.name, "--json")
        assert (ran.code, ran.err) == (0, "")
        return ran.json

    return send


def test_rights_and_removal_of_one_and_of_many(simulator, owned, send):
    rid, (one, two, *_) = owned.residence_id, guests(owned)
    send(acting.RIGHTS, residence_id=rid, account_id=one.account_id, auth="user")
    send(
        acting.RIGHTS_OF_MANY,
        residence_id=rid,
        accounts=[
            {"account_id": one.account_id, "auth": "guest"},
            {"account_id": two.account_id, "auth": "user"},
        ],
    )
    rights = rights_upstream(simulator, owned)
    assert (rights[one.account_id], rights[two.account_id]) == ("guest", "user")

    send(acting.REMOVE, residence_id=rid, account_id=one.account_id)
    send(acting.REMOVE_MANY, residence_id=rid, accounts=[{"account_id": two.account_id}])

    assert not {one.account_id, two.account_id} & set(rights_upstream(simulator, owned))
    assert simulator.journal(acting.REMOVE_MANY)[0]["param"] == {
        "residence_id": rid,
        "accounts": [{"account_id": two.account_id}],
    }


def test_adding_joining_and_handing_over(simulator, family, send):
    rid = family.residence_id
    made = send(acting.CREATE, residence_id=rid, auth="guest", password=SECRET, **ZOE)
    send(acting.HAND_OVER, residence_id=rid, account_id=made["account_id"])
    send(acting.JOIN, residence_id=simulator.estate()["joinable"]["residence_id"], auth="user")

    assert rights_upstream(simulator, family)[made["account_id"]] == "admin"
    kept = str(list(Entry.objects.values())) + str(list(Command.objects.values()))
    assert made["account_id"] in kept
    assert SECRET not in kept
