"""Signing in to the upstream: OAuth by password, by authorization code, and by refresh token."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec

from portal.upstream import transport, wire
from portal.upstream.errors import (
    NotSent,
    NotUnderstood,
    UpstreamBusy,
    UpstreamRejected,
    UpstreamUnavailable,
)
from portal.upstream.sending import mask, retry_after_seconds

TOKEN_PATH = "/api/v1.0/invoke/open-ability/method/oauth2/token"  # noqa: S105 - an address
CONSENT_PATH = "/api/v1.0/invoke/open-ability/method/oauth2/auth"
_DEADLINE_SECONDS = 8.0
_CAP_BYTES = 1_000_000
_PAUSE_SECONDS = 0.3
_SECRET_FIELDS = ("password", "client_secret", "code", "refresh_token")
_NAME = "oauth2/token"


@dataclass(frozen=True)
class TokenSet:
    """What a sign-in brings; the refresh token is "" and the seconds None where the upstream gave none."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_seconds: int | None


class _Tokens(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: int | str | float | None = None


_tokens = msgspec.json.Decoder(_Tokens)


def sign_in_with_password(
    base_url: str,
    *,
    username: str,
    password: str,
    client_id: str,
    client_secret: str,
    deadline_seconds: float = _DEADLINE_SECONDS,
) -> TokenSet:
    """Sign an account in by its password; raises as `refresh` does."""
    form = {
        "grant_type": "password",
        "username": username,
        "password": password,
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": "user",
    }
    return _ask(base_url, form, deadline_seconds)


def sign_in_with_code(
    base_url: str,
    *,
    code: str,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    deadline_seconds: float = _DEADLINE_SECONDS,
) -> TokenSet:
    """Turn the code that the browser brought back into tokens, once; raises as `refresh` does."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "client_secret": client_secret,
        "redirect_uri": redirect_uri,
    }
    return _ask(base_url, form, deadline_seconds)


def refresh(
    base_url: str,
    *,
    refresh_token: str,
    client_id: str,
    client_secret: str,
    deadline_seconds: float = _DEADLINE_SECONDS,
) -> TokenSet:
    """New tokens for a refresh token, which the upstream may count as used up from then on.

    Raises UpstreamRejected when the upstream says no (then somebody has to sign in again), NotSent,
    UpstreamBusy, UpstreamUnavailable when no answer came, and NotUnderstood. Costs one upstream
    call: only what was not sent is sent again, because a code or a refresh token may work once.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": client_id,
        "client_secret": client_secret,
    }
    return _ask(base_url, form, deadline_seconds)


def authorization_url(base_url: str, *, client_id: str, redirect_uri: str, state: str) -> str:
    """Where to send the browser to be asked for consent; it comes back with ``state`` and a code."""
    query = {
        "scope": "user",
        "state": state,
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
    }
    return f"{base_url.rstrip('/')}{CONSENT_PATH}?{urlencode(query)}"


def _ask(base_url: str, form: Mapping[str, str], deadline_seconds: float) -> TokenSet:
    deadline = transport.Deadline(deadline_seconds)
    try:
        body = urlencode(form).encode("ascii")
    except UnicodeEncodeError:
        body = b""
    if not body:
        # Raised out here: the error's own text would hold the password.
        raise NotSent("not sent: a value holds a character that cannot be sent", command=_NAME)
    return _judge(_send(base_url.rstrip("/") + TOKEN_PATH, body, deadline), form)


def _send(url: str, body: bytes, deadline: transport.Deadline) -> transport.Reply:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": "gatehouse",
    }
    while True:
        try:
            return transport.exchange(
                "POST",
                url,
                headers=headers,
                body=body,
                deadline=deadline,
                cap_bytes=_CAP_BYTES,
                max_idle_seconds=1.0,
            )
        except transport.NotExchanged as error:
            if deadline.left() <= _PAUSE_SECONDS or error.is_final:
                raise NotSent(f"not sent: {error}", command=_NAME) from None
        except transport.Interrupted as error:
            raise UpstreamUnavailable(f"no whole answer: {error}", command=_NAME, sent=True) from None
        time.sleep(_PAUSE_SECONDS)


def _judge(reply: transport.Reply, form: Mapping[str, str]) -> TokenSet:
    status = reply.status
    if not (200 <= status < 300 or 400 <= status < 500):
        raise UpstreamUnavailable("no clear answer", command=_NAME, status=status, sent=True)
    if status >= 400:
        _refuse(reply, form)
    try:
        envelope = wire.read_envelope(reply.body, strict=True)
    except wire.NotEnvelope as error:
        raise NotUnderstood(f"the answer cannot be read: {error}", command=_NAME, status=status) from None
    if not envelope.success:
        _refuse(reply, form)
    try:
        found = _tokens.decode(envelope.result)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = None
    if found is None or not _fits_a_header(found.access_token):
        raise NotUnderstood("the answer holds no access token", command=_NAME, status=status)
    return TokenSet(found.access_token, found.refresh_token or "", _seconds(found.expires_in))


def _refuse(reply: transport.Reply, form: Mapping[str, str]) -> None:
    secrets = [form[name] for name in _SECRET_FIELDS if name in form]
    code, words = (mask(text, secrets) for text in wire.read_refusal(reply.body))
    if reply.status == 429:
        wait = retry_after_seconds(reply.headers.get("Retry-After"))
        raise UpstreamBusy("busy", command=_NAME, words=words, status=429, retry_after_seconds=wait)
    raise UpstreamRejected(
        "the sign-in is refused", command=_NAME, words=words, status=reply.status, code=code
    )


def _fits_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _seconds(value: int | str | float | None) -> int | None:
    try:
        seconds = int(float(value)) if value is not None else None
    except (ValueError, OverflowError):
        return None
    # Ten years is no lifetime of a token, and far more is no date.
    return seconds if seconds is not None and 0 <= seconds <= 315_360_000 else None
