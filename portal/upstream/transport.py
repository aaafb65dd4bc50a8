"""One HTTP exchange under a hard deadline, that knows whether a byte of the request left the process.

`requests` alone cannot tell a stalled handshake from a stalled answer, and its time-outs are no
deadlines: a body that drips holds a call for ever. So each connect, handshake, send and receive
gets what is left of the one deadline, and the connection itself notes the moment of sending.
"""

import contextvars
import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from portal.upstream import networks
from portal.upstream.resolving import resolve

# What headers, chunk sizes and packing may add to a body that is itself within its cap.
_WIRE_ALLOWANCE_BYTES = 1_000_000
_SEND_PIECE_BYTES = 16_384


class Deadline:
    """The moment at which a call must be over, retries included."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left, negative when it has passed."""
        return self.ends - time.monotonic()

    def remaining(self) -> float:
        """The seconds that are left; raises TimeoutError when there are none."""
        left = self.left()
        if left <= 0:
            raise TimeoutError("time-out")
        return left


class NotExchanged(Exception):
    """No byte of the request left the process; the text says why, without any of its contents.

    ``is_final`` tells that trying again would end the same.
    """

    def __init__(self, reason: str = "", *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Interrupted(Exception):
    """The request was sent, wholly or in part, and no whole answer came.

    ``too_large`` tells that an answer was coming and passed the cap.
    """

    def __init__(self, reason: str = "", *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class AddressRefused(NotExchanged):
    """The name leads to an address that is not permitted; nothing was connected to."""


@dataclass(frozen=True)
class Reply:
    """A whole answer: the status, the headers (names in any case) and the body, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    deadline: Deadline,
    cap_bytes: int,
    max_idle_seconds: float | None = None,
    permit: Callable[[str], bool] | None = None,
) -> Reply:
    """Send one request once and return the whole answer, whatever its status; no redirect is followed.

    ``max_idle_seconds`` is how long a kept connection may have been idle to be used again (None: any
    time; 0: never): one that the other side closed as we send cannot be told from a lost answer.
    ``permit``, and the rule of the process in ``networks``, are asked about each address the name resolves to,
    before a connection to that very address is opened.
    Raises NotExchanged, Interrupted or AddressRefused, none of which holds a header or a body.
    """
    problem = _refuse_address(url)
    if problem:
        raise NotExchanged(problem, is_final=True)
    call = _Exchange(deadline, cap_bytes, max_idle_seconds, permit)
    token = _exchange.set(call)
    try:
        return _send(method, url, headers, body, call)
    except (requests.RequestException, HTTPError, OSError, http.client.HTTPException, ValueError) as error:
        problem = _describe(error)
        is_final = isinstance(error, ValueError)  # a header or an address that cannot be written
    finally:
        _exchange.reset(token)
    # Raised out here, so that no exception keeps the request, and with it the token, as its context.
    if call.refused:
        raise AddressRefused(call.refused, is_final=True)
    if call.sent:
        raise Interrupted(problem, too_large=call.too_large)
    raise NotExchanged(problem, is_final=is_final)


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, call: "_Exchange") -> Reply:
    answer = _session().request(
        method,
        url,
        data=body,
        headers=headers,
        stream=True,
        allow_redirects=False,
        timeout=call.deadline.remaining(),
    )
    with answer:
        whole = bytearray()
        for part in answer.raw.stream(65_536, decode_content=True):
            whole += part
            call.deadline.remaining()
            if len(whole) > call.cap_bytes:
                call.too_large = True
                raise OSError(f"the answer is larger than {call.cap_bytes} bytes")
        return Reply(answer.status_code, answer.headers, whole)


class _Exchange:
    """What one exchange may take, and what became of it."""

    def __init__(
        self,
        deadline: Deadline,
        cap_bytes: int,
        max_idle_seconds: float | None,
        permit: Callable[[str], bool] | None,
    ) -> None:
        self.deadline = deadline
        self.cap_bytes = cap_bytes
        self.max_idle_seconds = max_idle_seconds
        self.permit = permit
        self.wire_bytes_left = cap_bytes + _WIRE_ALLOWANCE_BYTES
        self.too_large = False
        self.refused = ""
        self.sent = False

    def permits(self, host: str, address: str) -> bool:
        """Whether ``host`` may be connected to at this address."""
        return networks.is_permitted(host, address) and (self.permit is None or self.permit(address))


_exchange: contextvars.ContextVar[_Exchange] = contextvars.ContextVar("exchange")


class _TimedRaw(io.RawIOBase):
    """A socket's reader that never waits past the deadline, however the bytes drip.

    It counts them too: header lines, chunk sizes and trailers come before any cap on the body.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        call = _exchange.get()
        self._sock.settimeout(call.deadline.remaining())
        count: int | None = self._raw.readinto(buffer)
        call.wire_bytes_left -= count or 0
        if call.wire_bytes_left < 0:
            call.too_large = True
            raise OSError("the answer is larger than its cap")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: Any = io.BufferedReader(_TimedRaw(self.fp.detach(), sock))


class _Recorded(HTTPConnection):
    """A connection under the deadline from the name's resolution on, that notes the moment of sending."""

    response_class = _TimedResponse
    idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        call = _exchange.get()
        problem: Exception | None = None
        try:
            found = resolve(self._dns_host, self.port or self.default_port, call.deadline.remaining())
            if not all(call.permits(self._dns_host, str(address[0])) for *_, address in found):
                call.refused = "the name leads to an address that is not permitted"
                raise OSError(call.refused)
            for family, kind, proto, _, address in found:
                sock = socket.socket(family, kind, proto)
                try:
                    for option in self.socket_options or ():
                        sock.setsockopt(*option)
                    sock.settimeout(call.deadline.remaining())
                    sock.connect(address)
                    # One limit for the whole handshake: the C code counts it down itself.
                    sock.settimeout(call.deadline.remaining())
                except OSError as error:
                    sock.close()
                    problem = error
                else:
                    return sock
        except OSError as error:
            problem = error
        raise NewConnectionError(self, _describe(problem)) from problem

    def send(self, data: Any) -> None:
        call = _exchange.get()
        if self.sock is None:
            self.connect()
        pieces = [data]
        if isinstance(data, bytes):
            # A TLS socket gives each record the whole time-out anew, so what is left is set for each.
            pieces = [data[at : at + _SEND_PIECE_BYTES] for at in range(0, len(data), _SEND_PIECE_BYTES)]
        for piece in pieces:
            self.sock.settimeout(call.deadline.remaining())
            call.sent = True
            super().send(piece)


class _Plain(_Recorded):
    pass


class _Encrypted(_Recorded, HTTPSConnection):
    pass


class _FreshEnough(HTTPConnectionPool):
    """A pool that opens anew a connection idle for longer than the exchange allows."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        longest = _exchange.get().max_idle_seconds
        if longest is not None and time.monotonic() - connection.idle_since >= longest:
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)


class _PlainPool(_FreshEnough):
    ConnectionCls = _Plain


class _EncryptedPool(_FreshEnough, HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        # Reading the authorities takes 20 ms, and a write often needs a fresh connection: once is enough.
        context = create_urllib3_context()
        context.load_verify_locations(certifi.where())
        super().init_poolmanager(*args, **kwargs, ssl_context=context)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Verification is always on, by the context of this adapter."""
        conn.cert_reqs = "CERT_REQUIRED"


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: even with redirects off, requests reads a redirect's whole body, past any cap."""
        return None


def _new_session() -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.headers.clear()
    # One account's cookie must never go out with another's token.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=16, pool_maxsize=64)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


_sessions: dict[int, requests.Session] = {}


def _session() -> requests.Session:
    """The session of this process: connections made before a fork are never shared after it."""
    mine = os.getpid()
    if mine not in _sessions:
        # Two threads may both come here first; setdefault keeps one of the two.
        return _sessions.setdefault(mine, _new_session())
    return _sessions[mine]


def _refuse_address(url: str) -> str:
    """Why nothing can be sent to the address; "" where it can.

    A user in the address would make requests put it in the place of the bearer token.
    """
    try:
        parts = parse_url(url)
    except (HTTPError, ValueError):
        return "the address cannot be read"
    if parts.scheme not in ("http", "https") or not parts.host:
        return "the address is not an http or https address"
    if parts.auth is not None or "@" in (parts.netloc or ""):
        return "the address holds a user name"
    return ""


def _describe(error: BaseException | None) -> str:
    """The error in a few words, made of what the system and TLS say and of nothing we sent.

    The text of other errors is not used: the one about a malformed header quotes the header.
    """
    seen: set[int] = set()
    first = error
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate is not accepted: {error.verify_message}"
        if isinstance(error, TimeoutError):
            return "time-out"
        if isinstance(error, socket.gaierror):
            return "the name cannot be resolved"
        if isinstance(error, ssl.SSLError):
            return "the TLS connection failed"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
        if type(error) is OSError and error.args:
            return str(error.args[0])
        inner = getattr(error, "reason", None) or next(
            (one for one in reversed(error.args) if isinstance(one, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return type(first).__name__
