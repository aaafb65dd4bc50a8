import io
import json
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections as databases
from django.utils import timezone

from access.models import Device, Opening
from families.models import Family, Kind, SyncState
from portal.connections.models import Connection, Health
from tests.syncing import connect, read, sync_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=3)
    return connect(simulator)


def sync(*words, **options):
    """Standard output and standard error of the command; raises CommandError as the shell sees exit code 1."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("sync", *words, stdout=out, stderr=err, **options)
    except CommandError as error:
        error.err, error.out = err.getvalue(), out.getvalue()
        raise
    return out.getvalue(), err.getvalue()


def test_it_reads_everything_and_says_what_it_added(connection):
    out, err = sync()
    assert "16 answers" in out
    assert f"{Opening.objects.count()} openings" in out
    assert err == ""


def test_with_json_nothing_else_stands_on_standard_output(simulator, connection):
    process = sync_process("--json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert told["answers"] == 16
    assert told["added"]["openings"] == Opening.objects.count() > 0
    assert told["not_read"] == []


def test_one_family_and_some_kinds_alone(simulator, connection):
    read(connection, Kind.FAMILIES)
    family = Family.objects.first()
    simulator.clear_journal()
    sync("--family", family.residence_id, "--only", "openings,devices")
    assert sorted((row["command"], row["residence_id"]) for row in simulator.journal()) == [
        ("get_akuvox_device_list", family.residence_id),
        ("get_akuvox_open_door_history", family.residence_id),
    ]
    assert set(Device.objects.values_list("family", flat=True)) == {family.pk}


def test_a_family_that_could_not_be_read_is_named(simulator, connection):
    sync()
    family = Family.objects.order_by("pk").last()
    simulator.fault(
        "get_akuvox_call_history", "refuse", residence_id=family.residence_id, words="No\x1b[31m way"
    )
    with pytest.raises(CommandError) as caught:
        sync()
    assert caught.value.returncode == 1
    assert family.residence_id in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "No" in caught.value.err
    assert "way" in caught.value.err
    assert "\x1b" not in caught.value.err
    with pytest.raises(CommandError) as caught:
        sync("--json")
    told = json.loads(caught.value.out)
    assert [(one["family"], one["kind"]) for one in told["not_read"]] == [(family.residence_id, "calls")]


def test_what_was_not_understood_is_told_and_the_rest_is_kept(simulator, connection):
    body = json.dumps({"success": True, "timestamp": 1, "result": [{"mac": 7, "online": "yes"}, 9]})
    simulator.fault("get_akuvox_device_list", "body", body=body)
    out, err = sync()
    assert err.count("Not understood") == 3
    assert "row 2" in err
    assert "16 answers" in out


def test_an_upstream_that_is_off_is_one_clear_line(simulator, connection, settings):
    settings.UPSTREAM_DEADLINE_SECONDS = 0.5
    simulator.stop()
    with pytest.raises(CommandError) as caught:
        sync()
    assert "the list of families of Estate" in str(caught.value)
    assert not Family.objects.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--connection", "Nobody"], "no connection 'Nobody'"),
        (["--family", "r-unknown"], "No connection reaches a family 'r-unknown'"),
        (["--only", "doors"], "'doors'"),
    ],
)
def test_what_is_unknown_is_said_in_one_line(connection, words, said):
    with pytest.raises(CommandError, match=said):
        sync(*words)


def test_no_connection_at_all():
    with pytest.raises(CommandError, match=r"manage\.py connect"):
        sync()


def test_a_connection_that_is_signed_out_or_paused_is_not_called(simulator, connection):
    Connection.objects.update(health=Health.SIGNED_OUT)
    with pytest.raises(CommandError, match="Signed out: Estate"):
        sync()
    Connection.objects.update(health=Health.GOOD, paused_at=timezone.now())
    with pytest.raises(CommandError, match="paused"):
        sync("--connection", "Estate")
    sync()
    assert simulator.journal() == []


def test_what_another_run_holds_is_waited_for_and_counted(simulator, connection):
    sync()
    simulator.clear_journal()
    held = SyncState.objects.filter(kind=Kind.OPENINGS).order_by("pk")
    one, other, _ = held
    soon = timezone.now() + timedelta(seconds=30)
    SyncState.objects.filter(pk__in=[one.pk, other.pk]).update(lease_until=soon, lease_holder="another run")

    def finish():
        try:
            time.sleep(0.5)
            # One it reads well; with the other it is killed, and the lease ends.
            SyncState.objects.filter(pk=one.pk).update(
                lease_until=None, lease_holder="", last_good_at=timezone.now()
            )
            SyncState.objects.filter(pk=other.pk).update(lease_until=timezone.now())
        finally:
            databases.close_all()

    another = threading.Thread(target=finish)
    another.start()
    out, _ = sync()
    another.join()
    assert "16 answers" in out
    read_here = {row["residence_id"] for row in simulator.journal("get_akuvox_open_door_history")}
    assert one.family.residence_id not in read_here
    assert other.family.residence_id in read_here
