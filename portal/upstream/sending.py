"""One command sent as often as its kind allows: the retry table, and nothing else decides."""

import email.utils
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol
from urllib.parse import quote

from portal.upstream import transport, wire
from portal.upstream.commands import Command, Kind, Shape
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

# A press older than this is not sent again after its token was renewed: nobody expects the door to open now.
FRESH_PRESS_SECONDS = 5.0
# How long to wait after a 429 that does not say, and the longest that one may ask for.
DEFAULT_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 3600.0
_MOST_SENDS = 6
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 2.0
# A write does not use a connection that was idle longer: one that went stale makes a false "unknown".
_WRITE_IDLE_SECONDS = 1.0
_chance = random.SystemRandom()


class Tokens(Protocol):
    """Where the client gets its access token from."""

    def current(self) -> str:
        """The token to send now."""
        ...

    def renew(self, refused: str) -> str:
        """A token that differs from the one the upstream refused; raises SignInLost if there is none."""
        ...


class Seen(Enum):
    """What became of one sending: the rows of the retry table."""

    NOT_SENT = "not sent"
    TOKEN_REFUSED = "401"  # noqa: S105 - a status
    BUSY = "429"
    REFUSED = "refused"
    UNCLEAR = "no answer that can be read"


# How often a command may be sent again after each. A 401 and a refusal are not here: the first is sent
# again once, with a renewed token, the second never.
_REPEATS: dict[Seen, dict[Kind, int]] = {
    Seen.NOT_SENT: {Kind.READ: _MOST_SENDS, Kind.SET: _MOST_SENDS, Kind.CREATE: 1},
    Seen.BUSY: {Kind.READ: _MOST_SENDS, Kind.SET: _MOST_SENDS, Kind.CREATE: 0},
    Seen.UNCLEAR: {Kind.READ: _MOST_SENDS, Kind.SET: 0, Kind.CREATE: 0},
}


@dataclass
class _Failure:
    """A sending that brought no success: its row in the table, and what is raised if it was the last."""

    seen: Seen
    error: UpstreamError
    is_final: bool = False


def send(
    command: Command,
    param: Mapping[str, Any],
    *,
    url: str,
    tokens: Tokens,
    command_id: str,
    deadline: transport.Deadline,
    on_request: Callable[[str], None] | None,
    once: bool,
) -> tuple[wire.Envelope, int]:
    """Send a command as often as its kind allows; return the successful answer and its status.

    Costs one upstream call, at most six. With ``once`` exactly one, and no renewal of the token.
    Raises any UpstreamError; NotSent, OutcomeUnknown for writes only, UpstreamUnavailable,
    NotUnderstood for reads only.
    """
    started = time.monotonic()
    body = json.dumps({"command": command.name, "id": command_id, "param": param}).encode("ascii")
    secrets = _secrets(command, param)
    token = _current(command, tokens)
    is_renewed = False
    repeats: dict[Seen, int] = {}
    sends = 0
    while True:
        if on_request:
            on_request(command.name)
        sends += 1
        outcome = _send_once(command, url, token, body, deadline, [token, *secrets])
        if not isinstance(outcome, _Failure):
            return outcome
        error, seen = outcome.error, outcome.seen
        if once or sends >= _MOST_SENDS or seen is Seen.REFUSED or outcome.is_final:
            raise error
        if seen is Seen.TOKEN_REFUSED:
            if is_renewed:
                raise error
            token, is_renewed = _renew(command, tokens, token, error), True
            is_fresh = command.kind is not Kind.CREATE or time.monotonic() - started < FRESH_PRESS_SECONDS
            if not is_fresh or deadline.left() <= 0:
                raise _refused(command, error, "the sign-in had to be renewed; it was not sent again")
            continue
        repeats[seen] = repeats.get(seen, 0) + 1
        if repeats[seen] > _REPEATS[seen][command.kind]:
            raise error
        pause = _pause(sends)
        if isinstance(error, UpstreamBusy):
            pause = max(pause, error.retry_after_seconds)
        if pause >= deadline.left():
            raise error
        time.sleep(pause)


def _send_once(
    command: Command,
    url: str,
    token: str,
    body: bytes,
    deadline: transport.Deadline,
    secrets: list[str],
) -> tuple[wire.Envelope, int] | _Failure:
    # Exactly these two values: the reference allows no charset and no */*.
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": f"Bearer {token}",
        "Accept-Encoding": "gzip",
        "User-Agent": "gatehouse",
    }
    try:
        reply = transport.exchange(
            "POST",
            url,
            headers=headers,
            body=body,
            deadline=deadline,
            cap_bytes=command.cap_bytes,
            max_idle_seconds=_WRITE_IDLE_SECONDS if command.is_write else None,
        )
    except transport.NotExchanged as error:
        if command.is_write:
            problem: UpstreamError = NotSent(f"not sent: {error}", command=command.name)
        else:
            problem = UpstreamUnavailable(f"not sent: {error}", command=command.name, sent=False)
        return _Failure(Seen.NOT_SENT, problem, is_final=error.is_final)
    except transport.Interrupted as error:
        return _unclear(command, f"no whole answer: {error}", None)
    return _judge(command, reply, secrets)


def _judge(
    command: Command, reply: transport.Reply, secrets: list[str]
) -> tuple[wire.Envelope, int] | _Failure:
    status = reply.status
    if not (200 <= status < 300 or 400 <= status < 500):
        return _unclear(command, "no clear answer", status)
    if status >= 400:
        return _judge_refusal(command, reply, secrets)
    try:
        envelope = wire.read_envelope(reply.body, strict=command.is_write)
    except wire.NotEnvelope as error:
        if command.is_write:
            return _unclear(command, f"the answer cannot be read: {error}", status)
        return _Failure(
            Seen.UNCLEAR,
            NotUnderstood(f"the answer cannot be read: {error}", command=command.name, status=status),
        )
    if envelope.success:
        return envelope, status
    return _judge_refusal(command, reply, secrets)


def _judge_refusal(command: Command, reply: transport.Reply, secrets: list[str]) -> _Failure:
    name, status = command.name, reply.status
    code, words = (mask(text, secrets) for text in wire.read_refusal(reply.body))
    if status == 401:
        lost = SignInLost("the access token is refused", command=name, words=words, status=status)
        return _Failure(Seen.TOKEN_REFUSED, lost)
    if status == 429:
        wait = retry_after_seconds(reply.headers.get("Retry-After"))
        busy = UpstreamBusy("busy", command=name, words=words, status=status, retry_after_seconds=wait)
        return _Failure(Seen.BUSY, busy)
    no = UpstreamRejected("refused", command=name, words=words, status=status, code=code)
    return _Failure(Seen.REFUSED, no)


def _unclear(command: Command, reason: str, status: int | None) -> _Failure:
    if command.is_write:
        return _Failure(Seen.UNCLEAR, OutcomeUnknown(reason, command=command.name, status=status))
    return _Failure(Seen.UNCLEAR, UpstreamUnavailable(reason, command=command.name, status=status, sent=True))


def _current(command: Command, tokens: Tokens) -> str:
    """The token to begin with; trouble in fetching it is trouble before anything was sent."""
    try:
        return tokens.current()
    except (SignInLost, UpstreamBusy) as error:
        error.command = command.name
        raise
    except UpstreamError as trouble:
        reason = f"not sent: the sign-in could not be renewed: {trouble.reason}"
    if command.is_write:
        raise NotSent(reason, command=command.name)
    raise UpstreamUnavailable(reason, command=command.name, sent=False)


def _renew(command: Command, tokens: Tokens, refused: str, error: UpstreamError) -> str:
    """A token that differs from the refused one.

    A write whose renewal got no answer was refused all the same, by its 401: UpstreamRejected.
    """
    try:
        token = tokens.renew(refused)
    except SignInLost as lost:
        raise SignInLost(
            lost.reason or error.reason,
            command=command.name,
            words=lost.words or error.words,
            status=error.status,
        ) from None
    except UpstreamError as trouble:
        if not command.is_write:
            raise
        raise _refused(command, error, f"the sign-in could not be renewed: {trouble.reason}") from None
    if token == refused:
        raise SignInLost("the access token is refused", command=command.name, words=error.words, status=401)
    return token


def _refused(command: Command, error: UpstreamError, reason: str) -> UpstreamRejected:
    return UpstreamRejected(reason, command=command.name, words=error.words, status=error.status, code="401")


def retry_after_seconds(header: str | None) -> float:
    """The wait that a Retry-After header asks for, as seconds or as a date, between 0 and an hour."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT_SECONDS)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        wait = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return DEFAULT_WAIT_SECONDS
    return min(max(0.0, wait), LONGEST_WAIT_SECONDS)


def mask(text: str, secrets: list[str]) -> str:
    """The text without the secrets, which an upstream may repeat in what it says."""
    for secret in secrets:
        for spelling in {secret, quote(secret)}:
            if len(spelling) >= 4:
                text = text.replace(spelling, "●●●●")
    return text


def _secrets(command: Command, param: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name, value in param.items():
        if command.params[name].secret:
            found += list(value) if command.params[name].type is Shape.TEXTS else [str(value)]
    return found


def _pause(sends: int) -> float:
    """Seconds before the next sending: doubled each time, up to a limit, and spread by chance."""
    longest: float = min(_FIRST_PAUSE_SECONDS * 2 ** (sends - 1), _LONGEST_PAUSE_SECONDS)
    return _chance.uniform(longest / 2, longest)
