import threading
import time
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections as databases
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import Call, Opening
from access.sync import runs, want_history
from families.models import Family, Kind, SyncState
from families.sync import readings, states
from families.sync.readings import Reading
from portal.connections.conditions import describe
from portal.connections.models import CallCount, Connection, Health
from portal.upstream.client import Client, StaticToken
from portal.upstream.signin import sign_in_with_password
from tests.syncing import connect, empty, read, tables

pytestmark = pytest.mark.django_db(transaction=True)
# What there is to read in six families.
ALL = 6 * len(states.FAMILY_KINDS)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=6, rotate_pictures_seconds=36_000)
    return connect(simulator)


def ids(*kinds, **wanted):
    found = SyncState.objects.filter(**wanted)
    return list((found.filter(kind__in=kinds) if kinds else found).values_list("pk", flat=True))


def make_due(**wanted):
    SyncState.objects.filter(**wanted).update(due_at=timezone.now())


def reading_of(connection, state, answer, *, fence):
    now = timezone.now()
    return Reading(
        state=state,
        connection=connection,
        answer=answer,
        asked_at=now,
        answered_at=now,
        fence=fence,
        earlier_good_at=None,
    )


@pytest.mark.parametrize("kind", states.FAMILY_KINDS)
def test_a_stale_fence_writes_nothing(simulator, connection, kind):
    read(connection, Kind.FAMILIES)
    before = tables()
    state = SyncState.objects.filter(kind=kind).select_related("family").first()
    keeper = runs.KEEPERS[kind]
    answer = keeper.read(Client(simulator.url, StaticToken(simulator.token)), state.family.residence_id)
    stale = readings.write_together(keeper, [reading_of(connection, state, answer, fence=state.fence - 1)])
    assert stale.readings == []
    assert tables() == before
    mine = readings.write_together(keeper, [reading_of(connection, state, answer, fence=state.fence)])
    assert len(mine.readings) == 1
    assert tables() != before


def test_a_worker_that_lost_its_states_while_it_waited_writes_nothing(simulator, connection):
    read(connection, Kind.FAMILIES)
    before = tables()
    simulator.fault("*", "latency", seconds=0.7)
    worker = threading.Thread(
        target=lambda: (runs.run_chunk(ids(family__isnull=False)), databases.close_all())
    )
    worker.start()
    while not SyncState.objects.filter(lease_until__isnull=False).exists():
        time.sleep(0.01)
    taken = "somebody else"
    for state in SyncState.objects.filter(family__isnull=False):
        SyncState.objects.filter(pk=state.pk).update(fence=state.fence + 1, lease_holder=taken)
    worker.join()
    assert tables() == before
    assert SyncState.objects.filter(lease_holder=taken).count() == ALL


def test_an_unchanged_answer_costs_no_query_per_family(simulator):
    counts = []
    for families in (3, 30):
        empty()
        Connection.objects.all().delete()
        simulator.reset(families=families, rotate_pictures_seconds=36_000)
        connection = connect(simulator)
        read(connection)
        # All histories at the same pace, and no health to be written.
        SyncState.objects.update(interval_seconds=600, due_at=timezone.now())
        Connection.objects.update(last_good_at=timezone.now())
        with CaptureQueriesContext(database) as captured:
            report = runs.run_chunk(ids(family__isnull=False))
        assert (report.changed, len(report.good)) == (0, families * len(states.FAMILY_KINDS))
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= 40


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "truncated"},
        {"kind": "empty"},
        {"kind": "wrong_type"},
        {"kind": "status", "status": 500},
        {"kind": "body", "body": '{"success": true, "timestamp": 1, "result": {"rows": []}}'},
        {"kind": "body", "body": '{"success": true, "timestamp": 1, "result": 7}'},
        {"kind": "body", "body": '{"success": "true", "timestamp": 1, "result": []}'},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values())[:40],
)
def test_a_malformed_history_writes_nothing_and_is_told(simulator, connection, settings, fault):
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    read(connection, Kind.FAMILIES)
    family = Family.objects.order_by("pk").first()
    before = tables()
    simulator.fault("get_akuvox_open_door_history", residence_id=family.residence_id, **fault)
    report = read(connection, Kind.OPENINGS, family=family)
    state = SyncState.objects.get(family=family, kind=Kind.OPENINGS)
    assert not Opening.objects.exists()
    assert tables()["Opening"] == before["Opening"]
    assert (state.failures, state.last_good_at) == (1, None)
    assert state.last_error
    assert state.due_at > timezone.now()
    assert [failure.state.pk for failure in report.failures] == [state.pk]
    simulator.clear_faults()
    read(connection, Kind.OPENINGS, family=family)
    state.refresh_from_db()
    assert (state.failures, state.last_error) == (0, "")


def test_one_family_that_is_refused_keeps_no_other_from_being_read(simulator, connection):
    read(connection, Kind.FAMILIES)
    refused = Family.objects.order_by("pk").first()
    simulator.fault(
        "get_akuvox_call_history", "refuse", residence_id=refused.residence_id, words="Not for you"
    )
    report = read(connection, Kind.CALLS)
    assert [failure.state.family for failure in report.failures] == [refused]
    assert "Not for you" in SyncState.objects.get(family=refused, kind=Kind.CALLS).last_error
    assert len(report.good) == 5
    assert Connection.objects.get().health == Health.GOOD


def test_an_upstream_that_is_off_is_given_up_after_a_few_calls(simulator, connection, settings):
    read(connection)
    settings.UPSTREAM_DEADLINE_SECONDS = 0.5
    settings.SYNC_THREADS = 2
    before = tables()
    SyncState.objects.update(due_at=timezone.now())
    simulator.stop()
    report = runs.run_chunk(ids(family__isnull=False))
    # Those under way when the fifth failed may fail too; the rest was not tried, and stays due.
    failed = SyncState.objects.filter(failures=1).count()
    assert 5 <= failed < ALL
    assert len(report.failures) == ALL
    assert Connection.objects.get().health == Health.FAILING
    assert SyncState.objects.filter(due_at__lte=timezone.now(), family__isnull=False).count() == ALL - failed
    assert not SyncState.objects.filter(lease_until__isnull=False).exists()
    simulator.start()
    simulator.clear_journal()
    assert len(read(connection).failures) == ALL + 1
    assert simulator.journal() == []
    Connection.objects.update(open_until=timezone.now())
    assert not read(connection).failures
    assert Connection.objects.get().health == Health.GOOD
    after = tables()
    assert after == before


def test_failures_in_a_row_make_the_pauses_longer_up_to_ten_minutes(simulator, connection):
    read(connection, Kind.FAMILIES)
    simulator.fault("*", "refuse")
    pauses = []
    for _ in range(8):
        make_due(kind=Kind.OPENINGS)
        began = timezone.now()
        runs.run_chunk(ids(Kind.OPENINGS))
        state = SyncState.objects.filter(kind=Kind.OPENINGS).first()
        pauses.append((state.due_at - began).total_seconds())
    assert pauses[1] > pauses[0]
    assert pauses[-1] > 60
    assert max(pauses) <= 601


@pytest.mark.parametrize("kind", ["html", "refuse"])
def test_what_answers_nothing_good_for_a_while_is_told_of_and_asked_one_thing_at_a_time(
    simulator, connection, settings, kind
):
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    read(connection)
    make_due(family__isnull=False)
    simulator.fault("*", kind)
    good_at = Connection.objects.get().last_good_at
    runs.run_chunk(ids(Kind.DEVICES))
    found = Connection.objects.get()
    assert (found.health, found.last_good_at, found.open_until) == (Health.GOOD, good_at, None)
    assert found.last_error
    assert describe(found).state == "good"
    Connection.objects.update(last_good_at=timezone.now() - timedelta(minutes=3))
    assert describe(Connection.objects.get()).state == "unfit"
    simulator.clear_journal()
    began = timezone.now()
    runs.run_chunk(ids(Kind.MEMBERS, Kind.CALLS))
    assert len({(row["command"], str(row["param"])) for row in simulator.journal()}) == 1
    waiting = SyncState.objects.filter(kind__in=[Kind.MEMBERS, Kind.CALLS])
    assert not waiting.filter(due_at__lt=began + timedelta(seconds=30)).exists()
    assert not waiting.filter(lease_until__isnull=False).exists()
    simulator.clear_faults()
    make_due(kind=Kind.MEMBERS)
    assert len(runs.run_chunk(ids(Kind.MEMBERS)).good) == 6
    found = Connection.objects.get()
    assert (describe(found).state, found.last_error) == ("good", "")
    assert found.last_good_at > began


def test_a_pause_that_the_upstream_asks_for_is_kept_by_all(simulator, connection):
    read(connection, Kind.FAMILIES)
    simulator.fault("*", "busy", seconds=30)
    report = runs.run_chunk(ids(family__isnull=False))
    held = Connection.objects.get().hold_until
    assert held > timezone.now() + timedelta(seconds=20)
    assert len(report.postponed) == ALL
    assert not report.failures
    assert not SyncState.objects.filter(lease_until__isnull=False).exists()
    simulator.clear_faults()
    simulator.clear_journal()
    make_due()
    runs.run_chunk(ids(family__isnull=False))
    assert simulator.journal() == []


def test_the_budget_of_a_minute_is_never_exceeded(simulator, connection):
    read(connection, Kind.FAMILIES)
    CallCount.objects.all().delete()
    Connection.objects.update(calls_per_minute=10)
    simulator.clear_journal()
    report = runs.run_chunk(ids(family__isnull=False))
    assert all(count.calls <= 9 for count in CallCount.objects.all())
    assert len(simulator.journal()) == sum(count.calls for count in CallCount.objects.all())
    assert len(report.postponed) == ALL - len(report.good)
    assert SyncState.objects.filter(family__isnull=False, due_at__gt=timezone.now()).exists()
    assert not SyncState.objects.filter(lease_until__isnull=False).exists()


def test_calls_that_were_not_made_go_back_into_the_budget(simulator, connection):
    read(connection)
    made = len(simulator.journal())
    assert sum(count.calls for count in CallCount.objects.all()) == made


def test_a_token_that_cannot_be_renewed_stops_everything(simulator, connection):
    read(connection, Kind.FAMILIES)
    simulator.expire_tokens()
    simulator.clear_journal()
    runs.run_chunk(ids(family__isnull=False))
    assert Connection.objects.get().health == Health.SIGNED_OUT
    assert not Opening.objects.exists()
    simulator.clear_journal()
    make_due()
    runs.run_chunk(ids(family__isnull=False))
    assert simulator.journal() == []


def test_a_token_that_ends_in_the_middle_is_renewed_once_for_all_threads(simulator, connection):
    told = simulator.sign_in
    tokens = sign_in_with_password(
        simulator.url, **{name: told[name] for name in ("username", "password", "client_id", "client_secret")}
    )
    connection.access_token, connection.refresh_token = tokens.access_token, tokens.refresh_token
    connection.client_id, connection.client_secret = told["client_id"], told["client_secret"]
    connection.save()
    read(connection, Kind.FAMILIES)
    simulator.expire_tokens()
    simulator.clear_journal()
    report = runs.run_chunk(ids(family__isnull=False))
    assert len(report.good) == ALL
    assert Connection.objects.get().token_version == 2
    assert len(simulator.journal("oauth2/token")) == 1


def test_a_history_in_which_nothing_happens_is_read_ever_more_seldom(simulator, connection, settings):
    settings.SYNC_SECONDS = settings.SYNC_SECONDS | {"openings": 10}
    read(connection, Kind.FAMILIES)
    family = Family.objects.order_by("pk").first()
    wanted = {"family": family, "kind": Kind.OPENINGS}
    periods = []
    for turn in range(6):
        if turn == 5:
            simulator.opening(residence_id=family.residence_id)
        make_due(**wanted)
        runs.run_chunk(ids(**wanted))
        periods.append(SyncState.objects.get(**wanted).interval_seconds)
    assert periods == [10, 20, 40, 60, 60, 10]


def test_what_is_wanted_is_due_within_two_seconds_and_again_after_them(simulator, connection):
    read(connection)
    family = Family.objects.order_by("pk").first()
    wanted = {"family": family, "kind": Kind.OPENINGS}
    SyncState.objects.filter(**wanted).update(last_tried_at=timezone.now() - timedelta(seconds=60))
    want_history(family)
    assert SyncState.objects.get(**wanted).due_at <= timezone.now()
    runs.run_chunk(ids(**wanted))
    assert SyncState.objects.get(**wanted).due_at <= timezone.now() + timedelta(seconds=2)
    assert SyncState.objects.get(family=family, kind=Kind.CALLS).due_at > timezone.now()
    SyncState.objects.filter(**wanted).update(wanted_until=timezone.now())
    make_due(**wanted)
    runs.run_chunk(ids(**wanted))
    assert SyncState.objects.get(**wanted).due_at > timezone.now() + timedelta(seconds=5)


def test_a_page_that_polls_writes_nothing_while_its_history_is_wanted(
    simulator, connection, django_assert_num_queries
):
    read(connection)
    family = Family.objects.order_by("pk").first()
    states.want(family, Kind.OPENINGS, seconds=60)
    with django_assert_num_queries(1):
        states.want(family, Kind.OPENINGS, seconds=60)


def test_an_answer_that_cannot_be_stored_leaves_the_others_stored(simulator, connection):
    read(connection, Kind.FAMILIES)
    family = Family.objects.order_by("pk").first()
    # A row in the way that no history knows of: the second that is to be written has a first row, but not this number.
    told = Client(simulator.url, StaticToken(simulator.token)).get_akuvox_call_history(
        residence_id=family.residence_id
    )
    time_text = told.result[0].call_time
    Call.objects.create(family=family, raw_time=time_text, number=2, at=timezone.now(), call_sip="x")
    report = read(connection, Kind.CALLS)
    assert len(report.good) + len(report.failures) == 6
    assert len(report.good) >= 5
    others = Family.objects.exclude(pk=family.pk)
    assert all(Call.objects.filter(family=other).exists() for other in others if other.is_installed)
