import json
import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connections as databases

from access.models import Call, Device, HourlyCount, Opening, Relay
from access.sync import runs
from families.models import Change, Family, Kind, Member, Reach, SyncState
from families.sync import states
from portal.upstream.client import Client, StaticToken
from tests.syncing import connect, empty, read, sync_process, tables

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    return connect(simulator)


def test_a_first_sync_brings_the_whole_estate(simulator, connection):
    read(connection)
    estate = simulator.estate()["families"]
    assert {
        (family.residence_id, family.name, family.is_online, family.is_installed)
        for family in Family.objects.all()
    } == {(one["residence_id"], one["family_name"], one["online"], one["installed"]) for one in estate}
    assert {
        (member.family.residence_id, member.account_id, member.name, member.email, member.auth)
        for member in Member.objects.select_related("family")
    } == {
        (
            one["residence_id"],
            member["account_id"],
            f"{member['first_name']} {member['last_name']}",
            member["email"],
            member["auth"],
        )
        for one in estate
        for member in one["members"]
    }
    assert {
        (device.family.residence_id, device.mac, device.name, device.device_type, device.is_online)
        for device in Device.objects.select_related("family")
    } == {
        (one["residence_id"], device["mac"], device["device_name"], device["device_type"], device["online"])
        for one in estate
        for device in one["devices"]
    }
    assert set(
        Relay.objects.values_list("device__family__residence_id", "device__mac", "relay_id", "is_security")
    ) == {
        (one["residence_id"], device["mac"], relay["relay_id"], is_security)
        for one in estate
        for device in one["devices"]
        for is_security, relays in ((False, device["relays"]), (True, device["security_relays"]))
        for relay in relays
    }
    assert {(reach.family.residence_id, reach.auth) for reach in Reach.objects.select_related("family")} == {
        (one["residence_id"], one["auth"]) for one in estate
    }
    assert not Change.objects.exists()


def test_a_first_sync_brings_every_row_of_the_histories(simulator, connection):
    read(connection)
    client = Client(simulator.url, StaticToken(simulator.token))
    for family in Family.objects.all():
        told = client.get_akuvox_open_door_history(residence_id=family.residence_id).result
        assert sorted(
            Opening.objects.filter(family=family).values_list(
                "raw_time", "account_name", "device_name", "open_door_type", "is_success"
            )
        ) == sorted(
            (row.open_door_time, row.account_name, row.device_name, row.open_door_type, row.open_door)
            for row in told
        )
        calls = client.get_akuvox_call_history(residence_id=family.residence_id).result
        assert sorted(
            Call.objects.filter(family=family).values_list("raw_time", "call_name", "call_sip")
        ) == sorted((row.call_time, row.call_name, row.call_sip) for row in calls)
    hours = HourlyCount.objects.all()
    assert sum(hour.opened for hour in hours) == Opening.objects.filter(is_success=True).count()
    assert sum(hour.refused for hour in hours) == Opening.objects.filter(is_success=False).count()
    assert sum(hour.calls for hour in hours) == Call.objects.count()


def test_a_second_sync_changes_nothing(connection):
    read(connection)
    first = tables()
    report = read(connection)
    assert tables() == first
    assert not report.failures
    assert not +report.counts


def test_histories_read_before_the_doors_end_in_the_same_tables(connection):
    read(connection)
    clean = tables()
    empty()
    read(connection, Kind.FAMILIES)
    for kinds in ([Kind.TEMP_KEYS, Kind.CALLS, Kind.OPENINGS], [Kind.DEVICES], [Kind.MEMBERS]):
        read(connection, *kinds)
    assert tables() == clean
    assert Device.objects.filter(last_opening_at__isnull=False).exists()


@pytest.mark.parametrize("calls", [1, 2, 5, 8, 11, 14, 17, 20, 23])
def test_a_sync_that_is_killed_and_run_again_ends_as_a_clean_one(simulator, connection, calls):
    # By the number of upstream calls that had arrived; what was written by then differs from time to time.
    simulator.reset(families=6)
    simulator.fault("*", "latency", seconds=0.05)
    with sync_process(SYNC_THREADS="2") as process:
        while len(simulator.journal()) < calls and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    simulator.clear_faults()
    report = read(connection)
    assert not report.failures
    assert len(report.good) == 1 + 6 * len(states.FAMILY_KINDS)
    killed = tables()
    empty()
    read(connection)
    assert killed == tables()


def test_two_syncs_at_once_end_as_one_does(simulator, connection):
    simulator.reset(families=12)
    simulator.fault("*", "latency", seconds=0.02)
    both = [sync_process("--json", SYNC_THREADS="4") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        # What the other run held was waited for and is counted.
        assert json.loads(out)["answers"] == 1 + 12 * len(states.FAMILY_KINDS)
    together = tables()
    assert len(set(Opening.objects.values_list("family", "raw_time", "number"))) == Opening.objects.count()
    empty()
    read(connection)
    assert together == tables()


def test_many_workers_with_the_same_message_read_each_state_once(simulator, connection):
    simulator.reset(families=8)
    read(connection, Kind.FAMILIES)
    simulator.clear_journal()
    ids = list(SyncState.objects.filter(family__isnull=False).values_list("pk", flat=True))
    failures = []

    def work():
        try:
            runs.run_chunk(ids)
        except BaseException as error:
            failures.append(error)
        finally:
            databases.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert len(simulator.journal()) == 8 * len(states.FAMILY_KINDS)
    several = tables()
    empty()
    read(connection)
    assert several == tables()


def test_everything_read_says_when_it_was_read(connection):
    began = datetime.now(UTC)
    read(connection)
    for state in SyncState.objects.all():
        assert began <= state.last_good_at <= datetime.now(UTC)
        assert (state.failures, state.last_error, state.lease_until) == (0, "", None)
        assert state.due_at > state.last_good_at


def test_no_secret_of_the_upstream_is_stored(simulator, connection):
    read(connection)
    told = json.dumps(tables(), default=str)
    found = [canary for canary in simulator.canaries() if canary and canary in told]
    assert found == []
    assert Device.objects.filter(stream_address__startswith="rtsp://10.").exists()
