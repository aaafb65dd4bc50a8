"""A request that is not exactly as the reference says is refused, executes nothing, and leaves a row."""

import json
import socket
from pathlib import Path

import pytest
import requests

from tests.simulator.conftest import COMMANDS

REFERENCE = Path(__file__).parent.parent / "reference"
PARAMS = {
    path.stem: json.loads(path.read_text())["request"]["param"] for path in sorted(REFERENCE.glob("*.json"))
}
# The example of this one lacks the optional field.
PARAMS["create_family_account"]["password"] = "secret"
FIELDS = [(name, field) for name, param in PARAMS.items() for field in param]
OPTIONAL = {("create_family_account", "password")}


@pytest.fixture
def refused(simulator, wire):
    """Sends a request and tells why it was refused; fails where it was not."""

    def send(body, **options):
        answer = wire.send(body, **options)
        assert answer.status_code >= 400 or answer.json()["success"] is False
        row = simulator.journal()[-1]
        assert row["executed"] is False
        assert row["status"] == answer.status_code
        return row["refused"]

    return send


def request_for(name, **changes):
    return {"command": name, "id": "c1", "param": {**PARAMS[name], **changes}}


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_missing_field_is_refused_unless_it_is_optional(name, field, refused):
    body = request_for(name)
    del body["param"][field]
    why = refused(body)
    if (name, field) in OPTIONAL:
        assert why.startswith("residence_not_found")
    else:
        assert why == f"missing_field: param lacks {field}"


@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.parametrize("kind", ["null", "another type"])
def test_a_field_of_another_type_is_refused_also_where_it_is_optional(name, field, kind, refused):
    value = None if kind == "null" else {"text": "true"}
    assert refused(request_for(name, **{field: value})).startswith("invalid_type")


@pytest.mark.parametrize("name", PARAMS)
def test_an_unknown_field_is_refused(name, refused):
    assert (
        refused(request_for(name, note="x"))
        == "unknown_field: param has a field that is not in the reference: note"
    )


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("create_akuvox_open_door_temp_key_config", {"count": True}),
        ("create_akuvox_open_door_temp_key_config", {"count": 1.0}),
        ("create_akuvox_open_door_temp_key_config", {"count": "1"}),
        ("update_akuvox_open_door_nfc_config", {"enable_nfc": 1}),
        ("update_akuvox_open_door_ble_config", {"enable_ble": "true"}),
        ("update_akuvox_open_door_private_key_config", {"private_key": 12345}),
        ("batch_delete_akuvox_open_door_temp_key_config", {"temp_key": "88776688"}),
        ("batch_delete_akuvox_open_door_temp_key_config", {"temp_key": [88776688]}),
        ("delete_akuvox_open_door_temp_key_config", {"temp_key": ["88776688"]}),
        ("batch_delete_family_account", {"accounts": ["ar1"]}),
        ("check_akuvox_device_permission", {"devices": {"mac": "0C11050BC115"}}),
    ],
)
def test_a_value_that_is_nearly_of_the_type_is_refused(name, changes, refused):
    assert refused(request_for(name, **changes)).startswith("invalid_type")


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        (
            "batch_delete_family_account",
            {"accounts": [{"account_id": "a", "auth": "guest"}]},
            "unknown_field",
        ),
        ("batch_update_family_account_auth", {"accounts": [{"account_id": "a"}]}, "missing_field"),
        ("check_akuvox_device_permission", {"devices": [{}]}, "missing_field"),
        ("batch_delete_family_account", {"accounts": []}, "invalid_value"),
        ("update_family_info", {"family_name": ""}, "invalid_value"),
    ],
)
def test_what_lists_hold_is_looked_at_too(name, changes, why, refused):
    assert refused(request_for(name, **changes)).startswith(why)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"command": "get_family_list", "id": "c1", "param": {}} x', "invalid_json"),
        (b'{"command": "get_family_list", "id": "c1", "id": "c2", "param": {}}', "invalid_json"),
        (b'{"command": "get_family_list", "id": "c1", "param": {"a": NaN}}', "invalid_json"),
        (b'{"command": "get_family_list", "id": "\xff", "param": {}}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"[]", "invalid_body"),
        ({"command": "get_family_list", "id": "c1"}, "missing_field"),
        ({"command": "get_family_list", "param": {}}, "missing_field"),
        ({"command": "get_family_list", "id": "c1", "param": {}, "v": 1}, "unknown_field"),
        ({"command": "get_family_list", "id": "c1", "param": None}, "invalid_type"),
        ({"command": "get_family_list", "id": "c1", "param": []}, "invalid_type"),
        ({"command": "get_family_list", "id": 1, "param": {}}, "invalid_id"),
        ({"command": "get_family_list", "id": "", "param": {}}, "invalid_id"),
        ({"command": "get_families", "id": "c1", "param": {}}, "unknown_command"),
        ({"command": ["get_family_list"], "id": "c1", "param": {}}, "unknown_command"),
    ],
)
def test_a_body_of_another_form_is_refused(body, why, refused):
    assert refused(body).startswith(why)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Content-Type", "application/json; charset=utf-8", 415),
        ("Content-Type", "text/plain", 415),
        ("Accept", "*/*", 406),
        ("Accept", "application/json, text/plain", 406),
        ("Authorization", None, 401),
        ("Authorization", "CANARY", 401),
        ("Authorization", "bearer x", 401),
        ("Authorization", "Bearer unknown", 401),
    ],
)
def test_headers_are_taken_literally(name, value, status, simulator, wire, refused):
    headers = {**wire.headers, name: value}
    body = {"command": "get_family_list", "id": "c1", "param": {}}
    assert refused(body, headers=headers)
    row = simulator.journal("get_family_list")[-1]
    assert (row["status"], row["authorized"]) == (status, False)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_a_command(method, simulator, wire):
    body = json.dumps({"command": "get_family_list", "id": "c1", "param": {}})
    answer = requests.request(method, simulator.url + COMMANDS, data=body, headers=wire.headers, timeout=5)
    assert answer.status_code == 405
    assert simulator.journal()[-1]["refused"].startswith("method_not_allowed")


@pytest.mark.parametrize("path", [COMMANDS + "/", COMMANDS + "?a=1", "/", COMMANDS.upper()])
def test_only_the_exact_path_is_the_endpoint(path, simulator, wire):
    body = json.dumps({"command": "get_family_list", "id": "c1", "param": {}})
    answer = requests.post(simulator.url + path, data=body, headers=wire.headers, timeout=5)
    assert answer.status_code >= 400 or answer.json()["success"] is False
    row = simulator.journal()[-1]
    assert row["executed"] is False
    assert row["refused"]


def test_a_body_without_a_length_is_refused(simulator):
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        head = f"POST {COMMANDS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 411 ")


def test_a_cookie_that_comes_back_is_seen(simulator, wire):
    with requests.Session() as session:
        for _ in range(2):
            body = json.dumps({"command": "get_family_list", "id": "c1", "param": {}})
            session.post(simulator.url + COMMANDS, data=body, headers=wire.headers, timeout=5)
    assert [row["cookie"] for row in simulator.journal()] == [False, True]
