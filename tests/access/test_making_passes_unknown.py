"""Passes without an answer: found in the list after it, given up, or asked about; whoever sees them first."""

import json
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connections as databases
from django.utils import timezone

from access.models import TempKey
from access.services.passes import reconciling
from access.services.passes.reconciling import NotWaiting
from access.sync import unmatched
from access.tasks import settle_commands
from families.models import Family, Kind, SyncState
from portal.audit.models import Command, Entry, State
from portal.audit.trail import AuditUnavailable
from portal.upstream.client import Client, StaticToken
from tests.access.making import CREATE, STARTS, make, sent, upstream
from tests.access.passing import LIST, read_passes, there
from tests.factories import FamilyAdminFactory, GrantFactory, ManagerFactory
from tests.families.house import a_trail_that_refuses
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=3)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    simulator.clear_journal()
    return max(Family.objects.all(), key=lambda one: one.temp_keys.count())


@pytest.fixture
def manager(settings):
    # A look has to be over soon where the list does not answer.
    settings.UPSTREAM_DEADLINE_SECONDS = 3.0
    return ManagerFactory(name="Ana Prado")


def elsewhere(simulator, family, starts=STARTS, uses=5):
    """Somebody makes a pass of the same window in the phone app."""
    client = Client(simulator.url, StaticToken(simulator.token))
    answer = client.create_akuvox_open_door_temp_key_config(
        residence_id=family.residence_id,
        start_time=f"{starts:%Y-%m-%d %H:%M:%S}",
        finish_time=f"{starts + timedelta(hours=2):%Y-%m-%d %H:%M:%S}",
        count=uses,
    )
    simulator.clear_journal()
    return answer.result.temp_key


def unheard(simulator, manager, family, *, made, press="press", **changes):
    """Ask for one of which no answer comes, nor to the look after it; ``made`` or not."""
    simulator.fault(CREATE, "reset_after" if made else "reset_before", times=1)
    # The first look at the list is before it.
    simulator.fault(LIST, "latency", seconds=0.0, times=1)
    simulator.fault(LIST, "html")
    made = make(manager, family, press=press, **changes)
    simulator.clear_faults()
    assert made.performed.command.state == State.UNKNOWN
    assert made.key.is_unmatched
    return made.key


def entries(command):
    return list(
        Entry.objects.filter(command_id=command.command_id)
        .order_by("number")
        .values_list("event", "phase", "outcome")
    )


class TestFoundAtOnce:
    @pytest.mark.parametrize("kind", ["reset_after", "cut", "empty", "html", "drip"])
    def test_one_new_of_the_same_window_is_taken_for_it(self, simulator, connection, family, manager, kind):
        before = upstream(simulator, family)
        simulator.clear_journal()
        simulator.fault(CREATE, kind, times=1)
        made = make(manager, family)
        command = made.performed.command
        assert (command.state, command.error) == (State.SUCCEEDED, "read_back")
        # Its code is had by a reveal.
        assert made.code is None
        assert made.key.fingerprint
        assert ("pass.adopt", "", "") in entries(command)
        assert [row["command"] for row in simulator.journal()] == [LIST, CREATE, LIST]
        read_passes(connection)
        assert there().filter(family=family).count() == len(upstream(simulator, family)) == len(before) + 1
        [digits] = set(upstream(simulator, family)) - set(before)
        assert digits not in json.dumps([*Entry.objects.values(), *Command.objects.values()], default=str)

    def test_what_was_there_before_is_not_it(self, simulator, family, manager):
        elsewhere(simulator, family)
        simulator.fault(CREATE, "reset_before", times=1)
        made = make(manager, family)
        assert made.performed.command.state == State.UNKNOWN
        assert made.key.is_unmatched

    def test_an_answer_without_digits_is_found_in_the_list_and_shown(self, simulator, family, manager):
        body = {"success": True, "timestamp": 1_700_000_000_000, "result": {}}
        simulator.fault(CREATE, "body", body=json.dumps(body), times=1)
        made = make(manager, family)
        assert made.performed.command.state == State.SUCCEEDED
        assert made.key.fingerprint
        assert made.code.digits in upstream(simulator, family)
        assert there().filter(family=family, made_by=manager).count() == 1
        assert there().filter(family=family).count() == len(upstream(simulator, family))


class TestNothingDoubled:
    @pytest.mark.parametrize(
        "kind",
        [
            "reset_before", "reset_after", "hang", "truncated", "cut", "wrong_type", "redirect", "html", "empty",
            "refuse", "busy", "unauthorized", "drip",
        ],
    )  # fmt: skip
    def test_whatever_comes_back_it_is_asked_for_once_and_called_what_it_is(
        self, simulator, connection, family, manager, kind
    ):
        before = len(upstream(simulator, family))
        simulator.clear_journal()
        simulator.fault(CREATE, kind, times=1)
        made = make(manager, family)
        executed = len(sent(simulator))
        assert executed <= 1
        assert len(upstream(simulator, family)) == before + executed
        state = made.performed.command.state
        if state == State.SUCCEEDED:
            assert executed == 1
        elif state in {State.REFUSED, State.NOT_SENT}:
            assert executed == 0
            assert made.key is None
            assert not TempKey.objects.filter(made_by=manager).exists()
        else:
            assert state == State.UNKNOWN
            assert made.key.is_unmatched
        # 401 is the one refusal after which it is asked again: it was not carried out.
        assert len(simulator.journal(CREATE)) <= (2 if kind == "unauthorized" else 1)

    def test_a_refusal_is_told_in_the_upstreams_words(self, simulator, family, manager):
        simulator.fault(CREATE, "refuse", words="No more keys", times=1)
        made = make(manager, family)
        assert (made.performed.command.state, made.performed.command.words) == (State.REFUSED, "No more keys")


class TestFoundLater:
    def test_the_next_list_tells_and_there_is_one_row(self, simulator, connection, family, manager):
        key = unheard(simulator, manager, family, made=True)
        read_passes(connection)
        key.refresh_from_db()
        assert key.fingerprint
        assert (key.label, key.made_by) == ("Plumber", manager)
        assert there().filter(family=family).count() == len(upstream(simulator, family))
        command = Command.objects.get(pk=key.command_id)
        assert command.state == State.CONFIRMED_BY_HISTORY
        assert ("pass.adopt", "", "") in entries(command)
        read_passes(connection)
        assert there().filter(family=family).count() == len(upstream(simulator, family))

    def test_a_process_that_died_after_sending_leaves_one_that_is_found(
        self, simulator, connection, family, manager
    ):
        key = unheard(simulator, manager, family, made=True)
        Command.objects.update(state=State.SENT, deadline_at=timezone.now() + timedelta(seconds=60))
        read_passes(connection)
        key.refresh_from_db()
        # Whoever asked for it may still be told.
        assert key.is_unmatched
        assert there().filter(family=family).count() == len(upstream(simulator, family)) + 1
        Command.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
        SyncState.objects.update(due_at=timezone.now() + timedelta(hours=1), wanted_until=None)
        settle_commands()
        soon = timezone.now() + timedelta(seconds=3)
        assert SyncState.objects.get(family=family, kind=Kind.TEMP_KEYS).due_at <= soon
        read_passes(connection)
        key.refresh_from_db()
        assert key.fingerprint
        assert there().filter(family=family).count() == len(upstream(simulator, family))

    def test_one_that_was_never_sent_is_taken_back(self, simulator, connection, family, manager):
        key = unheard(simulator, manager, family, made=False)
        Command.objects.update(state=State.NOT_SENT)
        read_passes(connection)
        assert not TempKey.objects.filter(pk=key.pk).exists()

    def test_a_list_without_it_gives_it_up_only_when_it_cannot_come_any_more(
        self, simulator, connection, family, manager
    ):
        key = unheard(simulator, manager, family, made=False)
        read_passes(connection)
        key.refresh_from_db()
        assert key.is_unmatched
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            read_passes(connection)
        key.refresh_from_db()
        assert key.gone_at is not None
        assert Command.objects.get(pk=key.command_id).state == State.NO_TRACE
        assert not there().filter(made_by=manager).exists()

    def test_half_a_list_or_another_accounts_gives_up_nothing(self, simulator, connection, family, manager):
        key = unheard(simulator, manager, family, made=False)
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            read_passes(connection)
            TempKey.objects.filter(pk=key.pk).update(gone_at=None)
            Command.objects.update(state=State.UNKNOWN)
            for told in ("", "1:another"):
                SyncState.objects.update(told_by=told)
                unmatched.settle_families([family.pk])
                key.refresh_from_db()
                assert key.is_unmatched

    def test_as_many_new_as_were_asked_for_are_taken_for_them(self, simulator, connection, family, manager):
        keys = [unheard(simulator, manager, family, made=True, press=press) for press in "ab"]
        read_passes(connection)
        for key in keys:
            key.refresh_from_db()
        assert keys[0].fingerprint != keys[1].fingerprint != ""
        assert there().filter(family=family).count() == len(upstream(simulator, family))

    def test_what_was_seen_before_another_was_asked_for_is_not_that_one(
        self, simulator, connection, family, manager
    ):
        first = unheard(simulator, manager, family, made=True, press="a")
        second = unheard(simulator, manager, family, made=False, press="b")
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            read_passes(connection)
        for key in (first, second):
            key.refresh_from_db()
        assert first.fingerprint
        assert (second.fingerprint, second.gone_at is None) == ("", False)

    def test_fewer_or_more_or_another_window_are_a_persons_affair(
        self, simulator, connection, family, manager
    ):
        first = unheard(simulator, manager, family, made=True, press="a")
        second = unheard(simulator, manager, family, made=False, press="b")
        # As where both are asked for at once, and neither is in the list before the other.
        TempKey.objects.filter(pk=second.pk).update(at=first.at)
        other = unheard(simulator, manager, family, made=True, press="c", uses=7)
        elsewhere(simulator, family, uses=7)
        third = unheard(simulator, manager, family, made=False, press="d", uses=9)
        elsewhere(simulator, family, STARTS + timedelta(seconds=1), uses=9)
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            read_passes(connection)
        for key in (first, second, other):
            key.refresh_from_db()
            assert key.is_unmatched
        third.refresh_from_db()
        assert third.gone_at is not None
        assert [len(unmatched.candidates(key)) for key in (first, second, other)] == [1, 1, 2]


class TestAtOnce:
    def test_the_sync_that_sees_it_before_the_answer_comes_leaves_one_row(
        self, simulator, connection, family, manager
    ):
        before = len(upstream(simulator, family))
        simulator.fault(CREATE, "drip", seconds=1.0, times=1)
        made = []

        def press():
            try:
                made.append(make(manager, family))
            finally:
                databases.close_all()

        person = threading.Thread(target=press)
        person.start()
        ends = time.monotonic() + 5
        while len(upstream(simulator, family)) == before and time.monotonic() < ends:
            time.sleep(0.05)
        read_passes(connection)
        rows = there().filter(family=family)
        assert rows.filter(made_by=manager, fingerprint="").count() == 1
        assert rows.count() == before + 2
        person.join()
        assert made[0].performed.command.state == State.SUCCEEDED
        assert there().filter(family=family).count() == before + 1
        assert there().get(family=family, made_by=manager).fingerprint

    def test_twenty_readings_and_five_makings_at_once_give_a_row_each(
        self, simulator, connection, family, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 8.0
        failures = []

        def run(act):
            try:
                act()
            except BaseException as error:
                failures.append(error)
            finally:
                databases.close_all()

        def look():
            for _ in range(5):
                read_passes(connection)

        acts = [look] * 2 + [
            lambda press=str(number): make(manager, family, press=press) for number in range(3)
        ]
        people = [threading.Thread(target=run, args=[act]) for act in acts]
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert not failures
        read_passes(connection)
        assert there().filter(family=family).count() == len(upstream(simulator, family))
        assert there().filter(family=family, made_by=manager).exclude(fingerprint="").count() == 3


class TestAPersonSays:
    @pytest.fixture
    def key(self, simulator, connection, family, manager):
        """One that two in the list may be."""
        key = unheard(simulator, manager, family, made=True)
        elsewhere(simulator, family)
        read_passes(connection)
        key.refresh_from_db()
        simulator.clear_journal()
        return key

    def test_this_one_is_it(self, simulator, connection, family, manager, key):
        found, other = unmatched.candidates(key)
        reconciling.take(manager, key=key, found=found)
        key.refresh_from_db()
        assert key.fingerprint == found.fingerprint
        assert not TempKey.objects.filter(pk=found.pk).exists()
        assert TempKey.objects.filter(pk=other.pk, made_by=None).exists()
        command = Command.objects.get(pk=key.command_id)
        assert command.state == State.CLOSED_BY_USER
        adoption = Entry.objects.get(event="pass.adopt")
        assert (adoption.actor, adoption.object_id) == (manager, key.public_id)
        with pytest.raises(NotWaiting):
            reconciling.take(manager, key=key, found=other)
        assert not simulator.journal()

    def test_none_of_them_is(self, simulator, connection, family, manager, key):
        reconciling.take_none(manager, key)
        key.refresh_from_db()
        assert key.gone_at is not None
        assert Command.objects.get(pk=key.command_id).state == State.CLOSED_BY_USER
        with pytest.raises(NotWaiting):
            reconciling.take_none(manager, key)
        read_passes(connection)
        assert there().filter(family=family).count() == len(upstream(simulator, family))

    def test_one_of_another_window_cannot_be_chosen(self, family, manager, key):
        with pytest.raises(NotWaiting):
            reconciling.take(manager, key=key, found=there().filter(family=family, command=None).first())

    def test_a_look_reads_the_list_once(self, simulator, family, manager, key):
        assert reconciling.look(manager, key) is False
        assert [row["command"] for row in simulator.journal()] == [LIST]

    def test_whoever_may_not_act_says_nothing(self, family, key):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        for actor in (person, FamilyAdminFactory()):
            with pytest.raises(PermissionDenied):
                reconciling.take_none(actor, key)
        assert key.is_unmatched

    def test_without_the_trail_nothing_is_changed(self, manager, key):
        found = unmatched.candidates(key)[0]
        with a_trail_that_refuses():
            with pytest.raises(AuditUnavailable):
                reconciling.take(manager, key=key, found=found)
            with pytest.raises(AuditUnavailable):
                reconciling.take_none(manager, key)
        assert TempKey.objects.filter(pk=key.pk, fingerprint="", gone_at=None).exists()
        assert TempKey.objects.filter(pk=found.pk).exists()
