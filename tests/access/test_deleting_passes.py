"""Deleting passes: found by their fingerprints, sent once, told row by row by what is there afterwards."""

import json
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections as databases
from django.utils import timezone

from access.models import TempKey
from access.services.passes import deleting, reading
from access.services.passes.reading import ListNotRead
from families.models import Family, Kind, Reach, Rights, SyncState
from families.services.acting import NoConnection
from portal.audit.models import Command, Entry, State
from portal.audit.trail import AuditUnavailable
from portal.connections.models import Connection
from portal.upstream.client import Client, StaticToken
from portal.web.presses import PressInvalid
from tests.access.passing import DELETE, DELETE_MANY, LIST, key, read_passes, tell, there
from tests.factories import AuditorFactory, FamilyAdminFactory, GrantFactory, ManagerFactory
from tests.families.house import a_trail_that_refuses
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=3)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    """A family with three passes."""
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    found = max(Family.objects.all(), key=lambda one: one.temp_keys.count())
    assert found.temp_keys.count() == 3
    simulator.clear_journal()
    return found


@pytest.fixture
def manager():
    return ManagerFactory()


def delete(actor, family, *keys, press="press"):
    return deleting.delete_passes(actor, family=family, keys=keys, press=press)


def sent(simulator, command):
    return [row["param"] for row in simulator.journal(command) if row["executed"]]


def upstream(simulator, family):
    """The digits that are there now."""
    client = Client(simulator.url, StaticToken(simulator.token))
    answer = client.get_akuvox_open_door_temp_key_config(residence_id=family.residence_id)
    return [row.temp_key for row in answer.result]


def test_one_is_deleted_with_the_single_command_exactly_as_the_reference_has_it(
    simulator, connection, family, manager
):
    before = upstream(simulator, family)
    simulator.clear_journal()
    first, second, third = there().filter(family=family)
    found = delete(manager, family, second)
    assert [row.state for row in found.rows] == ["gone"]
    assert (found.is_done, found.is_read_back) == (True, True)
    [param] = sent(simulator, DELETE)
    assert param == {"residence_id": family.residence_id, "temp_key": param["temp_key"]}
    assert upstream(simulator, family) == [one for one in before if one != param["temp_key"]]
    assert not simulator.journal(DELETE_MANY)
    second.refresh_from_db()
    assert second.gone_at is not None
    assert second.deletion == found.performed.command
    assert set(there().filter(family=family)) == {first, third}


def test_several_are_deleted_with_one_batch(simulator, connection, family, manager):
    chosen = list(there().filter(family=family))[:2]
    found = delete(manager, family, *chosen)
    assert [(row.key, row.state) for row in found.rows] == [(one, "gone") for one in chosen]
    [param] = sent(simulator, DELETE_MANY)
    assert param.keys() == {"residence_id", "temp_key"}
    assert len(param["temp_key"]) == 2
    assert not simulator.journal(DELETE)
    # Finding, deleting, reading back.
    assert len(simulator.journal()) == 3
    assert there().filter(family=family).count() == 1


def test_the_trail_names_the_passes_and_holds_no_digits(simulator, connection, family, manager):
    digits = upstream(simulator, family)
    one, other, _ = there().filter(family=family)
    TempKey.objects.filter(pk=one.pk).update(label="Plumber")
    one.refresh_from_db()
    found = delete(manager, family, one, other)
    command = found.performed.command
    assert command.parameters == {
        "passes": [{"id": one.public_id, "label": "Plumber"}, {"id": other.public_id, "label": ""}]
    }
    assert (command.event, command.object_kind, command.state) == ("pass.delete", "pass", State.SUCCEEDED)
    assert "Plumber" in command.object_name
    phases = list(
        Entry.objects.filter(command_id=command.command_id).order_by("number").values_list("phase", flat=True)
    )
    assert phases == ["intent", "sent", "outcome"]
    written = str(
        [list(Entry.objects.values()), list(Command.objects.values()), list(TempKey.objects.values())]
    )
    assert len(digits) == 3
    assert not [one for one in digits if one in written]


def test_one_that_is_gone_meanwhile_is_done_and_nothing_is_sent(simulator, connection, family, manager):
    one, *_ = there().filter(family=family)
    delete(manager, family, one, press="first")
    TempKey.objects.filter(pk=one.pk).update(gone_at=None)
    simulator.clear_journal()
    found = delete(manager, family, one, press="second")
    assert [row.state for row in found.rows] == ["gone"]
    assert found.performed.command.state == State.SUCCEEDED
    assert not simulator.journal(DELETE)
    one.refresh_from_db()
    assert one.gone_at is not None


def test_of_two_of_which_one_is_gone_the_other_is_deleted(simulator, connection, family, manager):
    one, other, _ = there().filter(family=family)
    delete(manager, family, one, press="first")
    TempKey.objects.filter(pk=one.pk).update(gone_at=None)
    found = delete(manager, family, one, other, press="second")
    assert [row.state for row in found.rows] == ["gone", "gone"]
    [param] = sent(simulator, DELETE_MANY)
    assert len(param["temp_key"]) == 1


def test_the_same_press_sends_nothing_twice_and_tells_the_same(simulator, connection, family, manager):
    one, other, _ = there().filter(family=family)
    delete(manager, family, one)
    again = delete(manager, family, one)
    assert again.performed.is_repeat
    assert [row.state for row in again.rows] == ["gone"]
    with pytest.raises(PressInvalid):
        delete(manager, family, other)
    assert len(simulator.journal(DELETE)) == 1


def test_many_equal_presses_at_once_delete_once(simulator, connection, family, manager):
    one, *_ = there().filter(family=family)
    failures = []

    def press():
        try:
            delete(manager, family, one)
        except BaseException as error:
            failures.append(error)
        finally:
            databases.close_all()

    people = [threading.Thread(target=press) for _ in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert not failures
    assert len(simulator.journal(DELETE)) == 1


class TestTrouble:
    @pytest.mark.parametrize("many", [False, True])
    def test_a_refusal_is_told_in_the_upstreams_words_and_they_are_still_there(
        self, simulator, connection, family, manager, many
    ):
        chosen = list(there().filter(family=family))[: 2 if many else 1]
        simulator.fault(DELETE_MANY if many else DELETE, "refuse", words="Not today")
        found = delete(manager, family, *chosen)
        assert {(row.state, row.words) for row in found.rows} == {("left", "Not today")}
        assert not TempKey.objects.filter(gone_at__isnull=False).exists()
        assert len(upstream(simulator, family)) == 3

    @pytest.mark.parametrize("many", [False, True])
    def test_a_reset_after_acting_is_looked_up_and_done(self, simulator, connection, family, manager, many):
        chosen = list(there().filter(family=family))[: 2 if many else 1]
        simulator.fault(DELETE_MANY if many else DELETE, "reset_after", times=1)
        found = delete(manager, family, *chosen)
        assert {row.state for row in found.rows} == {"gone"}
        command = found.performed.command
        assert (command.state, command.error) == (State.SUCCEEDED, "read_back")
        assert len(simulator.journal(DELETE_MANY if many else DELETE)) == 1

    def test_a_reset_before_acting_is_looked_up_and_not_done(self, simulator, connection, family, manager):
        one, *_ = there().filter(family=family)
        simulator.fault(DELETE, "reset_before", times=1)
        found = delete(manager, family, one)
        assert [row.state for row in found.rows] == ["left"]
        assert (found.performed.command.state, found.performed.command.error) == (State.REFUSED, "read_back")
        one.refresh_from_db()
        assert one.gone_at is None

    def test_an_outcome_that_nobody_can_look_up_is_unknown_and_the_next_reading_tells(
        self, simulator, connection, family, manager, settings
    ):
        # Time enough to find them and to ask, too little to look again.
        settings.UPSTREAM_DEADLINE_SECONDS = 3.8
        one, other, _ = there().filter(family=family)
        simulator.fault(LIST, "latency", seconds=1.2)
        simulator.fault(DELETE_MANY, "hang")
        found = delete(manager, family, one, other)
        assert found.performed.command.state == State.UNKNOWN
        assert [row.state for row in found.rows] == ["unknown", "unknown"]
        assert not found.is_read_back
        assert there().filter(family=family).count() == 3
        simulator.clear_faults()
        assert SyncState.objects.get(family=family, kind=Kind.TEMP_KEYS).due_at <= timezone.now()
        read_passes(connection)
        assert there().filter(family=family).count() == 3

    def test_a_list_that_cannot_be_read_sends_nothing(self, simulator, connection, family, manager, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        one, *_ = there().filter(family=family)
        simulator.fault(LIST, "html")
        found = delete(manager, family, one)
        assert [row.state for row in found.rows] == ["left"]
        assert found.performed.command.state == State.NOT_SENT
        assert not simulator.journal(DELETE)

    def test_half_a_list_without_it_deletes_nothing_and_says_so(self, simulator, connection, family, manager):
        one, *_ = there().filter(family=family)
        tell(simulator, key("911111111", count="many"))
        found = delete(manager, family, one)
        assert [row.state for row in found.rows] == ["unknown"]
        assert "could not be read in full" in found.performed.command.words
        assert not simulator.journal(DELETE)
        one.refresh_from_db()
        assert one.gone_at is None

    def test_without_the_trail_nothing_is_sent(self, simulator, connection, family, manager):
        one, *_ = there().filter(family=family)
        with a_trail_that_refuses(), pytest.raises(AuditUnavailable):
            delete(manager, family, one)
        assert not simulator.journal()

    def test_without_a_connection_nothing_is_sent(self, simulator, connection, family, manager):
        one, *_ = there().filter(family=family)
        Connection.objects.update(paused_at=timezone.now())
        with pytest.raises(NoConnection):
            delete(manager, family, one)
        assert not simulator.journal()
        assert not Command.objects.exists()


class TestWhoMay:
    def test_a_family_admin_deletes_those_they_made_and_no_others(self, simulator, connection, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        one, other, _ = there().filter(family=family)
        TempKey.objects.filter(family=family).update(made_after=timezone.now())
        TempKey.objects.filter(pk=one.pk).update(made_by=person)
        for chosen in ([other], [one, other]):
            with pytest.raises(PermissionDenied):
                delete(person, family, *chosen)
        assert not simulator.journal()
        assert delete(person, family, one).is_done

    def test_nobody_deletes_what_they_may_not_see(self, simulator, connection, family):
        one, *_ = there().filter(family=family)
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        TempKey.objects.filter(pk=one.pk).update(made_by=person)
        for actor in (AuditorFactory(), FamilyAdminFactory(), person, ManagerFactory(is_limited=True)):
            with pytest.raises(PermissionDenied):
                delete(actor, family, one)
        with pytest.raises(PermissionDenied):
            delete(ManagerFactory(), Family.objects.exclude(pk=family.pk).first(), one)
        with pytest.raises(PermissionDenied):
            delete(ManagerFactory(), family)
        assert not simulator.journal()
        assert not Command.objects.exists()


def test_passes_of_another_account_and_of_no_fingerprint_are_left(simulator, connection, family, manager):
    _one, other, third = there().filter(family=family)
    second = connect(simulator, name="Other")
    reach = Reach.objects.create(connection=second, family=family, account_id="another", auth=Rights.GUEST)
    TempKey.objects.filter(pk=other.pk).update(reach=reach, account_id="another")
    TempKey.objects.filter(pk=third.pk).update(fingerprint="")
    found = delete(manager, family, *TempKey.objects.filter(family=family).order_by("pk"))
    assert [row.state for row in found.rows] == ["gone", "left", "left"]
    assert "another account" in found.rows[1].words
    assert len(sent(simulator, DELETE)) == 1
    again = delete(manager, family, TempKey.objects.get(pk=third.pk), press="other")
    assert (again.performed, again.rows[0].state) == (None, "left")


def test_what_is_read_live_is_what_is_there(simulator, connection, family, manager):
    tell(simulator, key("911111111"))
    reach = reading.read_live(manager, family)
    there = TempKey.objects.filter(reach=reach, account_id=reach.account_id, gone_at=None, missing_answers=0)
    assert [one.uses for one in there] == [5]
    assert "911111111" not in json.dumps(list(TempKey.objects.values()), default=str)
    simulator.clear_faults()
    simulator.fault(LIST, "refuse")
    with pytest.raises(ListNotRead):
        reading.read_live(manager, family)
    with pytest.raises(PermissionDenied):
        reading.read_live(AuditorFactory(), family)
