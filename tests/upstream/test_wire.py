"""What comes back: the envelope, the words of a refusal, and results that are not quite the reference's."""

import json
from itertools import chain

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.upstream import types, wire
from portal.upstream.answers import Answer
from portal.upstream.commands import COMMANDS
from portal.upstream.errors import NotUnderstood, OutcomeUnknown, UpstreamError, UpstreamRejected
from tests.upstream.peers import Peer, refusal, reply


def answer(command: str, result: str) -> Answer:
    body = '{"success": true, "timestamp": 5, "result": ' + result + "}"
    spec = COMMANDS[command]
    return Answer(spec, "c1", wire.read_envelope(body.encode(), strict=spec.is_write), 200)


SHAPES = [
    ({"message": "no such door"}, "", "no such door"),
    ({"msg": "no such door"}, "", "no such door"),
    ({"error": "no such door"}, "", "no such door"),
    ({"error": {"code": "E7", "message": "no such door"}}, "E7", "no such door"),
    ({"error": {"error_code": 7, "msg": "no such door"}}, "7", "no such door"),
    ({"error_code": 7, "message": "no such door"}, "7", "no such door"),
    ({"code": "E7", "msg": "no such door"}, "E7", "no such door"),
    ({"error": "E7", "error_description": "no such door"}, "", "no such door"),
    ({"result": "no such door"}, "", "no such door"),
    ({"result": {"code": 7, "message": "no such door"}}, "7", "no such door"),
    ({"result": {"error": {"code": 7, "message": "no such door"}}}, "7", "no such door"),
    ({"code": 7, "result": {"msg": "no such door"}}, "7", "no such door"),
    ({"result": {}}, "", ""),
    ({"result": None, "message": None}, "", ""),
    ({"message": ["a"], "error": [1], "code": {}}, "", ""),
    ({"message": "  no\n\tsuch \x00 door\u202e "}, "", "no such \ufffd door"),
    ({"message": "<html><body>oops</body></html>"}, "", ""),
    ({"message": "<script>alert(1)</script> no"}, "", ""),
    ({"message": "Traceback (most recent call last):\n File x"}, "", ""),
    ({"message": "NullPointer\n\tat com.akuvox.Door.open(Door.java:7)"}, "", ""),
    ({"message": "count must be < 5"}, "", "count must be < 5"),
    ({"message": "x" * 10_000}, "", "x" * 499 + "…"),
    ({"message": 7}, "", "7"),
]


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize(("fields", "code", "words"), SHAPES)
def test_a_refusals_words_are_found_in_any_shape(serve, client_of, fields, code, words, status):
    peer = serve(refusal(status, **fields))
    with pytest.raises(UpstreamRejected) as caught:
        client_of(peer).get_family_list()
    assert (caught.value.code, caught.value.words, caught.value.status) == (code, words, status)


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"not here", "not here"), (b"", ""), (b"<!doctype html><title>x</title>", ""), (b"\xff\xfe",
     "\ufffd\ufffd"),
     (b'{"message": "cut', ""), (b"[1]", ""), (b'"text"', ""), (b'{"message": "a\\ud800"}', "a\ufffd"),
     (b'{"message": "a\xff"}', "a\ufffd"), (b'{"a": ' * 10_000, ""), (b"no " * 100_000, ""),
     (b'{"message": ' + b"9" * 9000 + b"}", "")],
)  # fmt: skip
def test_a_refusal_that_is_not_json_is_shown_when_it_is_plain_text(serve, client_of, body, words):
    with pytest.raises(UpstreamRejected) as caught:
        client_of(serve(reply(body, 404))).get_family_list()
    assert caught.value.words == words


def test_a_refusals_words_hold_no_secret_that_was_sent(serve, client_of):
    peer = serve(refusal(400, message="key 0815-4711 of 99887766 is bad for token-CANARY-1"))
    with pytest.raises(UpstreamRejected) as caught:
        client_of(peer).batch_delete_akuvox_open_door_temp_key_config(
            residence_id="r", temp_key=["0815-4711", "99887766"]
        )
    assert caught.value.words == "key ●●●● of ●●●● is bad for ●●●●"


@pytest.mark.parametrize("missing", ["null", "[]"])
@pytest.mark.parametrize("command", [name for name, spec in COMMANDS.items() if spec.is_list])
def test_a_list_that_is_null_or_empty_has_no_rows(command, missing):
    assert (answer(command, missing).result, answer(command, missing).unread) == ([], [])


def test_a_result_that_is_missing_is_an_empty_list_or_not_understood():
    envelope = wire.read_envelope(b'{"success": true}', strict=False)
    assert Answer(COMMANDS["get_family_list"], "c", envelope, 200).result == []
    with pytest.raises(NotUnderstood):
        _ = Answer(COMMANDS["get_family_info"], "c", envelope, 200).result


@pytest.mark.parametrize("result", ["{}", '"x"', "5", "true"])
@pytest.mark.parametrize("command", [name for name, spec in COMMANDS.items() if spec.is_list])
def test_a_list_that_is_something_else_is_not_understood(command, result):
    with pytest.raises(NotUnderstood) as caught:
        _ = answer(command, result).result
    assert caught.value.command == command


@pytest.mark.parametrize("result", ["[]", '"x"', "5", "null"])
@pytest.mark.parametrize(
    "command",
    [name for name, spec in COMMANDS.items() if spec.result and not spec.is_list and not spec.is_write],
)
def test_an_object_that_is_something_else_is_not_understood(command, result):
    with pytest.raises(NotUnderstood):
        _ = answer(command, result).result


@pytest.mark.parametrize(
    "result", ["[]", '"x"', "5", "null", '{"temp_key": [1], "account_id": {}, "nfc_code": true}']
)
@pytest.mark.parametrize("command", [name for name, spec in COMMANDS.items() if spec.is_write])
def test_a_write_with_a_strange_result_is_a_success(command, result):
    spec = COMMANDS[command]
    found = answer(command, result)
    assert found.result == (spec.result() if spec.result else None)
    assert bool(found.unread) is (
        spec.result is not None and not (result[0] == "{" and command == "update_akuvox_open_door_ble_config")
    )


def test_a_row_that_cannot_be_read_is_set_aside_and_named_and_the_rest_kept():
    rows = [
        '{"account_id": "a1", "residence_id": "r1", "online": "yes"}',
        '{"account_id": "a2", "residence_id": "r2", "family_name": "two"}',
        '{"account_id": "a3"}',
        "null",
        "7",
        '{"account_id": "a6", "residence_id": ""}',
        '{"account_id": "a7", "residence_id": "r7", "online": 1}',
        '{"account_id": "a8", "residence_id": "r8", "family_name": ["x"]}',
        '{"account_id": "a9", "residence_id": "' + "r" * 201 + '"}',
    ]
    found = answer("get_family_list", f"[{', '.join(rows)}]")
    assert [row.residence_id for row in found.result] == ["r2"]
    assert len(found.unread) == 8
    assert found.unread[0] == "row 1: online is not true or false"
    assert found.unread[1].startswith("row 3: ")
    assert "residence_id" in found.unread[1]


def test_thousands_of_bad_rows_are_counted_not_listed():
    found = answer("get_family_list", "[" + ",".join(["7"] * 3000) + "]")
    assert found.result == []
    assert (len(found.unread), found.unread[-1]) == (21, "and 2980 more")


def test_odd_text_far_inside_a_long_answer_is_cleaned():
    body = '{"success": true, "result": [{"call_name": "' + "é👪" * 30_000 + '"}, {"call_name": "'
    envelope = wire.read_envelope(body.encode() + b'\xe2\x82"}]}', strict=False)
    rows = Answer(COMMANDS["get_akuvox_call_history"], "c", envelope, 200).result
    assert [row.call_name for row in rows] == ["é👪" * 30_000, "\ufffd"]


def test_unknown_fields_and_values_pass():
    [device] = answer(
        "get_akuvox_device_list",
        '[{"mac": "not hex !", "device_type": "Gate Robot", "extra": {"a": [1, 2.5, null]}, "online": true}]',
    ).result
    assert (device.mac, device.device_type, device.online) == ("not hex !", "Gate Robot", True)


@pytest.mark.parametrize("field", ["rtsp", "rtsp_url"])
def test_the_stream_address_comes_under_either_name(field):
    row = json.dumps({"mac": "m", field: "rtsp://u:p@h/1"})
    [device] = answer("get_akuvox_device_list", f"[{row}]").result
    assert device.stream_address == "rtsp://u:p@h/1"


def test_missing_and_null_fields_get_the_decided_values():
    row = '{"mac": "m", "relays": null, "device_name": null, "online": null, "sip": null}'
    [device] = answer("get_akuvox_device_list", f"[{row}]").result
    assert device == types.Device(mac="m")
    assert (device.relays, device.security_relays, device.online, device.stream_address) == (
        [],
        [],
        False,
        "",
    )


def test_a_bad_relay_costs_the_relay_not_the_device():
    found = answer(
        "get_akuvox_device_list",
        '[{"mac": "m", "relays": [{"relay_id": "r1"}, {"relay_name": "x"}, 5], '
        '"security_relays": [{"relay_id": 9}]}]',
    )
    [device] = found.result
    assert [relay.relay_id for relay in chain(device.relays, device.security_relays)] == ["r1", "9"]
    assert [text.split(":")[0] for text in found.unread] == ["row 1 relays row 2", "row 1 relays row 3"]


def test_a_bad_member_costs_the_member_not_the_family():
    found = answer(
        "get_family_info", '{"family_name": "f", "accounts": [{"account_id": "a"}, {"auth": "user"}]}'
    )
    assert [account.account_id for account in found.result.accounts] == ["a"]
    assert len(found.unread) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [('"0012"', "0012"), ("12345", "12345"), ("-7", "-7"), ("0", "0"), ("9" * 40, "9" * 40)],
)
def test_a_whole_number_where_text_belongs_becomes_that_text(value, text):
    assert (
        answer("get_akuvox_open_door_private_key_config", f'{{"private_key": {value}}}').result.private_key
        == text
    )


@pytest.mark.parametrize("value", ["1.0", "1e3", "true", "null", "[]", "{}", "9" * 41])
def test_other_things_where_a_pin_belongs_are_not_understood(value):
    with pytest.raises(NotUnderstood):
        _ = answer("get_akuvox_open_door_private_key_config", f'{{"private_key": {value}}}').result


@pytest.mark.parametrize(
    ("value", "count"), [("100", 100), ('"100"', 100), ("null", None), ("0", 0), ("-1", -1)]
)
def test_a_count_is_shown_as_it_comes(value, count):
    [key] = answer("get_akuvox_open_door_temp_key_config", f'[{{"temp_key": "1", "count": {value}}}]').result
    assert key.count == count


@pytest.mark.parametrize("value", ["1.5", "1e9999", '"many"', "true", "99999999999", '"99999999999"'])
def test_a_count_that_is_none_sets_the_row_aside(value):
    found = answer("get_akuvox_open_door_temp_key_config", f'[{{"temp_key": "1", "count": {value}}}]')
    assert found.result == []
    assert "count" in found.unread[0]


@pytest.mark.parametrize("value", ["0", "1", '"true"', "null", "2.0"])
def test_only_a_boolean_says_that_a_door_opened(value):
    found = answer("get_akuvox_open_door_history", f'[{{"open_door": {value}}}, {{"open_door": false}}]')
    assert [row.open_door for row in found.result] == [False]
    assert len(found.unread) == 1


@pytest.mark.parametrize("command", ["get_akuvox_face_file_info", "update_family_info"])
@pytest.mark.parametrize(
    "body",
    [b'{"success": true, "result": {"is_uploaded": true, "a": "x\\u0000y"}}',
     b'{"success": true, "result": {"is_uploaded": true, "a": "x\\ud800y"}}',
     b'{"success": true, "result": {"is_uploaded": true, "a": "x\xff"}}'],
)  # fmt: skip
def test_odd_text_somewhere_costs_nothing_else(serve, client_of, body, command):
    param = {"residence_id": "r"} | ({"family_name": "n"} if command == "update_family_info" else {})
    answer = client_of(serve(reply(body))).call(command, param, once=True)
    assert answer.unread == []


@pytest.mark.parametrize(
    ("text", "name"),
    [(b"a\\u0000b", "a\ufffdb"), (b"a\\ud800b", "a\ufffdb"), (b"\\udc00\\ud83d\\udc6a", "\ufffd\U0001f46a"),
     (b"a\xffb", "a\ufffdb"), (b"a\\\\u0000b", "a\\u0000b"), (b"\\\\\\u0000", "\\\ufffd"),
     (b"\\\\ud800\\ud801", "\\ud800\ufffd")],
)  # fmt: skip
def test_text_that_cannot_be_stored_is_cleaned(text, name):
    body = b'{"success": true, "result": {"family_name": "' + text + b'"}}'
    envelope = wire.read_envelope(body, strict=False)
    assert Answer(COMMANDS["get_family_info"], "c", envelope, 200).result.family_name == name


def test_equal_results_have_equal_digests_whatever_the_time():
    one = wire.read_envelope(b'{"success": true, "timestamp": 1, "result": [{"a": 1}]}', strict=False)
    two = wire.read_envelope(b'{"timestamp": 2, "result": [{"a": 1}], "success": true}', strict=False)
    other = wire.read_envelope(b'{"success": true, "timestamp": 1, "result": [{"a": 2}]}', strict=False)
    digests = [
        Answer(COMMANDS["get_family_list"], "c", envelope, 200).digest for envelope in (one, two, other)
    ]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [("1540869200562", 1540869200562), ('"1540869200562"', 1540869200562), ("null", None), ("1.5", None),
     ('"now"', None),
     ("-1", None), ("9" * 30, None), ("[]", None)],
)  # fmt: skip
def test_the_envelopes_time_is_taken_when_it_is_one(value, milliseconds):
    body = f'{{"success": true, "timestamp": {value}, "result": []}}'.encode()
    assert wire.read_envelope(body, strict=False).timestamp_ms == milliseconds


SECRETS = {
    "get_family_remote_connect": '{"remote_connect_url": "CANARY"}',
    "get_akuvox_device_list": '[{"mac": "m", "ciphertext": "CANARY", "rtsp": "CANARY", "rtsp_url": "CANARY"}]',
    "get_akuvox_open_door_private_key_config": '{"private_key": "CANARY"}',
    "get_akuvox_open_door_nfc_config": '{"nfc_code": "CANARY"}',
    "get_akuvox_open_door_ble_config": '{"ble_code": "CANARY"}',
    "get_akuvox_open_door_temp_key_config": '[{"temp_key": "CANARY", "qr_code_url": "CANARY"}]',
    "create_akuvox_open_door_temp_key_config": '{"temp_key": "CANARY", "qr_code_url": "CANARY"}',
}


@pytest.mark.parametrize("command", SECRETS)
def test_no_secret_stands_in_a_repr(command):
    found = answer(command, SECRETS[command])
    assert "CANARY" in str(found.raw)
    assert "CANARY" not in repr(found) + repr(found.result) + repr(found.unread)


def test_no_value_stands_in_what_was_not_understood():
    found = answer(
        "get_akuvox_open_door_temp_key_config", '[{"temp_key": ["CANARY"]}, "CANARY", {"CANARY": 1}]'
    )
    assert len(found.unread) == 3
    assert "CANARY" not in repr(found.unread)
    with pytest.raises(NotUnderstood) as caught:
        _ = answer("get_akuvox_open_door_private_key_config", '{"private_key": ["CANARY"]}').result
    assert "CANARY" not in str(caught.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                sorted(
                    {
                        name
                        for spec in COMMANDS.values()
                        if spec.result
                        for name in spec.result.__struct_fields__
                    }
                )
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"success": st.sampled_from([True, True, True, False, "true", None]), "result": JSON},
        optional={"timestamp": JSON, "error": JSON, "message": JSON, "code": JSON},
    ).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
)


@pytest.fixture
def echo(serve) -> tuple[Peer, dict]:
    """A server whose next answer is what the test put there."""
    next_answer: dict = {}
    return serve(lambda sock: sock.sendall(reply(**next_answer))), next_answer


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=BODIES,
    status=st.sampled_from([200, 200, 200, 400, 401, 429, 500]),
    command=st.sampled_from(sorted(COMMANDS)),
)
def test_no_body_raises_anything_but_an_upstream_error(echo, client_of, body, status, command):
    peer, next_answer = echo
    next_answer.update(body=body, status=status)
    spec = COMMANDS[command]
    param = {name: _some_value(param) for name, param in spec.params.items()}
    try:
        found = client_of(peer).call(command, param, once=True)
        result, unread = found.result, found.unread
    except UpstreamError as error:
        refused = error
    else:
        refused = None
    if refused:
        assert str(refused).startswith(command)
        assert len(refused.words) <= 500
        assert isinstance(refused, OutcomeUnknown) or not (spec.is_write and status == 500)
    else:
        assert status == 200
        assert isinstance(result, list) is spec.is_list
        assert all(isinstance(text, str) for text in unread)
        assert "\x00" not in msgspec.json.encode(result).decode()


def _some_value(param) -> object:
    return {"TEXT": "x", "BOOL": True, "INT": 1, "TEXTS": ["x"], "ROWS": []}[param.type.name]
