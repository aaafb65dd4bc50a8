"""How an answer leaves, in good order or as a fault would have it."""

import functools
import json
import os
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from . import pictures
from .answers import Answer, page, refusal
from .faults import Fault
from .wire import Refused

BOMB_MEGABYTES = 300
HUGE_MEGABYTES = 2_000
TRAP_PATH = "/_simulator/trap"


def send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Headers and body in one write, so that one packet carries a small answer."""
    handler.wfile.write(_head(handler, answer, len(answer.body)) + _payload(handler, answer))


def send_with_fault(
    handler: BaseHTTPRequestHandler,
    fault: Fault,
    answer: Answer,
    command: str,
    closed: threading.Event,
    note_status: Callable[[int | None], None],
) -> None:
    """Answer as the fault would have it. Long waits end when ``closed`` is set.

    ``answer`` is what would have been said without it. ``note_status`` is told the status that will be sent, None
    where none will, before the first byte: whoever has the answer finds it in the journal.
    """
    kind = fault.kind
    if kind in ("reset_before", "reset_after", "hang"):
        note_status(None)
        if kind == "hang":
            _wait_for_the_caller(handler, closed, fault.seconds or 120)
        reset(handler)
    elif kind in ("drip", "drip_headers"):
        note_status(answer.status)
        _drip(handler, answer, fault, closed)
    elif kind == "huge":
        note_status(200)
        _huge(handler, closed)
    elif kind == "cut":
        note_status(answer.status)
        handler.close_connection = True
        handler.wfile.write(_head(handler, answer, len(answer.body)) + answer.body[: len(answer.body) // 2])
    else:
        changed = _changed(handler, fault, answer, command)
        note_status(changed.status)
        send(handler, changed)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """End the connection by RST, with nothing more said."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Detached first, or the server would shut it down in order, and that sends FIN before RST.
    os.close(handler.connection.detach())


def _changed(handler: BaseHTTPRequestHandler, fault: Fault, answer: Answer, command: str) -> Answer:
    kind, status, words = fault.kind, fault.status, fault.words
    server: Any = handler.server
    world = server.world
    if kind == "status":
        return page(status or 500, words or "The gateway has no answer")
    if kind == "unauthorized":
        error = Refused(fault.code or "token_expired", words or "The access token has expired", 401)
        return refusal(error, world.now(), seed=world.settings.seed, command="", shape=fault.shape or 0)
    if kind == "refuse":
        error = Refused(fault.code or "refused", words or "The upstream refuses", status or 400)
        seed = world.settings.seed
        told = refusal(error, world.now(), seed=seed, command=command, shape=fault.shape)
        told.status = status or told.status
        return told
    if kind == "busy":
        error = Refused("too_many_requests", words or "Too many requests", 429)
        told = refusal(error, world.now(), seed=world.settings.seed, command="", shape=fault.shape or 0)
        told.headers["Retry-After"] = f"{fault.seconds or 2:g}"
        return told
    if kind == "redirect":
        told = page(status or 302, "Moved")
        told.headers["Location"] = fault.location or TRAP_PATH
        return told
    if kind == "truncated":
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.content_type)
    if kind == "wrong_type" and answer.content_type == "application/json":
        return Answer(answer.status, _of_another_type(answer.body))
    if kind == "gzip_bomb":
        return Answer(200, bomb(), answer.content_type, {"Content-Encoding": "gzip"})
    if kind == "empty":
        return Answer(status or 200, b"", answer.content_type)
    if kind == "html":
        told = page(status or 200, words or "Sign in to the guest network")
        # A picture that is HTML is called a picture.
        return Answer(
            told.status, told.body, "image/jpeg" if fault.command == "pictures" else told.content_type
        )
    if kind == "body":
        return Answer(status or 200, fault.body.encode("utf-8", "surrogateescape"), fault.content_type)
    if kind == "svg":
        drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        return Answer(200, drawing, "image/svg+xml")
    if kind == "pixel_flood":
        return Answer(200, _flood(), "image/png")
    if kind == "animated":
        return Answer(200, pictures.moving(), "image/webp")
    if kind == "not_a_picture":
        # The first bytes of one, and then anything.
        return Answer(
            200, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"<script>alert(1)</script>" * 40, "image/jpeg"
        )
    return answer


def _of_another_type(body: bytes) -> bytes:
    """The same envelope with a list where an object should be, an object for a list, a number in a text."""
    told = json.loads(body)
    result = told.get("result")
    if isinstance(result, list):
        told["result"] = {"items": result}
    elif result:
        told["result"] = {name: [value] for name, value in result.items()}
    else:
        told["success"] = "true"
        told["result"] = "done"
    return json.dumps(told, ensure_ascii=False).encode()


def _drip(handler: BaseHTTPRequestHandler, answer: Answer, fault: Fault, closed: threading.Event) -> None:
    """A byte at a time: the body after its headers, or everything from the first byte."""
    handler.close_connection = True
    head = _head(handler, answer, len(answer.body))
    rest = answer.body
    if fault.kind == "drip":
        handler.wfile.write(head)
    else:
        rest = head + answer.body
    for place in range(len(rest)):
        handler.wfile.write(rest[place : place + 1])
        if closed.wait(fault.seconds or 0.2):
            reset(handler)
            return


def _huge(handler: BaseHTTPRequestHandler, closed: threading.Event) -> None:
    """A body that does not end before the caller has had enough, or two gigabytes have gone."""
    handler.close_connection = True
    answer = Answer(200, b"")
    handler.wfile.write(_head(handler, answer, None) + b'{"success":true,"timestamp":1,"result":"')
    block = b"a" * 65_536
    for _ in range(HUGE_MEGABYTES * 16):
        if closed.is_set():
            break
        handler.wfile.write(block)


def _wait_for_the_caller(handler: BaseHTTPRequestHandler, closed: threading.Event, seconds: float) -> None:
    """Say nothing until the caller goes away, the time is over, or the world is another."""
    handler.connection.settimeout(0.1)
    for _ in range(int(seconds * 10)):
        if closed.is_set():
            return
        try:
            if not handler.connection.recv(1, socket.MSG_PEEK):
                return
            closed.wait(0.1)
        except TimeoutError:
            continue


@functools.lru_cache(maxsize=1)
def bomb() -> bytes:
    """A small body that becomes 300 MB; made once, which takes a second."""
    packer = zlib.compressobj(9, wbits=31)
    block = b"0" * 1_000_000
    parts = [packer.compress(b'{"success":true,"timestamp":1,"result":"')]
    parts.extend(packer.compress(block) for _ in range(BOMB_MEGABYTES))
    parts.append(packer.compress(b'"}'))
    parts.append(packer.flush())
    return b"".join(parts)


@functools.lru_cache(maxsize=1)
def _flood() -> bytes:
    """A PNG of a few kilobytes that says it is 50,000 pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 2_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _head(handler: BaseHTTPRequestHandler, answer: Answer, length: int | None) -> bytes:
    # Assumption: load balancers set cookies, and a caller that keeps them mixes up its accounts. The journal says
    # who sends one back. To check: look at the headers of the real upstream.
    headers = {
        "Server": "openresty",
        "Date": handler.date_time_string(),
        "Content-Type": answer.content_type,
        "Set-Cookie": "route=simulator; Path=/; HttpOnly",
        **answer.headers,
    }
    if length is not None:
        headers["Content-Length"] = str(length)
    if handler.close_connection:
        headers["Connection"] = "close"
    phrase, _ = handler.responses.get(answer.status, ("Trouble", ""))
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _payload(handler: BaseHTTPRequestHandler, answer: Answer) -> bytes:
    return b"" if handler.command == "HEAD" else answer.body
