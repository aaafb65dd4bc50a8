"""The 30 commands against the reference's own examples, and their parameters checked before they are sent."""

import json
import re
from pathlib import Path

import pytest

from portal.upstream import types
from portal.upstream.client import Client
from portal.upstream.commands import COMMANDS, Kind, check, convert
from tests.upstream.peers import reply

EXAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "reference").glob("*.json"))
}
ID = "c45e846ca23ab42c9ae469d988ae32a96"
RESULTS = {
    "get_family_list": [
        types.FamilySummary(
            account_id="ar58fa9ac8b6a2401bba0828fab548850",
            residence_id="r8b5a73f8dd84abaa94dcs248be49b0db",
            family_name="my home",
            online=True,
            installed=True,
        )
    ],
    "get_family_info": types.FamilyInfo(
        family_name="my home",
        online=True,
        installed=True,
        accounts=[
            types.Account(
                account_id="ar58fa9ac8b6a2401bba0828fab548850",
                account_name="demo@akubela.com",
                first_name="tom",
                last_name="fly",
                email="demo@akubela.com",
                auth="user",
            )
        ],
    ),
    "create_family_account": types.CreatedAccount(account_id="ar58fa9ac8b6a2401bba0828fab548850"),
    "get_family_remote_connect": types.RemoteConnect(
        remote_connect_url="https://test.my.ecloud.akubela.com", online=True
    ),
    "get_akuvox_device_list": [
        types.Device(
            mac="0C110532D226",
            device_name="Front Door",
            device_type="Multi-tenants Doorphone",
            sip="123132312",
            online=True,
            is_public=True,
            relays=[
                types.Relay(
                    relay_id="r4b5a73f8dd84abaa94dcs248be49b0d2", relay_name="Front Door 3", relay_number="#"
                )
            ],
            security_relays=[],
            ciphertext="7b3d75f5a8cfa959167852468fca08a3",
            rtsp="rtsp://user:bfk69623v6Lxxxxxc@12.136.56.119:554/211F03FF0008",
        )
    ],
    "get_akuvox_open_door_private_key_config": types.PrivateKey(private_key="12345"),
    "get_akuvox_open_door_nfc_config": types.NfcConfig(nfc_code="F0A5B8FDC7643920", enable_nfc=True),
    "update_akuvox_open_door_nfc_config": types.NfcConfig(nfc_code="F0A5B8FDC7643920"),
    "get_akuvox_open_door_ble_config": types.BluetoothConfig(ble_code="F0A5B8FDC7643920", enable_ble=True),
    "update_akuvox_open_door_ble_config": types.BluetoothConfig(ble_code="F0A5B8FDC7643920"),
    "get_akuvox_open_door_temp_key_config": [
        types.TempKey(
            temp_key="91234567",
            start_time="2020-03-12 13:32:43",
            finish_time="2020-03-12 17:32:43",
            count=100,
            qr_code_url="https://test.akubela.com/w.png",
        )
    ],
    "create_akuvox_open_door_temp_key_config": types.CreatedTempKey(
        temp_key="91234567", qr_code_url="https://test.akubela.com/w.png"
    ),
    "get_akuvox_face_file_info": types.FaceFile(is_uploaded=True),
    "check_akuvox_device_permission": [types.DevicePermission(mac="0C11050BC115", permission=True)],
    "get_akuvox_call_history": [
        types.CallRow(call_name="IT83_alq_180", call_sip="6200105433", call_time="2020-03-12 17:32:43")
    ],
    "get_akuvox_open_door_history": [
        types.OpeningRow(
            open_door=True,
            account_name="tom",
            device_name="R29",
            open_door_type="",
            open_door_time="2020-05-18 15:25:45",
            capture_thumbnail_url="https://test.akubela.com/r.jpg",
            capture_picture_url="https://test.akubela.com/d.jpg",
        )
    ],
}


def test_every_command_of_the_reference_is_there_and_no_other():
    assert len(EXAMPLES) == 30
    assert set(COMMANDS) == set(EXAMPLES)
    assert {name for name in COMMANDS if not callable(getattr(Client, name, None))} == set()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_command_is_sent_as_in_the_references_example_and_its_answer_read(serve, client_of, name):
    example = EXAMPLES[name]
    peer = serve(reply(json.dumps(example["answer"])))
    method = getattr(client_of(peer), name)
    answer = method(**example["request"]["param"], command_id=example["request"]["id"])
    assert peer.requests[0].json == example["request"]
    assert (answer.result, answer.unread) == (RESULTS.get(name), [])
    assert answer.timestamp_ms == example["answer"]["timestamp"]
    assert answer.command_id == example["request"]["id"]
    assert json.loads(answer.raw) == example["answer"]["result"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_parameters_of_the_reference_pass_by_name_too(serve, client_of, name):
    example = EXAMPLES[name]
    peer = serve(reply(json.dumps(example["answer"])))
    client_of(peer).call(name, example["request"]["param"])
    assert peer.requests[0].json["param"] == example["request"]["param"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_words_typed_by_a_person_become_the_references_types(name):
    param = EXAMPLES[name]["request"]["param"]
    typed = {key: value if isinstance(value, str) else json.dumps(value) for key, value in param.items()}
    assert convert(name, typed) == param


def test_what_may_be_sent_twice_is_decided_by_the_command():
    created = {name for name, command in COMMANDS.items() if command.kind is Kind.CREATE}
    assert created == {
        "change_family_admin",
        "invite_family_account",
        "account_join_family",
        "create_family_account",
        "create_akuvox_open_door_temp_key_config",
        "trigger_akuvox_remote_open_door",
    }
    read = {name for name, command in COMMANDS.items() if command.kind is Kind.READ}
    assert read == {name for name in COMMANDS if name.startswith(("get_", "check_"))}


def test_each_command_has_a_fresh_id(serve, client_of):
    peer = serve(reply('{"success": true, "result": []}'))
    ids = {client_of(peer).get_family_list().command_id for _ in range(3)}
    assert ids == {request.json["id"] for request in peer.requests}
    assert len(ids) == 3
    assert all(len(one) == 33 and one[0] == "c" and int(one[1:], 16) >= 0 for one in ids)


def test_an_optional_field_that_is_not_given_is_left_out(serve, client_of):
    peer = serve(reply('{"success": true, "result": {"account_id": "a"}}'))
    member = {"residence_id": "r", "first_name": "t", "last_name": "f", "email": "e@x", "auth": "guest"}
    client_of(peer).create_family_account(**member)
    client_of(peer).create_family_account(**member, password="pw")
    client_of(peer).call("create_family_account", {**member, "password": None})
    sent = [request.json["param"] for request in peer.requests]
    assert sent == [member, {**member, "password": "pw"}, member]


def test_names_of_any_script_arrive_as_they_are(serve, client_of):
    peer = serve(reply('{"success": true, "result": {}}'))
    client_of(peer).update_family_info(residence_id="r", family_name="李 Núñez 👪 \u202e")
    assert peer.requests[0].json["param"]["family_name"] == "李 Núñez 👪 \u202e"


BAD_FIELDS = [
    ("get_famly_list", {}, "no command 'get_famly_list'; did you mean get_family_list"),
    ("update_family_info", {"residence_id": "r", "familyname": "n"},
    "no field 'familyname'; did you mean family_name"),
    ("update_family_info", {"residence_id": "r"}, "needs family_name"),
    ("trigger_akuvox_remote_open_door", {}, "needs residence_id, mac, relay_id"),
    ("update_akuvox_open_door_nfc_config", {"residence_id": "r", "enable_nfc": "yes"},
    "enable_nfc must be true or false"),
    ("create_akuvox_open_door_temp_key_config", {"count": "1.5"}, "count must be a whole number"),
    ("batch_delete_akuvox_open_door_temp_key_config", {"temp_key": "[1"},
    "temp_key must be a list of texts as JSON"),
    ("batch_delete_akuvox_open_door_temp_key_config", {"residence_id": "r", "temp_key": "[1]"},
    "temp_key must be a list of texts"),
    ("batch_delete_family_account", {"residence_id": "r", "accounts": '["a"]'},
    "accounts must be a list of objects"),
    ("batch_delete_family_account", {"residence_id": "r", "accounts": '[{"acount": "a"}]'},
    "accounts has no field 'acount'; did you mean account_id"),
    ("batch_update_family_account_auth", {"residence_id": "r", "accounts": '[{"account_id": "a"}]'},
    "accounts needs auth"),
    ("check_akuvox_device_permission", {"residence_id": "r", "devices": "[" * 100_000},
    "devices must be a list of objects as JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "fields", "words"), BAD_FIELDS)
def test_bad_fields_are_named_with_the_nearest_known(command, fields, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        convert(command, fields)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("command", "param", "words"),
    [
        ("update_family_info", {"residence_id": "r", "family_name": 5}, "family_name must be text"),
        ("update_family_info", {"residence_id": "r", "family_name": None},
        r"needs family_name \(null is no value\)"),
        ("update_family_info", {"residence_id": "r", "family_name": "a\x00"},
        "family_name holds a character"),
        ("update_family_info", {"residence_id": "\ud800", "family_name": "a"},
        "residence_id holds a character"),
        ("update_akuvox_open_door_nfc_config", {"residence_id": "r", "enable_nfc": 1},
        "enable_nfc must be true"),
        ("create_akuvox_open_door_temp_key_config",
         {"residence_id": "r", "start_time": "", "finish_time": "", "count": True},
         "count must be a whole number"),
    ],
)  # fmt: skip
def test_what_is_not_the_references_is_never_sent(serve, client_of, command, param, words):
    peer = serve(reply('{"success": true, "result": {}}'))
    with pytest.raises(ValueError, match=words):
        client_of(peer).call(command, param)
    with pytest.raises(ValueError, match=words):
        check(command, param)
    assert peer.requests == []


def test_a_secret_parameter_is_known_as_one():
    secret = {
        (name, field)
        for name, command in COMMANDS.items()
        for field, param in command.params.items()
        if param.secret
    }
    assert secret == {
        ("create_family_account", "password"),
        ("update_akuvox_open_door_private_key_config", "private_key"),
        ("delete_akuvox_open_door_temp_key_config", "temp_key"),
        ("batch_delete_akuvox_open_door_temp_key_config", "temp_key"),
    }
