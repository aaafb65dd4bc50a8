"""Small servers on raw sockets that answer exactly what a test says, well or badly."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Step = bytes | Callable[[socket.socket], None]


@dataclass
class Request:
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Peer:
    """Answers its n-th request with the n-th step, and with the last one from then on."""

    steps: list[Step]
    wrap: Callable[[socket.socket], socket.socket] | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._stopped.set()
        self.listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            if self.wrap:
                sock = self.wrap(sock)
                stack.callback(sock.close)
            with sock.makefile("rb") as stream:
                while (request := _read_request(stream)) is not None:
                    with self._lock:
                        number = len(self.requests)
                        self.requests.append(request)
                    step = self.steps[min(number, len(self.steps) - 1)]
                    if isinstance(step, bytes):
                        sock.sendall(step)
                    else:
                        step(sock)


def _read_request(stream: Any) -> Request | None:
    line = stream.readline().decode("latin-1").strip()
    if not line:
        return None
    headers = []
    while (text := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = text.partition(": ")
        headers.append((name, value))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(line, headers, stream.read(length))


def reply(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def success(result: Any = None, status: int = 200, **headers: str) -> bytes:
    body = {"success": True, "timestamp": 1540869200562, "result": {} if result is None else result}
    return reply(json.dumps(body), status, **headers)


def refusal(status: int = 200, **fields: Any) -> bytes:
    return reply(json.dumps({"success": False, "timestamp": 1, **fields}), status)


def drip(data: bytes, *, every_seconds: float = 0.1, start: bytes = b"") -> Callable[[socket.socket], None]:
    def step(sock: socket.socket) -> None:
        sock.sendall(start)
        for at in range(len(data)):
            sock.sendall(data[at : at + 1])
            time.sleep(every_seconds)

    return step


def hang(seconds: float = 30.0) -> Callable[[socket.socket], None]:
    def step(sock: socket.socket) -> None:
        sock.settimeout(seconds)
        sock.recv(1)  # until the client gives up, or the test is over

    return step


def late(seconds: float, then: bytes) -> Callable[[socket.socket], None]:
    def step(sock: socket.socket) -> None:
        time.sleep(seconds)
        sock.sendall(then)

    return step


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise OSError("reset")


def cut(data: bytes) -> Callable[[socket.socket], None]:
    """Sends some of an answer and closes."""

    def step(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        raise OSError("cut")

    return step


def stream(start: bytes, pieces: Iterable[bytes]) -> Callable[[socket.socket], None]:
    def step(sock: socket.socket) -> None:
        sock.sendall(start)
        for piece in pieces:
            sock.sendall(piece)

    return step
