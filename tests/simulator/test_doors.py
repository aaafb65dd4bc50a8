"""Commands 13 to 30: devices, credentials, temp keys, and the door itself."""

import io
import re

import pytest
import requests
from PIL import Image

WINDOW = {"start_time": "2026-03-12 13:32:43", "finish_time": "2026-03-12 17:32:43", "count": 3}


@pytest.fixture
def rid(simulator):
    return simulator.family(auth="user")["residence_id"]


def test_devices_are_of_all_types_and_some_are_shared(simulator, wire):
    families = {row["residence_id"]: row for row in simulator.estate()["families"]}
    seen, kinds = {}, set()
    for residence_id in families:
        for device in wire.result("get_akuvox_device_list", residence_id=residence_id):
            seen.setdefault(device["mac"], set()).add(residence_id)
            kinds.add((device["device_type"], device["is_public"]))
            assert ("rtsp" in device) != ("rtsp_url" in device)
    assert len(seen) == 90
    assert {kind for kind, _ in kinds} == {
        "Multi-tenants Doorphone",
        "Single-tenant Doorphone",
        "Indoor Monitor",
        "Guard Phone",
        "Access Control",
        "Lift Controller",
    }
    shared = [residences for residences in seen.values() if len(residences) > 1]
    assert len(shared) == 18
    assert all(len({families[each]["property"] for each in residences}) == 1 for residences in shared)


def test_a_device_goes_off_in_every_family_it_stands_in(simulator, wire):
    _, device, _ = simulator.door(is_public=True)
    simulator.device(device["mac"], online=False)
    holding = [
        each["residence_id"]
        for each in simulator.estate()["families"]
        if any(d["mac"] == device["mac"] for d in each["devices"])
    ]
    assert len(holding) > 5
    for residence_id in holding[:3]:
        rows = wire.result("get_akuvox_device_list", residence_id=residence_id)
        assert next(row for row in rows if row["mac"] == device["mac"])["online"] is False


def test_a_pin_is_kept_as_text(rid, wire):
    wire.result("update_akuvox_open_door_private_key_config", residence_id=rid, private_key="000123")
    told = wire.result("get_akuvox_open_door_private_key_config", residence_id=rid)
    assert told == {"private_key": "000123"}
    for wrong in ("12", "12a4", "１２３４", "12345678901"):
        param = {"residence_id": rid, "private_key": wrong}
        assert wire.refused("update_akuvox_open_door_private_key_config", **param) == "invalid_value"


@pytest.mark.parametrize("kind", ["nfc", "ble"])
def test_a_code_is_gone_while_off_and_another_when_on_again(kind, rid, wire):
    get, update = f"get_akuvox_open_door_{kind}_config", f"update_akuvox_open_door_{kind}_config"
    code, enable = f"{kind}_code", f"enable_{kind}"
    first = wire.result(update, residence_id=rid, **{enable: True})[code]
    assert re.fullmatch("CANARY[0-9a-f]{10}", first)
    assert wire.result(get, residence_id=rid) == {code: first, enable: True}
    assert wire.result(update, residence_id=rid, **{enable: False}) == {code: ""}
    assert wire.result(get, residence_id=rid) == {code: "", enable: False}
    second = wire.result(update, residence_id=rid, **{enable: True})[code]
    assert second not in ("", first)
    assert wire.result(update, residence_id=rid, **{enable: True})[code] == second


def test_credentials_are_those_of_the_tokens_account(simulator, wire, wire_of):
    family = simulator.family(auth="user")
    rid = family["residence_id"]
    owner = next(each for each in family["members"] if each["auth"] == "admin")
    other = wire_of(owner["email"])
    other.result("update_akuvox_open_door_private_key_config", residence_id=rid, private_key="4711")
    other.result("create_akuvox_open_door_temp_key_config", residence_id=rid, **WINDOW)
    pin = wire.result("get_akuvox_open_door_private_key_config", residence_id=rid)["private_key"]
    assert pin != "4711"
    mine = wire.result("get_akuvox_open_door_temp_key_config", residence_id=rid)
    theirs = other.result("get_akuvox_open_door_temp_key_config", residence_id=rid)
    assert not {key["temp_key"] for key in mine} & {key["temp_key"] for key in theirs}


def test_temp_keys_are_made_listed_and_deleted(rid, wire):
    def listed():
        rows = wire.result("get_akuvox_open_door_temp_key_config", residence_id=rid)
        return {row["temp_key"]: row for row in rows}

    made = [
        wire.result("create_akuvox_open_door_temp_key_config", residence_id=rid, **WINDOW)["temp_key"]
        for _ in range(3)
    ]
    assert len(set(made)) == 3
    row = listed()[made[0]]
    assert {name: row[name] for name in WINDOW} == WINDOW
    param = {"residence_id": rid, "temp_key": [made[0], "000"]}
    assert wire.refused("batch_delete_akuvox_open_door_temp_key_config", **param) == "temp_key_not_found"
    assert made[0] in listed()
    wire.result("delete_akuvox_open_door_temp_key_config", residence_id=rid, temp_key=made[0])
    assert made[0] not in listed()
    wire.result("batch_delete_akuvox_open_door_temp_key_config", residence_id=rid, temp_key=made[1:])
    assert not set(made) & set(listed())
    param = {"residence_id": rid, "temp_key": made[0]}
    assert wire.refused("delete_akuvox_open_door_temp_key_config", **param) == "temp_key_not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"count": -1},
        {"count": 10**9},
        {"finish_time": WINDOW["start_time"]},
        {"start_time": "2026-03-12T13:32:43"},
        {"start_time": "2026-02-30 13:32:43"},
        {"finish_time": "2026-03-12 17:32:43Z"},
    ],
)
def test_a_temp_key_with_wrong_values_is_refused(changes, rid, wire):
    param = {"residence_id": rid, **WINDOW, **changes}
    assert wire.refused("create_akuvox_open_door_temp_key_config", **param) == "invalid_value"


def test_the_code_of_a_temp_key_is_a_picture_until_the_key_is_deleted(rid, wire):
    made = wire.result("create_akuvox_open_door_temp_key_config", residence_id=rid, **WINDOW)
    answer = requests.get(made["qr_code_url"], timeout=5)
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    listed = wire.result("get_akuvox_open_door_temp_key_config", residence_id=rid)[-1]["qr_code_url"]
    assert listed != made["qr_code_url"]
    assert listed.partition("?")[0] == made["qr_code_url"].partition("?")[0]
    wire.result("delete_akuvox_open_door_temp_key_config", residence_id=rid, temp_key=made["temp_key"])
    assert requests.get(listed, timeout=5).status_code == 404


def test_a_face_is_registered_and_deleted(rid, wire):
    wire.result("update_akuvox_face_file_info", residence_id=rid, filename="my.jpg")
    assert wire.result("get_akuvox_face_file_info", residence_id=rid) == {"is_uploaded": True}
    wire.result("delete_akuvox_face_file_info", residence_id=rid)
    assert wire.result("get_akuvox_face_file_info", residence_id=rid) == {"is_uploaded": False}
    assert wire.refused("delete_akuvox_face_file_info", residence_id=rid) == "face_not_found"


def test_a_device_that_is_denied_may_be_used_by_nobody(simulator, wire):
    family = simulator.family(auth="admin", is_gone=False)
    mac = family["devices"][0]["mac"]
    param = {"residence_id": family["residence_id"], "devices": [{"mac": mac}]}
    for is_denied in (True, False):
        simulator.device(mac, is_denied=is_denied)
        [told] = wire.result("check_akuvox_device_permission", **param)
        assert told["permission"] is not is_denied


def test_permission_is_told_of_each_device(simulator, wire):
    family, device, _ = simulator.door()
    param = {
        "residence_id": family["residence_id"],
        "devices": [{"mac": device["mac"]}, {"mac": "000000000000"}],
    }
    assert wire.result("check_akuvox_device_permission", **param) == [
        {"mac": device["mac"], "permission": True},
        {"mac": "000000000000", "permission": False},
    ]


@pytest.mark.parametrize("is_online", [True, False])
def test_an_opening_stands_in_the_history_a_moment_later(is_online, simulator, wire):
    simulator.reset(open_row_seconds=30)
    family, device, relay = simulator.door()
    simulator.device(device["mac"], online=is_online)
    param = {"residence_id": family["residence_id"]}
    before = wire.result("get_akuvox_open_door_history", **param)
    assert (
        wire.result("trigger_akuvox_remote_open_door", mac=device["mac"], relay_id=relay["relay_id"], **param)
        == {}
    )

    def remote():
        rows = wire.result("get_akuvox_open_door_history", **param)
        return [row for row in rows if row["account_name"] == "Estate Office"]

    assert remote() == []
    simulator.advance(31)
    (row,) = remote()
    assert (row["open_door"], row["device_name"], row["open_door_type"]) == (
        is_online,
        device["device_name"],
        "Remote",
    )
    assert row["capture_picture_url"] == ""
    assert row["open_door_time"] >= max(each["open_door_time"] for each in before)
    simulator.advance(3)
    assert remote()[0]["capture_picture_url"].startswith(simulator.url + "/pictures/captures/")


def test_security_relays_open_too(simulator, wire):
    family, device = next(
        (family, device)
        for family in simulator.estate()["families"]
        for device in family["devices"]
        if device["security_relays"]
    )
    param = {"residence_id": family["residence_id"], "mac": device["mac"]}
    relay = device["security_relays"][0]
    assert wire.result("trigger_akuvox_remote_open_door", relay_id=relay["relay_id"], **param) == {}


def test_only_a_relay_of_the_device_in_the_family_opens(simulator, wire):
    family, device, _ = simulator.door()
    foreign_family, _, relay = simulator.door(is_public=False, device_type="Single-tenant Doorphone")
    assert foreign_family["residence_id"] == family["residence_id"]
    other = next(
        (each, d)
        for each in simulator.estate()["families"]
        for d in each["devices"]
        if d["relays"] and d["mac"] not in {x["mac"] for x in family["devices"]}
    )[1]
    param = {"residence_id": family["residence_id"]}
    order = "trigger_akuvox_remote_open_door"
    stranger = {"mac": other["mac"], "relay_id": other["relays"][0]["relay_id"]}
    assert wire.refused(order, **stranger, **param) == "device_not_found"
    assert wire.refused(order, mac=device["mac"], relay_id=relay["relay_id"], **param) == "relay_not_found"
