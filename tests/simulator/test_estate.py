"""The estate: what the demo promises to hold, the same for the same seed, and every secret of it listed."""

import ast
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import requests

import portal.simulator

FOLDER = Path(portal.simulator.__file__).parent
NOW = "2026-07-01T12:00:00Z"
ALLOWED = {"PIL", "qrcode"}


def test_it_imports_nothing_of_the_project():
    outside = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, f"{path.name} imports from above"
                if node.level == 0:
                    outside.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Import):
                outside |= {each.name.partition(".")[0] for each in node.names}
    assert outside - set(sys.stdlib_module_names) == ALLOWED


def test_the_default_estate_is_the_one_promised(simulator):
    estate = simulator.estate()
    families = estate["families"]
    assert len(families) == 40
    assert estate["properties"] == ["Harbour Court", "Linden Park", "Mill Lane Lofts"]
    assert 140 <= sum(len(each["members"]) for each in families) <= 160
    assert len({device["mac"] for each in families for device in each["devices"]}) == 90
    assert Counter(each["auth"] for each in families).keys() == {"user", "admin", "guest"}
    assert sum(each["auth"] == "guest" for each in families) == 1
    assert "installer" in {member["auth"] for each in families for member in each["members"]}
    assert any(not any(member["auth"] == "admin" for member in each["members"]) for each in families)
    assert any(not each["installed"] for each in families)
    assert 1 < sum(not each["online"] for each in families) < 10
    offline = {device["mac"] for each in families for device in each["devices"] if not device["online"]}
    assert 3 < len(offline) < 20
    names = "".join(each["family_name"] for each in families)
    for letters in ("李", "ú", "الحداد", "Οικογένεια", "🏡", "'", "משפחת", "&"):
        assert letters in names
    doubles = [Counter(device["device_name"] for device in each["devices"]) for each in families]
    assert any(count > 1 for counter in doubles for count in counter.values())
    ids = [each["residence_id"] for each in families]
    assert len(set(ids)) == 40
    assert all(len(each) == 33 and each.startswith("r") for each in ids)


def everything(simulator, wire):
    """What a caller sees of an estate, in one text."""
    told = []
    for row in wire.result("get_family_list")[:6]:
        told.append(row)
        told += [
            wire.result(command, residence_id=row["residence_id"])
            for command in (
                "get_family_info",
                "get_akuvox_device_list",
                "get_akuvox_open_door_private_key_config",
                "get_akuvox_open_door_temp_key_config",
                "get_akuvox_call_history",
                "get_akuvox_open_door_history",
            )
        ]
    return json.dumps(told)


def test_the_same_seed_and_moment_give_the_same_answers(simulator, wire):
    seen = []
    for seed in ("one", "one", "two"):
        simulator.reset(seed=seed, families=12, now=NOW, rotate_pictures_seconds=100_000)
        wire.headers["Authorization"] = f"Bearer {simulator.token}"
        seen.append(everything(simulator, wire))
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


@pytest.mark.parametrize("count", [1, 2, 3, 65])
def test_an_estate_can_have_any_size(count, simulator, wire):
    simulator.reset(families=count)
    assert len(wire.result("get_family_list")) == count
    names = [each["family_name"] for each in simulator.estate()["families"]]
    assert len(set(names)) == count


def test_a_setting_that_is_unknown_changes_nothing(simulator):
    with pytest.raises(AssertionError, match="400"):
        simulator.reset(size=3)
    assert len(simulator.estate()["families"]) == 40


def test_every_secret_that_is_told_is_listed(simulator, wire):
    rid = simulator.family(auth="user")["residence_id"]
    window = {"start_time": "2026-03-12 13:32:43", "finish_time": "2026-03-12 17:32:43", "count": 3}
    made = wire.result("create_akuvox_open_door_temp_key_config", residence_id=rid, **window)
    wire.result("update_akuvox_open_door_private_key_config", residence_id=rid, private_key="918273")
    nfc = wire.result("update_akuvox_open_door_nfc_config", residence_id=rid, enable_nfc=True)
    device = wire.result("get_akuvox_device_list", residence_id=rid)[0]
    address = device.get("rtsp") or device["rtsp_url"]
    remote = wire.result("get_family_remote_connect", residence_id=rid)
    sign_in = simulator.sign_in
    form = {name: sign_in[name] for name in ("username", "password", "client_id", "client_secret")}
    url = simulator.url + "/api/v1.0/invoke/open-ability/method/oauth2/token"
    pair = requests.post(url, data={**form, "grant_type": "password", "scope": "user"}, timeout=5).json()[
        "result"
    ]
    listed = simulator.canaries()
    for secret in (
        made["temp_key"],
        "918273",
        nfc["nfc_code"],
        device["ciphertext"],
        address.partition("//")[2].partition("@")[0],
        remote["remote_connect_url"],
        pair["access_token"],
        pair["refresh_token"],
        *(sign_in[name] for name in ("token", "password", "client_secret")),
    ):
        assert secret in listed
    assert made["qr_code_url"].rpartition("/")[2].partition(".")[0] in listed
    wire.result("delete_akuvox_open_door_temp_key_config", residence_id=rid, temp_key=made["temp_key"])
    assert made["temp_key"] in simulator.canaries()


def test_what_the_control_endpoints_tell_of_the_estate_holds_no_secret(simulator):
    told = json.dumps(simulator.estate())
    assert not [secret for secret in simulator.canaries() if secret in told]


def test_an_unknown_control_endpoint_says_so(simulator):
    assert requests.get(simulator.url + "/_simulator/nothing", timeout=5).status_code == 404
    with pytest.raises(AssertionError, match="no kind"):
        simulator.event("earthquake")
    with pytest.raises(AssertionError, match="no colour"):
        simulator.opening(colour="red")
    with pytest.raises(AssertionError, match="cannot be filtered"):
        simulator.journal(colour="red")
