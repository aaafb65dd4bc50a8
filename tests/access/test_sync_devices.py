import json
from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import Device, Lapse, Opening, Outage, Relay
from access.sync.devices import stream_address_without_secrets
from families.models import Family, Kind, SyncState
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=1)
    return connect(simulator)


@pytest.fixture
def family(connection):
    read(connection, Kind.FAMILIES)
    return Family.objects.get()


def device(number, *relays, **fields):
    return {
        "mac": f"0C110500000{number}",
        "device_name": f"Panel {number}",
        "device_type": "Access Control",
        "sip": "6200000001",
        "online": True,
        "is_public": False,
        "relays": [relay(one) for one in relays],
        "security_relays": None,
        "ciphertext": "CANARY-ciphertext",
        "rtsp_url": "rtsp://user:CANARY-pass@10.0.0.5:554/live",
    } | fields


def relay(number, **fields):
    return {"relay_id": f"relay{number}", "relay_name": f"Door {number}", "relay_number": "#"} | fields


def tell(simulator, *devices):
    simulator.clear_faults()
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": list(devices)})
    simulator.fault("get_akuvox_device_list", "body", body=body)


def read_devices(connection):
    return read(connection, Kind.DEVICES)


def test_an_outage_opens_and_closes_with_the_time_between_two_polls(simulator, connection, family):
    tell(simulator, device(1))
    read_devices(connection)
    assert not Outage.objects.exists()
    SyncState.objects.filter(kind=Kind.DEVICES).update(last_good_at=timezone.now() - timedelta(seconds=40))
    tell(simulator, device(1, online=False))
    read_devices(connection)
    outage = Outage.objects.get()
    assert not Device.objects.get().is_online
    assert Device.objects.get().online_changed_at == outage.began_at
    assert 39 <= outage.resolution_seconds <= 42
    assert outage.ended_at is None
    read_devices(connection)
    SyncState.objects.filter(kind=Kind.DEVICES).update(last_good_at=timezone.now() - timedelta(seconds=90))
    tell(simulator, device(1))
    read_devices(connection)
    outage.refresh_from_db()
    assert outage.ended_at > outage.began_at
    assert 89 <= outage.resolution_seconds <= 92
    assert Device.objects.get().is_online
    assert Outage.objects.count() == 1


def test_a_device_that_is_offline_at_first_sight_has_been_so_since_nobody_knows_when(
    simulator, connection, family
):
    tell(simulator, device(1, online=False))
    read_devices(connection)
    assert (Outage.objects.get().resolution_seconds, Outage.objects.get().ended_at) == (0, None)
    assert Device.objects.get().online_changed_at is None


def test_a_device_is_gone_after_two_answers_and_all_of_them_after_three(simulator, connection, family):
    tell(simulator, device(1), device(2), device(3))
    read_devices(connection)
    tell(simulator, device(1), device(2))
    read_devices(connection)
    assert Device.objects.filter(gone_at=None).count() == 3
    assert Device.objects.get(mac="0C1105000003").missing_since is not None
    read_devices(connection)
    assert Device.objects.filter(gone_at=None).count() == 2
    tell(simulator)
    for left in (2, 2, 0):
        read_devices(connection)
        assert Device.objects.filter(gone_at=None).count() == left
    tell(simulator, device(1), device(2), device(3))
    read_devices(connection)
    assert Device.objects.filter(gone_at=None, missing_answers=0, missing_since=None).count() == 3


def test_a_door_is_gone_after_two_answers_without_it(simulator, connection, family):
    tell(simulator, device(1, 1, 2, security_relays=[relay(1)]))
    read_devices(connection)
    assert set(Relay.objects.values_list("relay_id", "is_security")) == {
        ("relay1", False),
        ("relay2", False),
        ("relay1", True),
    }
    tell(simulator, device(1, 1, security_relays=[relay(1, relay_name="Renamed")]))
    read_devices(connection)
    assert Relay.objects.filter(gone_at=None).count() == 3
    assert Relay.objects.get(is_security=True).name == "Renamed"
    read_devices(connection)
    assert Relay.objects.get(relay_id="relay2").gone_at is not None
    tell(simulator, device(1, 1, 2, security_relays=[relay(1)]))
    read_devices(connection)
    assert Relay.objects.filter(gone_at=None, missing_answers=0).count() == 3


def test_neither_ciphertext_nor_the_streams_password_is_stored(simulator, connection, family):
    tell(simulator, device(1, rtsp_url="", rtsp="rtsp://user:CANARY-pass@10.0.0.5:554/live?token=CANARY"))
    read_devices(connection)
    stored = Device.objects.values().get()
    assert "CANARY" not in str(stored)
    assert stored["stream_address"] == "rtsp://10.0.0.5:554/live"


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://u:p@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://u:p/a?b#c@d@10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://u@[fe80::1]:554/a", "rtsp://[fe80::1]:554/a"),
        ("rtsp://h/live?user=u&password=p", "rtsp://h/live"),
        ("rtsp://u:p@", ""),
        ("u:p@10.0.0.5", ""),
        ("", ""),
    ],
)
def test_an_address_loses_its_secrets(address, stored):
    assert stream_address_without_secrets(address) == stored


def test_what_cannot_be_kept_is_named_and_the_rest_is_kept(simulator, connection, family):
    tell(
        simulator,
        device(1, 1),
        device(1, device_name="The same again"),
        device(2, mac="M" * 65),
        device(3, mac=""),
        device(4, relays=[relay(1), relay(2, relay_id="r" * 129), relay(1), {"relay_name": "no id"}]),
        device(5, device_type="Robot", relays=None, security_relays=[]),
    )
    read_devices(connection)
    assert {one.name for one in Device.objects.all()} == {"Panel 1", "Panel 4", "Panel 5"}
    assert Relay.objects.filter(device__name="Panel 4").count() == 1
    assert Device.objects.get(name="Panel 5").type_name == "Robot"
    named = SyncState.objects.get(kind=Kind.DEVICES).not_understood
    for word in ("0C1105000001 stands twice", "Panel 2", "row 4", "Door 2", "relay1 stands twice"):
        assert word in named


def test_one_public_device_has_a_row_in_each_of_its_families(simulator):
    simulator.reset(families=4)
    connection = connect(simulator)
    read(connection)
    shared = Device.objects.filter(is_public=True).values_list("mac", flat=True)
    assert len(set(shared)) < len(shared)


def test_openings_find_a_device_that_is_named_later_and_only_if_it_is_the_only_one(
    simulator, connection, family
):
    for name in ("Late", "Twice", "Late"):
        simulator.opening(residence_id=family.residence_id, device_name=name)
    read(connection, Kind.OPENINGS)
    assert Opening.objects.filter(device__isnull=False).count() == 0
    tell(
        simulator,
        device(1, device_name="Late"),
        device(2, device_name="Twice"),
        device(3, device_name="Twice"),
    )
    read_devices(connection)
    late = Device.objects.get(name="Late")
    assert Opening.objects.filter(device=late, device_name="Late").count() == 2
    assert late.last_opening_at == Opening.objects.filter(device_name="Late").latest("at").at
    assert not Opening.objects.filter(device_name="Twice", device__isnull=False).exists()
    tell(
        simulator,
        device(1, device_name="Late"),
        device(2, device_name="Once"),
        device(3, device_name="Twice"),
    )
    simulator.opening(residence_id=family.residence_id, device_name="Once")
    read(connection, Kind.OPENINGS)
    read_devices(connection)
    assert Opening.objects.get(device_name="Once").device == Device.objects.get(name="Once")


def test_a_time_in_which_nobody_asked_is_written_though_nothing_is_different_after_it(
    simulator, connection, family
):
    tell(simulator, device(1))
    read_devices(connection)
    for minutes, lapses in ((4, 0), (20, 1), (0, 1)):
        before = timezone.now() - timedelta(minutes=minutes)
        SyncState.objects.filter(kind=Kind.DEVICES).update(last_good_at=before)
        read_devices(connection)
        assert Lapse.objects.count() == lapses
    lapse = Lapse.objects.get()
    assert lapse.family == family
    assert timedelta(minutes=19) < lapse.ended_at - lapse.began_at < timedelta(minutes=21)
    assert not Outage.objects.exists()
