"""No token, PIN or password in any error."""

import pickle
import traceback

import pytest

from portal.upstream.client import StaticToken
from portal.upstream.errors import NotSent, UpstreamError, UpstreamUnavailable
from tests.upstream.peers import hang, refusal, reply
from tests.upstream.test_transport import OK, press


@pytest.mark.parametrize("token", ["token-CANARY\r\nX: y", "token-CANARY\n", "标记-CANARY"])
def test_a_token_that_cannot_stand_in_a_header_is_not_sent_and_not_shown(serve, client_of, token):
    peer = serve(OK)
    with pytest.raises(NotSent) as caught:
        press(client_of(peer, StaticToken(token)))
    assert "CANARY" not in whole_text(caught.value)
    assert peer.requests == []


def whole_text(error: BaseException) -> str:
    """All that a log or an error report could make of an error and of what it holds."""
    parts, seen = [], set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        parts += [str(one), repr(one), repr(one.args), repr(vars(one)), *traceback.format_exception(one)]
        parts += [repr(vars(value)) for value in vars(one).values() if hasattr(value, "__dict__")]
    return "\n".join(parts)


LEAKY = {
    "refused": refusal(400, message="token-CANARY-1 may not set pin-CANARY-77 or token-CANARY-1"),
    "refused as text": reply("bad token-CANARY-1", 403),
    "lost": refusal(401, error="token-CANARY-1 has expired"),
    "busy": reply('{"success": false, "message": "token-CANARY-1"}', 429, Retry_After="60"),
    "unclear": reply("token-CANARY-1 pin-CANARY-77"),
    "hang": hang(),
    "half": reply(b"x", Content_Length="50"),
    "500": reply("Traceback (most recent call last): token-CANARY-1", 500),
    "no listener": None,
}


@pytest.mark.parametrize("what", LEAKY)
def test_no_secret_stands_in_an_error(serve, client_of, what):
    step = LEAKY[what]
    client = client_of(serve(step) if step else "http://127.0.0.1:1", deadline_seconds=1)
    pin = "pin-CANARY-77"
    with pytest.raises(UpstreamError) as caught:
        client.update_akuvox_open_door_private_key_config(residence_id="r", private_key=pin)
    assert "CANARY" not in whole_text(caught.value)


def test_errors_survive_pickling():
    error = UpstreamUnavailable("why", command="c", words="w", status=503, sent=True)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.sent, again.status) == (str(error), True, 503)
