"""The retry table: each row of what was seen, for each kind of command, counted at a real server."""

import contextlib
import socket
import threading
import time
from typing import Any

import pytest

from portal.upstream.client import StaticToken
from portal.upstream.errors import (
    NotSent,
    NotUnderstood,
    OutcomeUnknown,
    SignInLost,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.upstream.conftest import FRESH_TOKEN, TOKEN, RenewableToken
from tests.upstream.peers import cut, hang, late, refusal, reply, reset, success

READ = ("get_akuvox_face_file_info", {"residence_id": "r1"})
SET = ("update_family_info", {"residence_id": "r1", "family_name": "n"})
CREATE = ("trigger_akuvox_remote_open_door", {"residence_id": "r1", "mac": "m", "relay_id": "d"})
KINDS = [pytest.param(READ, id="read"), pytest.param(SET, id="set"), pytest.param(CREATE, id="create")]
WRITES = KINDS[1:]
OK = success({"is_uploaded": True})


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("command", "attempts", "error"),
    [(READ, 6, UpstreamUnavailable), (SET, 6, NotSent), (CREATE, 2, NotSent)],
    ids=["read", "set", "create"],
)
def test_what_was_not_sent_is_tried_again_as_its_kind_allows(client_of, command, attempts, error):
    tries: list[str] = []
    client = client_of(f"http://127.0.0.1:{closed_port()}", on_request=tries.append, deadline_seconds=20)
    with pytest.raises(error) as caught:
        client.call(*command)
    assert tries == [command[0]] * attempts
    assert caught.value.command == command[0]
    assert caught.value.status is None
    assert getattr(caught.value, "sent", False) is False


@pytest.mark.parametrize("command", KINDS)
def test_a_door_that_opens_in_time_is_reached_on_the_second_try(serve, client_of, command):
    port = closed_port()
    opened = []

    def open_after_the_first_try(_: str) -> None:
        if len(opened) == 1:
            sock = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=_answer_one, args=(sock,), daemon=True).start()
        opened.append(1)

    client = client_of(f"http://127.0.0.1:{port}", on_request=open_after_the_first_try)
    assert client.call(*command).command_id.startswith("c")
    assert len(opened) == 2


def _answer_one(listener: socket.socket) -> None:
    with listener, contextlib.suppress(OSError):
        sock, _ = listener.accept()
        with sock:
            sock.recv(65_536)
            sock.sendall(OK)
            sock.recv(1)


@pytest.mark.parametrize("command", KINDS)
def test_a_refused_token_is_renewed_once_and_the_command_sent_again(serve, client_of, command):
    peer, tokens = serve(refusal(401), OK), RenewableToken()
    client_of(peer, tokens).call(*command)
    assert [one.header("Authorization") for one in peer.requests] == [
        f"Bearer {TOKEN}",
        f"Bearer {FRESH_TOKEN}",
    ]
    assert peer.requests[0].body == peer.requests[1].body
    assert tokens.renewals == [TOKEN]


@pytest.mark.parametrize("command", KINDS)
def test_a_token_refused_again_after_its_renewal_is_a_lost_sign_in(serve, client_of, command):
    peer = serve(refusal(401, message="expired"))
    with pytest.raises(SignInLost) as caught:
        client_of(peer, RenewableToken()).call(*command)
    assert len(peer.requests) == 2
    assert (caught.value.words, caught.value.status) == ("expired", 401)


@pytest.mark.parametrize("command", KINDS)
def test_a_pasted_token_that_is_refused_is_a_lost_sign_in(serve, client_of, command):
    peer = serve(refusal(401, error={"message": "who are you"}))
    with pytest.raises(SignInLost) as caught:
        client_of(peer).call(*command)
    assert len(peer.requests) == 1
    assert (caught.value.command, caught.value.words) == (command[0], "who are you")


class StuckToken(StaticToken):
    def renew(self, refused: str) -> str:
        return refused


class UnreachableRenewal(StaticToken):
    def renew(self, refused: str) -> str:
        raise UpstreamUnavailable("no whole answer: time-out", command="oauth2/token", sent=True)


def test_a_renewal_that_brings_the_same_token_is_a_lost_sign_in(serve, client_of):
    peer = serve(refusal(401))
    with pytest.raises(SignInLost):
        client_of(peer, StuckToken("t")).call(*CREATE)
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("command", "error"), [(READ, UpstreamUnavailable), (SET, UpstreamRejected), (CREATE, UpstreamRejected)]
)
def test_a_renewal_without_an_answer_leaves_a_write_refused_not_unknown(serve, client_of, command, error):
    peer = serve(refusal(401))
    with pytest.raises(error) as caught:
        client_of(peer, UnreachableRenewal("t")).call(*command)
    assert len(peer.requests) == 1
    assert caught.value.status == (401 if error is UpstreamRejected else None)


class UnreachableSignIn(StaticToken):
    def current(self) -> str:
        raise UpstreamUnavailable("no whole answer: time-out", command="oauth2/token", sent=True)


@pytest.mark.parametrize(
    ("command", "error"), [(READ, UpstreamUnavailable), (SET, NotSent), (CREATE, NotSent)]
)
def test_a_token_that_cannot_be_had_leaves_nothing_sent(serve, client_of, command, error):
    peer = serve(OK)
    with pytest.raises(error, match="the sign-in could not be renewed") as caught:
        client_of(peer, UnreachableSignIn("t")).call(*command)
    assert (caught.value.command, peer.requests) == (command[0], [])
    assert getattr(caught.value, "sent", False) is False


def test_a_press_older_than_five_seconds_is_not_sent_again_after_a_renewal(serve, client_of):
    peer, tokens = serve(late(5.1, refusal(401)), OK), RenewableToken()
    with pytest.raises(UpstreamRejected) as caught:
        client_of(peer, tokens, deadline_seconds=15).call(*CREATE)
    assert len(peer.requests) == 1
    assert caught.value.status == 401
    assert tokens.renewals == [TOKEN], "the next press finds a good token"


@pytest.mark.parametrize("command", KINDS[:2])
def test_a_busy_upstream_is_waited_for_as_told(serve, client_of, command):
    peer = serve(reply(b"", 429, Retry_After="1"), OK)
    started = time.monotonic()
    client_of(peer).call(*command)
    assert time.monotonic() - started >= 1
    assert len(peer.requests) == 2


@pytest.mark.parametrize("command", KINDS)
def test_a_wait_beyond_the_deadline_is_told_and_not_waited(serve, client_of, command):
    peer = serve(reply(b"", 429, Retry_After="60"))
    with pytest.raises(UpstreamBusy) as caught:
        client_of(peer).call(*command)
    assert len(peer.requests) == 1
    assert (caught.value.retry_after_seconds, caught.value.status) == (60, 429)


def test_an_opening_met_by_a_busy_upstream_is_not_sent_again(serve, client_of):
    peer = serve(reply(b"", 429, Retry_After="0"), OK)
    with pytest.raises(UpstreamBusy):
        client_of(peer).call(*CREATE)
    assert len(peer.requests) == 1


REFUSALS = [
    refusal(200, message="no"),
    refusal(400, message="no"),
    refusal(403, message="no"),
    refusal(404, message="no"),
    refusal(409, message="no"),
    reply("no", 422),
    reply(b"", 403),
    reply("<html>forbidden</html>", 403),
    success(status=404),
]


@pytest.mark.parametrize("command", KINDS)
@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_final(serve, client_of, command, answer):
    peer = serve(answer, OK)
    with pytest.raises(UpstreamRejected) as caught:
        client_of(peer).call(*command)
    assert len(peer.requests) == 1
    assert caught.value.words in ("no", "")


HALF = OK[:-9]
UNCLEAR = {
    "500": reply(b"", 500),
    "503 with success false": refusal(503, message="no"),
    "503 with success true": success(status=503),
    "502 html": reply("<html>", 502),
    "599": reply(b"", 599),
    "302": reply(b"", 302, Location="/elsewhere"),
    "307": reply(b"", 307, Location="/elsewhere"),
    "304": b"HTTP/1.1 304 X\r\n\r\n",
    "empty 200": reply(b""),
    "204": b"HTTP/1.1 204 X\r\n\r\n",
    "html 200": reply("<html>welcome</html>"),
    "success text": reply('{"success": "true", "result": {}}'),
    "success number": reply('{"success": 1, "result": {}}'),
    "success null": reply('{"success": null, "result": {}}'),
    "no success": reply('{"result": {}}'),
    "a list": reply("[true]"),
    "text behind it": reply(b'{"success": true, "result": {}} x'),
    "NaN": reply('{"success": true, "result": {"a": NaN}}'),
    "half, by length": cut(HALF),
    "half, without length": cut(b"HTTP/1.0 200 X\r\n\r\n" + HALF.partition(b"\r\n\r\n")[2]),
    "half headers": cut(b"HTTP/1.1 200 X\r\nContent-Le"),
    "no http": cut(b"SSH-2.0-Open\r\n"),
    "bad chunk": cut(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "bad gzip": reply(b"not gzip", Content_Encoding="gzip"),
    "reset": reset,
}


@pytest.mark.parametrize("seen", UNCLEAR)
def test_a_read_without_a_clear_answer_is_sent_again(serve, client_of, seen):
    peer = serve(UNCLEAR[seen], OK)
    assert client_of(peer).get_akuvox_face_file_info(residence_id="r1").result.is_uploaded is True
    assert [one.line.split()[1].rpartition("/")[2] for one in peer.requests] == ["user-commands"] * 2


@pytest.mark.parametrize("command", WRITES)
@pytest.mark.parametrize("seen", UNCLEAR)
def test_a_write_without_a_clear_answer_is_unknown_and_never_sent_again(serve, client_of, command, seen):
    peer = serve(UNCLEAR[seen], OK)
    with pytest.raises(OutcomeUnknown) as caught:
        client_of(peer).call(*command)
    time.sleep(0.05)
    assert len(peer.requests) == 1
    assert caught.value.command == command[0]


@pytest.mark.parametrize("command", WRITES)
def test_a_key_that_stands_twice_in_a_writes_answer_is_unknown(serve, client_of, command):
    peer = serve(reply('{"success": false, "success": true, "result": {}}'), OK)
    with pytest.raises(OutcomeUnknown):
        client_of(peer).call(*command)
    assert len(peer.requests) == 1


def test_a_key_that_stands_twice_in_a_reads_answer_is_let_pass(serve, client_of):
    peer = serve(reply('{"success": true, "result": {"x": 1, "x": 2, "is_uploaded": false}}'))
    assert client_of(peer).get_akuvox_face_file_info(residence_id="r").result.is_uploaded is False


@pytest.mark.parametrize("command", KINDS)
def test_a_hanging_upstream_is_left_at_the_deadline(serve, client_of, command):
    peer = serve(hang())
    started = time.monotonic()
    with pytest.raises(UpstreamUnavailable if command is READ else OutcomeUnknown) as caught:
        client_of(peer, deadline_seconds=0.5).call(*command)
    assert time.monotonic() - started < 0.5 + 5
    assert len(peer.requests) == 1
    assert getattr(caught.value, "sent", True) is True


def test_a_read_that_never_gets_a_clear_answer_ends_in_time_and_says_why(serve, client_of):
    peer = serve(reply(b"", 503))
    started = time.monotonic()
    with pytest.raises(UpstreamUnavailable) as caught:
        client_of(peer).call(*READ)
    assert (caught.value.status, caught.value.sent) == (503, True)
    assert 3 <= len(peer.requests) <= 6
    assert time.monotonic() - started < 8 + 5


def test_a_read_answered_by_something_else_is_not_understood(serve, client_of):
    peer = serve(reply("<html>welcome</html>"))
    with pytest.raises(NotUnderstood) as caught:
        client_of(peer, deadline_seconds=1).call(*READ)
    assert caught.value.status == 200


ONCE = {
    "refused connection": (None, (UpstreamUnavailable, NotSent)),
    "401": (refusal(401), (SignInLost, SignInLost)),
    "429": (reply(b"", 429, Retry_After="0"), (UpstreamBusy, UpstreamBusy)),
    "500": (reply(b"", 500), (UpstreamUnavailable, OutcomeUnknown)),
}


@pytest.mark.parametrize("seen", ONCE)
@pytest.mark.parametrize("command", [READ, CREATE], ids=["read", "create"])
def test_once_reports_the_first_answer(serve, client_of, command, seen):
    step, (of_read, of_write) = ONCE[seen]
    peer, tokens, tries = serve(step or OK, OK), RenewableToken(), []
    address: Any = peer if step else f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(of_read if command is READ else of_write):
        client_of(address, tokens, on_request=tries.append).call(*command, once=True)
    assert len(tries) == 1
    assert tokens.renewals == []


def test_a_spent_budget_holds_the_request(serve, client_of):
    def hold(command: str) -> None:
        raise UpstreamBusy("over the budget", command=command, retry_after_seconds=3)

    peer = serve(OK)
    with pytest.raises(UpstreamBusy):
        client_of(peer, on_request=hold).call(*CREATE)
    assert peer.requests == []


def test_each_http_request_is_counted(serve, client_of):
    peer, tries = serve(reply(b"", 500), refusal(401), OK), []
    client_of(peer, RenewableToken(), on_request=tries.append).call(*READ)
    assert tries == [READ[0]] * 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("999999999999999", 3600), ("", 5), ("soon", 5), ("-3", 5), ("٣", 5),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 21 Oct 2515 07:28:00 GMT", 3600), ("Wed, 99 Oct", 5)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    from portal.upstream.sending import retry_after_seconds

    assert retry_after_seconds(header) == seconds


def test_every_error_is_an_upstream_error():
    for kind in (NotSent, OutcomeUnknown, UpstreamRejected, UpstreamBusy, SignInLost, NotUnderstood):
        assert issubclass(kind, UpstreamError)
