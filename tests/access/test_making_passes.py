"""Making passes: asked for once, exactly as the reference has it, shown once, and known by a fingerprint afterwards."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections as databases
from django.utils import timezone

from access.models import TempKey
from access.services.passes import deleting
from access.services.passes.limits import PassRefused
from families.models import Family, Kind
from families.services.acting import NoConnection
from portal.audit.models import Command, Entry, State
from portal.audit.trail import AuditUnavailable
from portal.connections.models import Connection
from portal.web.presses import PressInvalid
from tests.access.making import CREATE, STARTS, asked, make, sent, upstream
from tests.access.passing import LIST, read_passes, there
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
    """A family with three passes made elsewhere."""
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    found = max(Family.objects.all(), key=lambda one: one.temp_keys.count())
    assert found.temp_keys.count() == 3
    simulator.clear_journal()
    return found


@pytest.fixture
def manager():
    return ManagerFactory()


def test_one_is_made_with_exactly_the_references_parameters_once(simulator, family, manager):
    made = make(manager, family, uses=3)
    assert sent(simulator) == [
        {
            "residence_id": family.residence_id,
            "start_time": "2030-03-04 08:00:00",
            "finish_time": "2030-03-04 10:00:00",
            "count": 3,
        }
    ]
    assert [row["command"] for row in simulator.journal()] == [LIST, CREATE]
    assert made.performed.command.state == State.SUCCEEDED
    assert made.code.digits in upstream(simulator, family)


def test_times_in_any_zone_are_told_in_utc_and_whole_seconds(simulator, family, manager):
    zone = timezone.get_fixed_timezone(timedelta(hours=5, minutes=45))
    starts = datetime(2030, 1, 1, 0, 0, 30, 999_999, tzinfo=zone)
    make(manager, family, starts_at=starts, ends_at=starts + timedelta(days=1))
    [param] = sent(simulator)
    assert (param["start_time"], param["finish_time"]) == ("2029-12-31 18:15:30", "2030-01-01 18:15:30")


def test_what_is_kept_is_the_label_the_window_and_a_fingerprint(simulator, connection, family, manager):
    made = make(manager, family)
    key = TempKey.objects.get(command=made.performed.command)
    assert (key.label, key.visitor_name, key.visitor_email, key.note, key.made_by) == (
        "Plumber",
        "Rui Costa",
        "rui@visitor.example",
        "Boiler",
        manager,
    )
    assert (key.starts_at, key.ends_at - key.starts_at, key.uses) == (STARTS, timedelta(hours=2), 5)
    assert key.fingerprint
    assert key.gone_at is None
    assert key.public_id == made.performed.command.object_id
    written = json.dumps([list(model.objects.values()) for model in (Entry, Command, TempKey)], default=str)
    assert made.code.digits not in written
    assert made.code.digits not in repr(made)
    # The next list finds it, and there is no second row.
    read_passes(connection)
    assert there().filter(family=family).count() == 4
    key.refresh_from_db()
    assert (key.missing_answers, key.gone_at, key.label) == (0, None, "Plumber")


def test_the_trail_tells_who_asked_for_what(simulator, family, manager):
    command = make(manager, family).performed.command
    assert (command.event, command.object_kind, command.object_name) == ("pass.make", "pass", "Plumber")
    assert command.parameters["starts_at"] == "2030-03-04 08:00:00"
    phases = Entry.objects.filter(command_id=command.command_id).order_by("number")
    assert list(phases.values_list("phase", flat=True)) == ["intent", "sent", "outcome"]
    assert set(phases.values_list("actor", flat=True)) == {manager.pk}


def test_the_same_press_makes_one_and_shows_no_code_twice(simulator, family, manager):
    first = make(manager, family)
    again = make(manager, family)
    assert again.performed.is_repeat
    assert again.code is None
    assert again.key == first.key
    with pytest.raises(PressInvalid):
        make(manager, family, label="Somebody else")
    assert len(simulator.journal(CREATE)) == 1


def test_many_equal_presses_at_once_make_one(simulator, family, manager):
    failures, codes = [], []

    def press():
        try:
            codes.append(make(manager, family).code)
        except BaseException as error:
            failures.append(error)
        finally:
            databases.close_all()

    people = [threading.Thread(target=press) for _ in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert not failures
    assert len(simulator.journal(CREATE)) == 1
    assert len([code for code in codes if code]) == 1
    assert there().filter(family=family).count() == 4


def test_one_that_was_made_can_be_deleted_by_its_fingerprint(simulator, family, manager):
    made = make(manager, family)
    found = deleting.delete_passes(manager, family=family, keys=[made.key], press="away")
    assert found.is_done
    assert made.code.digits not in upstream(simulator, family)


class TestWhoMay:
    def test_a_family_admin_makes_passes_in_their_own_families(self, simulator, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        made = make(person, family)
        assert made.code is not None
        assert list(TempKey.objects.visible_to(person)) == [made.key]

    def test_their_pass_ends_with_their_time_at_the_latest(self, simulator, family):
        person = FamilyAdminFactory()
        soon = timezone.now().replace(microsecond=0) + timedelta(hours=1)
        GrantFactory(person=person, family=family, ends_at=soon)
        with pytest.raises(PassRefused, match="You look after this family until"):
            make(person, family, starts_at=timezone.now(), ends_at=soon + timedelta(seconds=1))
        assert not simulator.journal()
        assert not Command.objects.exists()
        make(person, family, starts_at=timezone.now().replace(microsecond=0), ends_at=soon)
        assert len(sent(simulator)) == 1

    def test_nobody_else_does(self, simulator, family):
        other = FamilyAdminFactory()
        GrantFactory(person=other, family=Family.objects.exclude(pk=family.pk).first())
        for actor in (AuditorFactory(), FamilyAdminFactory(), other, ManagerFactory(is_limited=True)):
            with pytest.raises(PermissionDenied):
                make(actor, family)
        assert not simulator.journal()
        assert not Command.objects.exists()


class TestHowMany:
    def test_so_many_an_hour_by_one_person(self, simulator, family, manager, settings):
        settings.PASSES_PER_PERSON_AN_HOUR = 2
        for press in ("a", "b"):
            make(manager, family, press=press)
        with pytest.raises(PassRefused, match="You may make 2 passes an hour"):
            make(manager, family, press="c")
        # A repeat is none more, a job's rows are confirmed together, and other people have their own number.
        assert make(manager, family, press="a").performed.is_repeat
        make(manager, family, press="job-x-1")
        make(ManagerFactory(), family, press="d")
        assert len(sent(simulator)) == 4
        Command.objects.update(created_at=timezone.now() - timedelta(minutes=61))
        make(manager, family, press="c")

    def test_so_many_an_hour_in_one_family(self, simulator, family, manager, settings):
        settings.PASSES_PER_FAMILY_AN_HOUR = 2
        make(manager, family, press="a")
        make(ManagerFactory(), family, press="job-x-1")
        for press in ("b", "job-x-2"):
            with pytest.raises(PassRefused, match="At most 2 passes an hour are made in one family"):
                make(ManagerFactory(), family, press=press)
        make(manager, Family.objects.exclude(pk=family.pk).first(), press="c")
        assert len(sent(simulator)) == 3
        assert not Command.objects.filter(press="b").exists()

    def test_what_was_not_made_does_not_count(self, simulator, family, manager, settings):
        settings.PASSES_PER_PERSON_AN_HOUR = 1
        simulator.fault(CREATE, "refuse", times=1)
        make(manager, family, press="a")
        assert make(manager, family, press="b").code is not None

    def test_0_is_without_limit(self, simulator, family, manager, settings):
        settings.PASSES_PER_PERSON_AN_HOUR = settings.PASSES_PER_FAMILY_AN_HOUR = 0
        for press in "abc":
            make(manager, family, press=press)
        assert len(sent(simulator)) == 3


class TestNotSent:
    def test_without_the_trail_nothing_is_sent(self, simulator, family, manager):
        with a_trail_that_refuses(), pytest.raises(AuditUnavailable):
            make(manager, family)
        assert not simulator.journal()
        assert not asked().exists()

    def test_without_a_connection_nothing_is_sent(self, simulator, family, manager):
        Connection.objects.update(paused_at=timezone.now())
        with pytest.raises(NoConnection):
            make(manager, family)
        assert not simulator.journal()

    @pytest.mark.parametrize("kind", ["html", "hang", "reset_before", "truncated"])
    def test_a_list_that_cannot_be_read_before_it_makes_nothing(
        self, simulator, family, manager, settings, kind
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        simulator.fault(LIST, kind)
        made = make(manager, family)
        assert made.performed.command.state == State.NOT_SENT
        assert (made.key, made.code) == (None, None)
        assert not simulator.journal(CREATE)
        assert not asked().exists()

    def test_what_was_there_before_is_stored_first(self, simulator, connection, family, manager):
        make(manager, family, press="elsewhere")
        TempKey.objects.filter(made_by=manager).delete()
        make(manager, family)
        # The one that nothing was known of stands as made elsewhere, the new one as ours.
        assert there().filter(family=family).count() == 5
        assert there().filter(family=family, made_by=manager).count() == 1
