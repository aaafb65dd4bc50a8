"""Speaks OpenID Connect with the company's provider: finds its addresses, trades the code, believes what is signed.

Design decision: allauth's own calls trust whatever the token's address answers, know no nonce, and wait for each byte
anew. Here every call of one request shares one deadline, and a token counts only with its signature.
"""

import hashlib
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import jwt
import msgspec
from django.conf import settings

from portal.upstream import transport

# All calls of one request together: a provider that hangs holds a thread no longer.
DEADLINE_SECONDS = 6.0
# At most this many threads of one process wait for the provider at a time: the rest answer pages.
AT_ONCE = 4
# What the provider says of itself is asked for again after this time.
KEPT_SECONDS = 600.0
CAP_BYTES = 256_000
CLOCKS_DIFFER_SECONDS = 60
# Signed with the provider's own key; never with the client's secret, and never with nothing.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
WELL_KNOWN = "/.well-known/openid-configuration"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
Shape = TypeVar("Shape")
_places = threading.BoundedSemaphore(AT_ONCE)


class Refused(Exception):
    """Nobody is signed in. ``why`` is a word of portal.accounts.views.openid, ``email`` the address that was proven."""

    def __init__(self, why: str, email: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.email = email


@dataclass(frozen=True)
class Proven:
    """What the provider vouches for: its own name for a person, and their verified address in lower case."""

    subject: str
    email: str


class Endpoints(msgspec.Struct, frozen=True):
    """Where the provider is asked what."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct):
    id_token: str
    access_token: str = ""


class _Refusal(msgspec.Struct):
    error: str = ""


class _Claims(msgspec.Struct):
    """Of a token's claims what is used. Whatever is no boolean does not count as verified."""

    sub: str
    email: str | None = None
    email_verified: Any = None


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


@dataclass
class _Kept:
    """What a process remembers of a provider."""

    endpoints: Endpoints
    until: float
    keys: list[dict[str, Any]] | None = None


_kept: dict[str, _Kept] = {}


def is_configured() -> bool:
    """Whether people may sign in by it at all."""
    return bool(settings.OIDC_ISSUER)


@contextmanager
def place() -> Iterator[None]:
    """One of the few places in which a thread may wait for the provider; raises Refused where all are taken."""
    if not _places.acquire(blocking=False):
        raise Refused("busy")
    try:
        yield
    finally:
        _places.release()


def nonce_for(verifier: str) -> str:
    """What the token must hold: made from the sign-in's own secret, which stays in the session."""
    digest = hashlib.sha256(f"nonce|{verifier}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class Conversation:
    """The calls of one request to the provider, under one deadline. Every method may raise Refused."""

    def __init__(self) -> None:
        self.deadline = transport.Deadline(DEADLINE_SECONDS)

    def endpoints(self) -> Endpoints:
        """What the provider says of itself; remembered for a while. Costs one call at first."""
        issuer = settings.OIDC_ISSUER
        kept = _kept.get(issuer)
        if kept is None or kept.until < time.monotonic():
            found = self._read(self._get(issuer.rstrip("/") + WELL_KNOWN), Endpoints)
            if found.issuer.rstrip("/") != issuer.rstrip("/"):
                raise Refused("untrusted")
            addresses = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            for address in filter(None, (*addresses, found.userinfo_endpoint)):
                _check_address(address)
            kept = _kept[issuer] = _Kept(found, time.monotonic() + KEPT_SECONDS)
        return kept.endpoints

    def trade(self, code: str, verifier: str, return_url: str) -> Proven:
        """What the provider vouches for to whoever brought this code; it works once. Two to four calls."""
        tokens = self._trade(code, verifier, return_url)
        claims = self._verified(tokens.id_token, nonce_for(verifier))
        said = claims
        if (claims.email is None or claims.email_verified is None) and self.endpoints().userinfo_endpoint:
            said = self._ask_who(tokens.access_token)
            if said.sub != claims.sub:
                raise Refused("untrusted")
        if not claims.sub or len(claims.sub) > 190 or not claims.sub.isprintable():
            raise Refused("not_understood")
        return Proven(claims.sub, _checked_email(said))

    def _trade(self, code: str, verifier: str, return_url: str) -> _Tokens:
        endpoints = self.endpoints()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_url,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if "client_secret_post" in endpoints.token_endpoint_auth_methods_supported:
            form |= {"client_id": settings.OIDC_CLIENT_ID, "client_secret": settings.OIDC_CLIENT_SECRET}
        else:
            headers["Authorization"] = _basic(settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
        reply = self._exchange("POST", endpoints.token_endpoint, headers, urlencode(form).encode())
        if 400 <= reply.status < 500:
            try:
                error = msgspec.json.decode(reply.body, type=_Refusal).error
            except (msgspec.MsgspecError, ValueError, RecursionError):
                error = ""
            # The code was used or is too old; anything else is about us, and not about the person.
            raise Refused("code" if error == "invalid_grant" else "settings")
        return self._read(reply, _Tokens)

    def _verified(self, token: str, nonce: str) -> _Claims:
        """The claims of a token that the provider signed for us, now, for this very sign-in."""
        endpoints = self.endpoints()
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise Refused("untrusted")
            claims = jwt.decode(
                token,
                key=self._key(header.get("kid"), algorithm),
                algorithms=[algorithm],
                audience=settings.OIDC_CLIENT_ID,
                issuer=endpoints.issuer,
                leeway=CLOCKS_DIFFER_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            claims = {}
        audience = claims.get("aud")
        is_for_others = isinstance(audience, list) and len(audience) > 1
        party = claims.get("azp", None if is_for_others else settings.OIDC_CLIENT_ID)
        if not claims or claims.get("nonce") != nonce or party != settings.OIDC_CLIENT_ID:
            raise Refused("untrusted")
        try:
            return msgspec.convert(claims, _Claims)
        except msgspec.MsgspecError:
            raise Refused("not_understood") from None

    def _key(self, name: Any, algorithm: str) -> Any:
        """The provider's key of that name, looked for anew where it is not known."""
        kept = _kept[settings.OIDC_ISSUER]
        for is_known in (kept.keys is not None, False):
            if not is_known:
                kept.keys = self._read(self._get(kept.endpoints.jwks_uri), _Keys).keys
            fitting = [key for key in kept.keys or () if key.get("use", "sig") == "sig"]
            found = [key for key in fitting if key.get("kid") == name] if name else fitting
            if len(found) == 1:
                return jwt.PyJWK.from_dict(found[0], algorithm).key
            if not is_known:
                break
        raise Refused("untrusted")

    def _ask_who(self, access_token: str) -> _Claims:
        if not (access_token.isascii() and access_token.isprintable()):
            raise Refused("not_understood")
        headers = {"Authorization": f"Bearer {access_token}"}
        return self._read(self._get(self.endpoints().userinfo_endpoint, headers), _Claims)

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> transport.Reply:
        return self._exchange("GET", url, headers or {})

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> transport.Reply:
        _check_address(url)
        try:
            reply = transport.exchange(
                method,
                url,
                headers={"Accept": "application/json", "User-Agent": "gatehouse", **headers},
                body=body,
                deadline=self.deadline,
                cap_bytes=CAP_BYTES,
                max_idle_seconds=1.0,
            )
        except transport.Interrupted as error:
            raise Refused("not_understood" if error.too_large else "unavailable") from None
        except transport.NotExchanged:
            raise Refused("unavailable") from None
        if reply.status >= 500 or reply.status == 429:
            raise Refused("unavailable")
        return reply

    def _read(self, reply: transport.Reply, shape: type[Shape]) -> Shape:
        if reply.status != 200:
            raise Refused("not_understood")
        try:
            return msgspec.json.decode(reply.body, type=shape)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise Refused("not_understood") from None


def _checked_email(claims: _Claims) -> str:
    """The address in lower case; raises Refused unless the provider says, as a boolean, that it was verified.

    Other scripts are refused: a letter that only looks like another one becomes it in lower case.
    """
    email = (claims.email or "").strip()
    if not email or not email.isascii() or not email.isprintable() or email.count("@") != 1:
        raise Refused("no_address")
    if claims.email_verified is not True:
        raise Refused("unverified")
    return email.lower()


def _check_address(url: str) -> None:
    """Plain http leads to this machine only, and in production nowhere."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused("untrusted") from None
    is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK and not settings.IS_PRODUCTION
    if parts.scheme != "https" and not is_local:
        raise Refused("untrusted")


def _basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()
