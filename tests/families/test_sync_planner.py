import threading
from datetime import timedelta
from itertools import chain

import pytest
from django.db import connection as database
from django.db import connections as databases
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from families.models import Kind, SyncState
from families.sync import planner, states
from portal.connections import budget
from portal.connections.models import Connection, Health
from tests.factories import ConnectionFactory, FamilyFactory, ReachFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = len(states.FAMILY_KINDS)


@pytest.fixture
def connection():
    return ConnectionFactory()


def add_families(connection, count):
    families = [ReachFactory(connection=connection).family for _ in range(count)]
    states.make_for_connections()
    states.make_for_families([family.pk for family in families])
    return families


def flat(sent):
    return list(chain.from_iterable(sent))


def plan():
    sent = []
    planner.plan(sent.append)
    return sent


def test_everything_that_is_due_is_handed_out_once(connection):
    add_families(connection, 5)
    sent = plan()
    assert sorted(flat(sent)) == sorted(SyncState.objects.values_list("pk", flat=True))
    assert len(flat(sent)) == 5 * KINDS + 1
    assert plan() == []


def test_a_message_that_was_lost_is_planned_again(connection):
    add_families(connection, 1)
    first = plan()
    SyncState.objects.update(queued_until=timezone.now() - timedelta(seconds=1))
    assert plan() == first


def test_a_message_that_could_not_be_sent_is_planned_again(connection):
    add_families(connection, 1)

    def fail(chunk):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        planner.plan(fail)
    assert len(flat(plan())) == KINDS + 1


def test_two_planners_at_once_hand_nothing_out_twice(connection):
    add_families(connection, 40)
    sent, failures = [], []
    gate = threading.Barrier(4)

    def work():
        try:
            gate.wait()
            planner.plan(sent.append)
        except BaseException as error:
            failures.append(error)
        finally:
            databases.close_all()

    beats = [threading.Thread(target=work) for _ in range(4)]
    for beat in beats:
        beat.start()
    for beat in beats:
        beat.join()
    assert not failures
    handed_out = flat(sent)
    assert len(handed_out) == len(set(handed_out)) == 40 * KINDS + 1


def test_what_somebody_has_or_what_is_not_due_is_left_alone(connection):
    family = add_families(connection, 1)[0]
    now = timezone.now()
    mine = SyncState.objects.filter(family=family)
    mine.filter(kind=Kind.MEMBERS).update(lease_until=now + timedelta(seconds=20))
    mine.filter(kind=Kind.DEVICES).update(due_at=now + timedelta(seconds=20))
    mine.filter(kind=Kind.CALLS).update(lease_until=now - timedelta(seconds=1))
    kinds = set(SyncState.objects.filter(pk__in=flat(plan())).values_list("kind", flat=True))
    assert kinds == {Kind.FAMILIES, Kind.OPENINGS, Kind.CALLS, Kind.TEMP_KEYS}


@pytest.mark.parametrize(
    "fields",
    [
        {"paused_at": timezone.now()},
        {"health": Health.SIGNED_OUT},
        {"hold_until": timezone.now() + timedelta(hours=1)},
    ],
    ids=["paused", "signed out", "held"],
)
def test_a_connection_that_may_not_be_called_gets_nothing(connection, fields):
    add_families(connection, 2)
    Connection.objects.update(**fields)
    assert plan() == []
    Connection.objects.update(paused_at=None, health=Health.GOOD, hold_until=None)
    assert len(flat(plan())) == 2 * KINDS + 1


def test_a_family_that_nobody_reaches_is_not_read(connection):
    family = add_families(connection, 1)[0]
    family.reaches.update(gone_at=timezone.now())
    kinds = SyncState.objects.filter(pk__in=flat(plan())).values_list("kind", flat=True)
    assert list(kinds) == [Kind.FAMILIES]


def test_no_more_is_handed_out_than_the_budget_of_the_minute_has_left(connection):
    add_families(connection, 10)
    Connection.objects.update(calls_per_minute=20)
    connection.refresh_from_db()
    assert budget.take(connection, 12)
    assert len(flat(plan())) == 6
    assert budget.take(connection, 6)
    SyncState.objects.update(queued_until=None)
    assert plan() == []


def test_the_oldest_go_first_and_what_is_watched_before_them(connection):
    families = add_families(connection, 4)
    now = timezone.now()
    SyncState.objects.update(due_at=now + timedelta(hours=1))
    for age, family in enumerate(families):
        SyncState.objects.filter(family=family, kind=Kind.CALLS).update(due_at=now - timedelta(minutes=age))
    watched = SyncState.objects.filter(family=families[0], kind=Kind.CALLS)
    watched.update(wanted_until=now + timedelta(minutes=1))
    sent = plan()
    ages = [SyncState.objects.get(pk=pk).family for pk in flat(sent)]
    assert ages == [families[0], families[3], families[2], families[1]]
    # In a message of its own, so that it waits for no other.
    assert len(sent[0]) == 1


def test_a_message_holds_ids_of_one_connection_and_not_too_many(connection):
    add_families(connection, planner.CHUNK // KINDS + 10)
    other = ConnectionFactory()
    add_families(other, 2)
    sent = plan()
    assert [len(chunk) for chunk in sent] == [planner.CHUNK, 10 * KINDS + 1, 2 * KINDS + 1]
    assert all(isinstance(pk, int) for pk in flat(sent))


def test_a_family_is_read_by_the_organisations_connection_and_never_by_a_persons_own(connection):
    personal = ConnectionFactory(owner=UserFactory())
    family = FamilyFactory()
    ReachFactory(connection=personal, family=family, first_seen_at=timezone.now() - timedelta(days=1))
    ReachFactory(connection=connection, family=family)
    states.make_for_families([family.pk])
    everybody = [personal.pk, connection.pk]
    read_by = SyncState.objects.filter(family=family).annotate(reader=states.reading_connection(everybody))
    assert set(read_by.values_list("reader", flat=True)) == {connection.pk}
    alone = SyncState.objects.filter(family=family).annotate(reader=states.reading_connection([personal.pk]))
    assert set(alone.values_list("reader", flat=True)) == {None}


def test_a_turn_costs_the_same_however_many_families_and_connections_there_are(connection):
    counts = []
    for more in (2, 20):
        add_families(ConnectionFactory(), more)
        SyncState.objects.update(due_at=timezone.now() + timedelta(hours=1))
        with CaptureQueriesContext(database) as captured:
            assert plan() == []
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 4
