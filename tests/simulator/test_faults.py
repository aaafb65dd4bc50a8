"""Each fault is what its name says, as seen from the other end of the connection."""

import socket
import threading
import time
import zlib

import pytest
import requests

from portal.simulator.wire import COMMANDS

OPEN = "trigger_akuvox_remote_open_door"
LIST = "get_family_list"


@pytest.fixture
def press(simulator):
    """The fields of an opening that would succeed."""
    family, device, relay = simulator.door()
    return {"residence_id": family["residence_id"], "mac": device["mac"], "relay_id": relay["relay_id"]}


def was_executed(simulator, command=OPEN):
    rows = simulator.journal(command)
    assert len(rows) == 1
    return rows[0]["executed"]


def everything(connection):
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(("kind", "executed"), [("reset_before", False), ("reset_after", True)])
def test_a_reset_ends_the_connection_without_a_word(kind, executed, simulator, wire, press):
    simulator.fault(OPEN, kind)
    with wire.raw(OPEN, **press) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert was_executed(simulator) is executed
    assert simulator.journal(OPEN)[0]["status"] is None


def test_latency_delays_and_executes(simulator, wire, press):
    simulator.fault(OPEN, "latency", seconds=0.4)
    begin = time.monotonic()
    assert wire.result(OPEN, **press) == {}
    assert 0.4 <= time.monotonic() - begin < 0.4 + 5
    assert was_executed(simulator)


def test_a_hanging_command_is_never_answered_nor_executed(simulator, wire, press):
    simulator.fault(OPEN, "hang")
    with wire.raw(OPEN, **press) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert was_executed(simulator) is False


def test_a_hanging_command_can_have_been_executed(simulator, wire, press):
    simulator.fault(OPEN, "hang", executes=True)
    with wire.raw(OPEN, **press) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert was_executed(simulator) is True


def test_clearing_the_faults_ends_the_hanging(simulator, wire):
    simulator.fault(LIST, "hang")
    with wire.raw(LIST) as connection:
        threading.Timer(0.3, simulator.clear_faults).start()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_the_faults_of_one_family_are_forgotten_alone(simulator, wire, press):
    simulator.fault(OPEN, "refuse", residence_id=press["residence_id"])
    simulator.fault(LIST, "refuse")
    simulator.clear_faults(press["residence_id"])
    assert wire.result(OPEN, **press) == {}
    assert wire.post(LIST).status_code == 400


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
def test_a_drip_is_a_byte_at_a_time(kind, simulator, wire, press):
    simulator.fault(OPEN, kind, seconds=0.005)
    sizes = []
    with wire.raw(OPEN, **press) as connection:
        while part := connection.recv(65_536):
            sizes.append(len(part))
    if kind == "drip":
        assert sizes[0] > 100
        assert len(sizes) > 40
    else:
        assert len(sizes) > 150
    assert was_executed(simulator)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 503, 504])
def test_a_status_comes_with_html(status, simulator, wire, press):
    simulator.fault(OPEN, "status", status=status, words="<b>No</b>")
    answer = wire.post(OPEN, **press)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>" in answer.text
    assert was_executed(simulator) is False


def test_unauthorized_is_401(simulator, wire, press):
    simulator.fault(OPEN, "unauthorized", times=1)
    answer = wire.post(OPEN, **press)
    assert (answer.status_code, answer.json()["success"]) == (401, False)
    assert wire.post(OPEN, **press).status_code == 200
    assert [row["executed"] for row in simulator.journal(OPEN)] == [False, True]


def test_a_truncated_answer_is_whole_to_http_but_not_to_json(simulator, wire, press):
    simulator.fault(OPEN, "truncated")
    answer = wire.post(OPEN, **press)
    assert len(answer.content) == int(answer.headers["Content-Length"])
    with pytest.raises(ValueError, match="char"):
        answer.json()
    assert was_executed(simulator)


def test_a_cut_answer_ends_before_its_length(simulator, wire, press):
    simulator.fault(OPEN, "cut")
    with wire.raw(OPEN, **press) as connection:
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
    )
    assert 0 < len(body) < length


@pytest.mark.parametrize(
    ("command", "expected"), [(LIST, dict), ("get_family_info", dict), ("update_family_info", str)]
)
def test_a_wrong_type_is_an_envelope_with_something_else_in_it(command, expected, simulator, wire, press):
    simulator.fault(command, "wrong_type")
    param = {} if command == LIST else {"residence_id": press["residence_id"]}
    if command == "update_family_info":
        param["family_name"] = "x"
    told = wire.post(command, **param).json()
    assert type(told["result"]) is expected
    if command == "get_family_info":
        assert isinstance(told["result"]["family_name"], list)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_to_a_trap_that_says_who_followed(status, simulator, wire, press):
    simulator.fault(OPEN, "redirect", status=status)
    answer = wire.post(OPEN, **press)
    assert (answer.status_code, answer.headers["Location"]) == (status, "/_simulator/trap")
    assert len(simulator.journal()) == 1
    followed = wire.send(answer.request.body, allow_redirects=True)
    assert followed.json()["success"] is True
    assert simulator.journal()[-1]["path"] == "/_simulator/trap"
    assert not any(row["executed"] for row in simulator.journal())


def test_a_huge_body_goes_on_until_the_caller_has_enough(simulator, wire):
    simulator.fault(LIST, "huge")
    seen = 0
    with wire.raw(LIST) as connection:
        while seen < 30_000_000:
            part = connection.recv(1_000_000)
            assert part
            seen += len(part)


def test_a_gzip_bomb_is_small_and_becomes_300_megabytes(simulator, wire):
    simulator.fault(LIST, "gzip_bomb")
    with wire.raw(LIST) as connection:
        connection.shutdown(socket.SHUT_WR)
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 1_000_000
    opened = zlib.decompressobj(wbits=31)
    size, rest = 0, body
    while rest:
        size += len(opened.decompress(rest, 10_000_000))
        rest = opened.unconsumed_tail
    assert size > 300_000_000


def test_html_and_nothing_come_under_200(simulator, wire, press):
    simulator.fault(OPEN, "html", times=1)
    simulator.fault(OPEN, "empty", times=1)
    html, empty = wire.post(OPEN, **press), wire.post(OPEN, **press)
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (empty.status_code, empty.content) == (200, b"")


@pytest.mark.parametrize("shape", range(6))
def test_a_refusal_has_six_shapes_with_the_words_in_each(shape, simulator, wire, press):
    simulator.fault(
        OPEN, "refuse", shape=shape, words="The relay is disabled", status=403 if shape == 1 else None
    )
    answer = wire.post(OPEN, **press)
    assert "The relay is disabled" in answer.text
    if shape == 5:
        assert answer.status_code == 400
        assert answer.text.startswith("<html>")
    else:
        assert answer.json()["success"] is False
        assert answer.status_code == (403 if shape == 1 else 400 if shape == 3 else 200)
    assert was_executed(simulator) is False


def test_the_refusals_of_the_commands_differ_in_shape(simulator, wire, press):
    simulator.fault("*", "refuse", words="No")
    seen = set()
    family = {"residence_id": press["residence_id"]}
    for command in [name for name, fields in COMMANDS.items() if set(fields) == {"residence_id"}]:
        answer = wire.post(command, **family)
        is_json = answer.headers["Content-Type"] == "application/json"
        seen.add((answer.status_code, tuple(answer.json()) if is_json else "html"))
    assert len(seen) >= 3


def test_busy_says_when_to_come_again(simulator, wire):
    simulator.fault(LIST, "busy", seconds=3)
    answer = wire.post(LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")


def test_a_body_of_ones_own_comes_as_given(simulator, wire):
    simulator.fault(LIST, "body", body='{"success": null}', status=201, content_type="text/plain")
    answer = wire.post(LIST)
    assert (answer.status_code, answer.text) == (201, '{"success": null}')
    assert answer.headers["Content-Type"] == "text/plain"


def test_a_fault_strikes_as_often_as_it_was_told(simulator, wire):
    simulator.fault(LIST, "status", status=500, times=2)
    assert [wire.post(LIST).status_code for _ in range(3)] == [500, 500, 200]
    assert [row["fault"] for row in simulator.journal(LIST)] == ["status", "status", ""]


def test_a_fault_can_be_one_familys(simulator, wire):
    first, second = simulator.estate()["families"][:2]
    simulator.fault("*", "status", status=503, residence_id=first["residence_id"])
    assert wire.post("get_family_info", residence_id=first["residence_id"]).status_code == 503
    assert wire.post("get_family_info", residence_id=second["residence_id"]).status_code == 200
    assert wire.post(LIST).status_code == 200


def test_a_fault_for_all_leaves_tokens_and_pictures_alone(simulator, wire):
    simulator.fault("*", "status", status=503)
    assert wire.post(LIST).status_code == 503
    sign_in = simulator.sign_in
    form = {name: sign_in[name] for name in ("username", "password", "client_id", "client_secret")}
    form |= {"grant_type": "password", "scope": "user"}
    path = "/api/v1.0/invoke/open-ability/method/oauth2/token"
    assert requests.post(simulator.url + path, data=form, timeout=5).status_code == 200
    simulator.fault("oauth2/token", "status", status=500)
    assert requests.post(simulator.url + path, data=form, timeout=5).status_code == 500


def test_a_wrong_request_is_refused_before_any_fault(simulator, wire):
    simulator.fault(LIST, "reset_before", times=1)
    assert wire.refused(LIST, residence_id="r1") == "unknown_field"
    assert simulator.journal(LIST)[-1]["fault"] == ""


@pytest.mark.parametrize(
    "fault",
    [
        {"command": "get_families", "kind": "hang"},
        {"command": LIST, "kind": "explosion"},
        {"command": LIST, "kind": "hang", "often": 2},
        {"command": LIST, "kind": "hang", "times": 0},
    ],
)
def test_a_fault_that_is_described_wrongly_is_not_taken(fault, simulator):
    with pytest.raises(AssertionError, match="400"):
        simulator.tell("faults", **fault)


def test_pictures_can_be_what_they_should_not(simulator, wire):
    family = simulator.family(auth="user")
    simulator.opening(residence_id=family["residence_id"], picture_after_seconds=0)
    rows = wire.result("get_akuvox_open_door_history", residence_id=family["residence_id"])
    url = next(row["capture_picture_url"] for row in rows if row["capture_picture_url"])
    expected = {
        "html": ("image/jpeg", b"<html>"),
        "svg": ("image/svg+xml", b"<svg"),
        "pixel_flood": ("image/png", b"\x89PNG"),
        "redirect": ("text/html; charset=utf-8", b"<html>"),
    }
    for kind, (content_type, begin) in expected.items():
        simulator.fault("pictures", kind, times=1)
        answer = requests.get(url, timeout=5, allow_redirects=False)
        assert answer.headers["Content-Type"] == content_type
        assert answer.content.startswith(begin)
