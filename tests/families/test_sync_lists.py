import json
from datetime import timedelta

import pytest
from django.utils import timezone

from families.models import Change, Family, Kind, Reach, SyncState
from families.sync import states
from families.sync.lists import LONGEST_ID
from portal.audit.models import State
from tests.factories import CommandFactory
from tests.syncing import connect, read, tables

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=4)
    return connect(simulator)


def tell(simulator, rows):
    """From now on the list of families is these rows."""
    simulator.clear_faults()
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": rows})
    simulator.fault("get_family_list", "body", body=body)


def row(number, **fields):
    return {
        "account_id": "a1",
        "residence_id": f"r{number}",
        "family_name": f"Family {number}",
        "online": True,
        "installed": True,
    } | fields


def read_list(connection):
    return read(connection, Kind.FAMILIES)


def test_a_new_family_comes_with_its_reach_and_its_states(simulator, connection):
    read_list(connection)
    assert Family.objects.count() == Reach.objects.count() == 4
    assert SyncState.objects.filter(family__isnull=False).count() == 4 * len(states.FAMILY_KINDS)
    assert set(Reach.objects.values_list("account_id", flat=True)) == {simulator.sign_in["account_id"]}


def test_a_family_is_gone_after_three_answers_without_it_and_comes_back(simulator, connection):
    read_list(connection)
    lost = Family.objects.order_by("pk").first()
    simulator.event("family", residence_id=lost.residence_id, is_gone=True)
    for turn in (1, 2):
        read_list(connection)
        lost.refresh_from_db()
        reach = lost.reaches.get()
        assert (lost.gone_at, reach.gone_at, reach.missing_answers) == (None, None, turn)
        assert reach.missing_since > reach.last_seen_at
    read_list(connection)
    lost.refresh_from_db()
    assert lost.gone_at is not None
    assert lost.reaches.get().gone_at is not None
    assert lost.last_seen_at < lost.reaches.get().missing_since
    assert Family.objects.filter(gone_at=None).count() == 3
    simulator.event("family", residence_id=lost.residence_id, is_gone=False)
    read_list(connection)
    lost.refresh_from_db()
    assert lost.gone_at is None
    assert (lost.reaches.get().gone_at, lost.reaches.get().missing_answers) == (None, 0)


def test_a_family_that_is_missing_once_was_never_gone(simulator, connection):
    tell(simulator, [row(1), row(2)])
    read_list(connection)
    clean = tables()
    tell(simulator, [row(1)])
    read_list(connection)
    tell(simulator, [row(1), row(2)])
    read_list(connection)
    assert tables() == clean


def test_an_empty_list_where_there_were_families_needs_three_answers(simulator, connection):
    tell(simulator, [row(1), row(2)])
    read_list(connection)
    tell(simulator, [])
    for left in (2, 2, 0, 0):
        read_list(connection)
        assert Family.objects.filter(gone_at=None).count() == left


def test_a_family_that_another_connection_reaches_is_not_gone(simulator, connection):
    tell(simulator, [row(1), row(2)])
    read_list(connection)
    other = connect(simulator, name="Other")
    read_list(other)
    tell(simulator, [row(1)])
    for _ in range(3):
        read_list(connection)
    family = Family.objects.get(residence_id="r2")
    assert family.gone_at is None
    assert family.reaches.get(connection=other).gone_at is None
    assert family.reaches.get(connection=connection).gone_at is not None


def test_an_answer_that_could_not_be_read_whole_proves_nothing_missing(simulator, connection):
    tell(simulator, [row(1), row(2)])
    read_list(connection)
    tell(simulator, [row(1), {"residence_id": 7, "family_name": []}])
    for _ in range(4):
        report = read_list(connection)
    assert Family.objects.filter(gone_at=None).count() == 2
    assert "row 2" in SyncState.objects.get(kind=Kind.FAMILIES).not_understood
    assert len(report.not_understood) == 1


def test_what_cannot_be_kept_is_named_and_the_rest_is_kept(simulator, connection):
    tell(
        simulator,
        [
            row(1),
            row(2, residence_id="r" * (LONGEST_ID + 1)),
            row(3, residence_id=""),
            row(4, account_id="a" * (LONGEST_ID + 1)),
            row(1, family_name="The same again"),
            row(5, family_name="\ud800 and \x00 and " + "x" * 10_000),
        ],
    )
    read_list(connection)
    assert {family.residence_id for family in Family.objects.all()} == {"r1", "r5"}
    assert Family.objects.get(residence_id="r1").name == "Family 1"
    odd = Family.objects.get(residence_id="r5")
    assert "\x00" not in odd.name
    assert len(odd.name) > 10_000
    assert len(odd.search_text) <= 300
    named = SyncState.objects.get(kind=Kind.FAMILIES).not_understood
    for word in ("Family 2", "row 3", "Family 4", "r1 stands twice"):
        assert word in named


def test_a_name_is_searched_without_accents_and_case(simulator, connection):
    tell(simulator, [row(1, family_name="Núñez-ŁUKASZ  李")])
    read_list(connection)
    assert Family.objects.get().search_text == "nunez-łukasz 李"


def test_a_family_that_goes_off_and_is_renamed_elsewhere(simulator, connection):
    tell(simulator, [row(1)])
    read_list(connection)
    assert Family.objects.get().online_changed_at is None
    tell(simulator, [row(1, online=False, family_name="Renamed")])
    read_list(connection)
    family = Family.objects.get()
    assert (family.name, family.search_text, family.is_online) == ("Renamed", "renamed", False)
    assert family.online_changed_at is not None
    change = Change.objects.get()
    assert (change.kind, change.before, change.after) == ("family_renamed", "Family 1", "Renamed")


def test_a_name_that_we_gave_is_no_change_from_outside(simulator, connection):
    tell(simulator, [row(1)])
    read_list(connection)
    family = Family.objects.get()
    CommandFactory(
        name="update_family_info",
        family=family,
        parameters={"family_name": "Ours"},
        answered_at=timezone.now(),
    )
    tell(simulator, [row(1, family_name="Ours")])
    read_list(connection)
    assert Family.objects.get().name == "Ours"
    assert not Change.objects.exists()


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
def test_a_rename_of_ours_that_did_not_happen_explains_nothing(simulator, connection, state):
    tell(simulator, [row(1)])
    read_list(connection)
    CommandFactory(
        name="update_family_info",
        family=Family.objects.get(),
        parameters={"family_name": "Ours"},
        state=state,
        answered_at=timezone.now(),
    )
    tell(simulator, [row(1, family_name="Ours")])
    read_list(connection)
    assert Change.objects.count() == 1


def test_an_answer_from_before_our_rename_does_not_undo_it(simulator, connection):
    tell(simulator, [row(1)])
    read_list(connection)
    Family.objects.update(name="Ours", search_text="ours")
    command = CommandFactory(
        name="update_family_info",
        family=Family.objects.get(),
        parameters={"family_name": "Ours"},
        answered_at=timezone.now() + timedelta(seconds=5),
    )
    SyncState.objects.update(digest=None)
    read_list(connection)
    assert Family.objects.get().name == "Ours"
    # Once the command lies before the answer, the answer decides: somebody renamed it back.
    type(command).objects.update(answered_at=timezone.now() - timedelta(seconds=5))
    read_list(connection)
    assert Family.objects.get().name == "Family 1"
    assert Change.objects.count() == 1


def test_a_thousand_new_families_are_written_in_short_transactions(simulator, connection):
    tell(simulator, [row(number) for number in range(1_000)])
    read_list(connection)
    assert Family.objects.count() == Reach.objects.count() == 1_000
    assert SyncState.objects.filter(family__isnull=False).count() == 1_000 * len(states.FAMILY_KINDS)
