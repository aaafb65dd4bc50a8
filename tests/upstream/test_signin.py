"""Signing in by OAuth, against servers that answer well and badly."""

from urllib.parse import parse_qs, urlsplit

import pytest

from portal.upstream import signin
from portal.upstream.errors import (
    NotSent,
    NotUnderstood,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from tests.upstream.peers import cut, hang, refusal, reply, reset, success
from tests.upstream.test_leaks import whole_text
from tests.upstream.test_retrying import closed_port

GRANTED = {
    "access_token": "at-CANARY",
    "refresh_token": "rt-CANARY",
    "token_type": "bearer",
    "expires_in": 7200,
}
PASSWORD = {"username": "me@x", "password": "pw-CANARY &+é", "client_id": "ci", "client_secret": "cs-CANARY"}
REFRESH = {"refresh_token": "old-CANARY", "client_id": "ci", "client_secret": "cs-CANARY"}


def test_a_password_is_sent_as_a_form_and_brings_tokens(serve):
    peer = serve(success(GRANTED))
    tokens = signin.sign_in_with_password(peer.url + "/", **PASSWORD)
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in_seconds) == (
        "at-CANARY",
        "rt-CANARY",
        7200,
    )
    [request] = peer.requests
    assert request.line == "POST /api/v1.0/invoke/open-ability/method/oauth2/token HTTP/1.1"
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"
    assert request.header("Accept") == "application/json"
    assert request.header("Authorization") is None
    sent = {name: value for name, [value] in parse_qs(request.body.decode(), strict_parsing=True).items()}
    assert sent == {"grant_type": "password", "scope": "user", **PASSWORD}


def test_a_code_is_turned_into_tokens(serve):
    peer = serve(success(GRANTED))
    param = {
        "code": "c",
        "client_id": "ci",
        "client_secret": "cs",
        "redirect_uri": "https://portal.example/back",
    }
    signin.sign_in_with_code(peer.url, **param)
    sent = {name: value for name, [value] in parse_qs(peer.requests[0].body.decode()).items()}
    assert sent == {"grant_type": "authorization_code", **param}


def test_a_refresh_token_is_turned_into_new_ones(serve):
    peer = serve(success(GRANTED))
    signin.refresh(peer.url, **REFRESH)
    sent = {name: value for name, [value] in parse_qs(peer.requests[0].body.decode()).items()}
    assert sent == {"grant_type": "refresh_token", **REFRESH}


def test_the_browser_is_sent_to_the_upstream_with_the_state():
    address = signin.authorization_url(
        "https://api.example/", client_id="c&i", redirect_uri="https://portal.example/back?x=1", state="s/ +"
    )
    parts = urlsplit(address)
    assert address.startswith("https://api.example/api/v1.0/invoke/open-ability/method/oauth2/auth?")
    assert parse_qs(parts.query) == {
        "scope": ["user"],
        "state": ["s/ +"],
        "response_type": ["code"],
        "client_id": ["c&i"],
        "redirect_uri": ["https://portal.example/back?x=1"],
    }


@pytest.mark.parametrize(
    ("changes", "refresh_token", "seconds"),
    [({}, "rt-CANARY", 7200), ({"expires_in": "3600"}, "rt-CANARY", 3600), ({"expires_in": None}, "rt-CANARY",
     None),
     ({"expires_in": 60.0}, "rt-CANARY", 60), ({"expires_in": -1}, "rt-CANARY", None),
     ({"expires_in": "soon"}, "rt-CANARY", None),
     ({"expires_in": 1e300}, "rt-CANARY", None), ({"refresh_token": None}, "", 7200), ({"token_type": 5,
     "x": [1]}, "rt-CANARY", 7200)],
)  # fmt: skip
def test_what_the_reference_leaves_open_is_tolerated(serve, changes, refresh_token, seconds):
    tokens = signin.refresh(serve(success(GRANTED | changes)).url, **REFRESH)
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in_seconds) == (
        "at-CANARY",
        refresh_token,
        seconds,
    )


@pytest.mark.parametrize(
    "result", [{}, {"access_token": ""}, {"access_token": None}, {"access_token": 5},
     {"access_token": "a\nX: y"},
               {"access_token": "a b"}, {"access_token": "é"}, [], "token", None]
)  # fmt: skip
def test_an_answer_without_a_usable_token_is_not_understood(serve, result):
    with pytest.raises(NotUnderstood):
        signin.refresh(serve(success(result)).url, **REFRESH)


DUPLICATE = reply('{"success": true, "result": {"access_token": "a", "access_token": "b"}}')
SEEN = {
    "refused": (refusal(400, error="invalid_grant cs-CANARY"), UpstreamRejected),
    "refused under 200": (refusal(200, message="no"), UpstreamRejected),
    "401": (refusal(401, message="no"), UpstreamRejected),
    "html 404": (reply("<html>", 404), UpstreamRejected),
    "busy": (reply(b"", 429, Retry_After="9"), UpstreamBusy),
    "500": (reply("Traceback pw-CANARY", 500), UpstreamUnavailable),
    "redirect": (reply(b"", 302, Location="/x"), UpstreamUnavailable),
    "html 200": (reply("<html>welcome"), NotUnderstood),
    "empty": (reply(b""), NotUnderstood),
    "a key twice": (DUPLICATE, NotUnderstood),
    "half": (cut(success(GRANTED)[:-5]), UpstreamUnavailable),
    "reset": (reset, UpstreamUnavailable),
    "hang": (hang(), UpstreamUnavailable),
    "too large": (reply(b"x" * 1_100_000), UpstreamUnavailable),
}


@pytest.mark.parametrize("seen", SEEN)
def test_a_sign_in_that_went_out_is_never_sent_again(serve, seen):
    step, error = SEEN[seen]
    peer = serve(step, success(GRANTED))
    secret = dict(PASSWORD)
    with pytest.raises(UpstreamError) as caught:
        signin.sign_in_with_password(peer.url, **secret, deadline_seconds=1)
    assert type(caught.value) is error
    assert len(peer.requests) == 1
    assert "CANARY" not in whole_text(caught.value)
    if error is UpstreamBusy:
        assert caught.value.retry_after_seconds == 9


def test_what_was_not_sent_is_tried_again_until_the_deadline():
    with pytest.raises(NotSent):
        signin.refresh(f"http://127.0.0.1:{closed_port()}", **REFRESH, deadline_seconds=1)


def test_a_password_that_cannot_be_written_is_not_sent_and_not_shown(serve):
    peer = serve(success(GRANTED))
    secret = PASSWORD | {"password": "CANARY\ud800"}
    with pytest.raises(NotSent) as caught:
        signin.sign_in_with_password(peer.url, **secret)
    assert "CANARY" not in whole_text(caught.value)
    assert peer.requests == []


def test_tokens_show_no_secret():
    assert "CANARY" not in repr(signin.TokenSet("at-CANARY", "rt-CANARY", 5))
