"""What goes out, on which connection, and what is kept between two exchanges."""

import os
import time
import warnings

import pytest

from portal.upstream.client import StaticToken
from portal.upstream.errors import OutcomeUnknown
from tests.upstream.peers import reply, success
from tests.upstream.test_retrying import READ
from tests.upstream.test_transport import OK, press


def test_exactly_these_headers_go_out(serve, client_of):
    peer = serve(OK)
    press(client_of(peer))
    [request] = peer.requests
    assert request.line == "POST /api/v1.0/invoke/open-ability/method/user-commands HTTP/1.1"
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{peer.port}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": "Bearer token-CANARY-1",
        "Accept-Encoding": "gzip",
        "User-Agent": "gatehouse",
        "Content-Length": str(len(request.body)),
    }
    assert len(request.headers) == 7, "none stands twice"


def test_no_cookie_is_kept(serve, client_of):
    peer = serve(success(Set_Cookie="account=CANARY; Path=/"))
    press(client_of(peer))
    press(client_of(peer, StaticToken("another")))
    assert [request.header("Cookie") for request in peer.requests] == [None, None]


def test_the_environment_names_no_proxy_and_no_sign_in(serve, client_of, monkeypatch, tmp_path):
    trap, peer = serve(OK), serve(OK)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password CANARY")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, trap.url)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    press(client_of(peer))
    assert trap.requests == []
    assert peer.requests[0].header("Authorization") == "Bearer token-CANARY-1"


def test_a_connection_is_kept_for_what_follows_at_once(serve, client_of):
    peer = serve(OK)
    for _ in range(3):
        press(client_of(peer))
    assert (peer.connections, len(peer.requests)) == (1, 3)


def test_a_write_takes_a_fresh_connection_after_a_second_and_a_read_does_not(serve, client_of):
    peer = serve(success({"is_uploaded": True}))
    client = client_of(peer)
    press(client)
    time.sleep(1.1)
    client.call(*READ)
    assert peer.connections == 1
    time.sleep(1.1)
    press(client)
    assert peer.connections == 2


def test_a_connection_is_not_used_again_after_half_an_answer(serve, client_of):
    peer = serve(reply(b"x" * 2_000_000), OK)
    client = client_of(peer)
    with pytest.raises(OutcomeUnknown):
        press(client)
    press(client)
    assert peer.connections == 2


def test_connections_are_not_shared_with_a_fork(serve, client_of):
    peer = serve(OK)
    client = client_of(peer)
    press(client)
    with warnings.catch_warnings():
        # Python 3.12 warns of any fork beside threads, and the servers of these tests are threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        try:
            press(client)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    press(client)
    assert (peer.connections, len(peer.requests)) == (2, 3)
