import json
from datetime import timedelta

import pytest
from django.utils import timezone

from access.sync import runs
from families.models import Change, Family, Kind, Member, Reach, SyncState
from families.sync import readings, refresh_members
from portal.audit.models import Entry, State
from portal.upstream.client import Client, StaticToken
from tests.factories import CommandFactory, FamilyInvitationFactory, GrantFactory
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=2)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    read(connection, Kind.FAMILIES, Kind.MEMBERS)
    return Family.objects.order_by("pk").first()


def account(number, **fields):
    return {
        "account_id": f"a{number}",
        "account_name": f"member{number}@house.example",
        "first_name": "Ana",
        "last_name": f"Lima {number}",
        "email": f"member{number}@house.example",
        "auth": "guest",
    } | fields


def tell(simulator, *accounts, **fields):
    """From now on the information about each family is this."""
    simulator.clear_faults()
    result = {"family_name": "House", "online": True, "installed": True, "accounts": list(accounts)} | fields
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": result})
    simulator.fault("get_family_info", "body", body=body)


def read_members(connection, family):
    return read(connection, Kind.MEMBERS, family=family)


def told(family):
    return [
        (change.kind, change.subject, change.before, change.after)
        for change in Change.objects.filter(family=family).exclude(kind="family_renamed").order_by("pk")
    ]


def test_who_joins_and_whose_rights_change_elsewhere_is_told(simulator, connection, family):
    person = simulator.event("member", residence_id=family.residence_id, email="Newcomer@else.example")
    read_members(connection, family)
    member = family.members.get(account_id=person["account_id"])
    assert told(family) == [("joined", member.name, "", "guest")]
    simulator.event("member", residence_id=family.residence_id, account_id=person["account_id"], auth="user")
    read_members(connection, family)
    member.refresh_from_db()
    assert member.auth == "user"
    assert told(family)[1:] == [("rights", member.name, "guest", "user")]


def test_an_unknown_right_passes_as_it_came(simulator, connection, family):
    tell(simulator, account(1, auth="installer"))
    read_members(connection, family)
    assert family.members.get(account_id="a1").auth == "installer"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("invite_family_account", {"email": "MEMBER9@house.example", "auth": "guest"}),
        ("create_family_account", {"email": "member9@house.example"}),
        ("account_join_family", {"auth": "user"}),
    ],
)
def test_who_joins_because_of_us_is_no_change_from_outside(simulator, connection, family, name, parameters):
    tell(simulator, account(1))
    for _ in range(3):
        read_members(connection, family)
    Change.objects.all().delete()
    CommandFactory(name=name, family=family, parameters=parameters, state=State.UNKNOWN)
    tell(simulator, account(1), account(9))
    read_members(connection, family)
    assert family.members.filter(account_id="a9").exists()
    assert told(family) == []


def test_a_command_explains_only_whom_it_names(simulator, connection, family):
    tell(simulator, account(1), account(2))
    for _ in range(3):
        read_members(connection, family)
    Change.objects.all().delete()
    CommandFactory(
        name="update_family_account_auth", family=family, parameters={"account_id": "a1", "auth": "user"}
    )
    tell(simulator, account(1, auth="user"), account(2, auth="user"))
    read_members(connection, family)
    assert told(family) == [("rights", "Ana Lima 2", "guest", "user")]


def test_an_invitation_is_accepted_when_its_address_appears(simulator, connection, family):
    tell(simulator, account(1))
    for _ in range(3):
        read_members(connection, family)
    Change.objects.all().delete()
    long_ago = timezone.now() - timedelta(days=20)
    invitation = FamilyInvitationFactory(family=family, email="member5@house.example", sent_at=long_ago)
    type(invitation.command).objects.update(created_at=long_ago)
    other = FamilyInvitationFactory(family=family, email="nobody@house.example")
    tell(simulator, account(1), account(5, email="Member5@House.example"))
    read_members(connection, family)
    invitation.refresh_from_db()
    other.refresh_from_db()
    assert (invitation.accepted_at is not None, other.accepted_at) == (True, None)
    assert told(family) == []


def test_a_member_is_gone_after_two_answers_that_agree(simulator, connection, family):
    tell(simulator, account(1), account(2))
    for _ in range(3):
        read_members(connection, family)
    Change.objects.all().delete()
    tell(simulator, account(1))
    read_members(connection, family)
    missing = family.members.get(account_id="a2")
    assert (missing.gone_at, missing.missing_answers) == (None, 1)
    assert missing.last_seen_at < missing.missing_since
    read_members(connection, family)
    missing.refresh_from_db()
    assert missing.gone_at is not None
    assert told(family) == [("left", "Ana Lima 2", "guest", "")]
    tell(simulator, account(1), account(2))
    read_members(connection, family)
    missing.refresh_from_db()
    assert (missing.gone_at, missing.missing_answers) == (None, 0)
    assert told(family)[1:] == [("joined", "Ana Lima 2", "", "guest")]


def test_an_empty_list_of_members_needs_three_answers(simulator, connection, family):
    tell(simulator, account(1))
    for _ in range(3):
        read_members(connection, family)
    tell(simulator)
    for left in (1, 1, 0):
        read_members(connection, family)
        assert family.members.filter(gone_at=None).count() == left


def test_a_removal_that_we_commanded_counts_at_once(simulator, connection, family):
    tell(simulator, account(1), account(2))
    for _ in range(3):
        read_members(connection, family)
    Change.objects.all().delete()
    CommandFactory(name="delete_family_account", family=family, parameters={"account_id": "a2"})
    tell(simulator, account(1))
    read_members(connection, family)
    assert family.members.get(account_id="a2").gone_at is not None
    assert told(family) == []


def test_a_row_that_cannot_be_read_is_named_and_its_member_is_not_missing(simulator, connection, family):
    tell(simulator, account(1), account(2))
    for _ in range(3):
        read_members(connection, family)
    tell(simulator, account(1), account(2, email=["odd"]), account(1), account(3, auth="x" * 65))
    for _ in range(4):
        read_members(connection, family)
    assert set(family.members.filter(gone_at=None).values_list("account_id", flat=True)) >= {"a1", "a2"}
    assert not family.members.filter(account_id="a3").exists()
    named = SyncState.objects.get(family=family, kind=Kind.MEMBERS).not_understood
    for word in ("row 2", "a1 stands twice", "member3@house.example"):
        assert word in named


def test_a_grant_is_suspended_when_its_member_is_gone(simulator, connection, family):
    tell(simulator, account(1), account(2))
    for _ in range(3):
        read_members(connection, family)
    grant = GrantFactory(family=family, member=family.members.get(account_id="a2"))
    kept = GrantFactory(family=family, member=family.members.get(account_id="a1"))
    tell(simulator, account(1))
    read_members(connection, family)
    read_members(connection, family)
    grant.refresh_from_db()
    kept.refresh_from_db()
    assert grant.suspended_at is not None
    assert kept.suspended_at is None
    assert Entry.objects.get(event="grant.suspended").family == family


def test_the_rights_of_our_own_account_are_those_of_its_row(simulator, connection, family):
    auth = {one["residence_id"]: one["auth"] for one in simulator.estate()["families"]}
    for reach in Reach.objects.select_related("family"):
        assert reach.auth == auth[reach.family.residence_id]


def test_a_change_is_read_back_at_once(simulator, connection, family):
    client = Client(simulator.url, StaticToken(simulator.token))
    client.update_family_info(residence_id=family.residence_id, family_name="Read back")
    simulator.clear_journal()
    assert refresh_members(client, family)
    assert Family.objects.get(pk=family.pk).name == "Read back"
    assert [row["command"] for row in simulator.journal()] == ["get_family_info"]
    state = SyncState.objects.get(family=family, kind=Kind.MEMBERS)
    assert (state.lease_until, state.failures) == (None, 0)


def test_an_older_answer_does_not_overwrite_what_was_read_back(simulator, connection, family):
    client = Client(simulator.url, StaticToken(simulator.token))
    state = SyncState.objects.select_related("family").get(family=family, kind=Kind.MEMBERS)
    earlier = client.get_family_info(residence_id=family.residence_id)
    now = timezone.now()
    reading = readings.Reading(state, connection, earlier, now, now, state.fence, state.last_good_at)
    client.update_family_info(residence_id=family.residence_id, family_name="Newer")
    assert refresh_members(client, family)
    assert readings.write_together(runs.KEEPERS[Kind.MEMBERS], [reading]).readings == []
    assert Family.objects.get(pk=family.pk).name == "Newer"


def test_what_cannot_be_read_back_now_is_due_at_once(simulator, connection, family):
    simulator.fault("get_family_info", "refuse")
    client = Client(simulator.url, StaticToken(simulator.token))
    assert not refresh_members(client, family)
    state = SyncState.objects.get(family=family, kind=Kind.MEMBERS)
    assert state.lease_until is None
    assert state.due_at <= timezone.now()
    assert Member.objects.exists()
