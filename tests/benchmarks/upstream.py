"""An upstream that costs next to nothing: answers made beforehand, each given after exactly the same while.

``python -m tests.benchmarks.upstream SECONDS ROWS``; prints its port. The simulator would be the bottleneck of a
fan-out: it thinks about each answer. Ends when its standard input does.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tests.benchmarks.histories import HISTORY_COMMAND, envelope, opening_rows

ENDS = datetime.now(UTC).replace(microsecond=0)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


def main() -> None:
    seconds, rows = float(sys.argv[1]), int(sys.argv[2])
    asyncio.run(_serve(seconds, rows))


async def _serve(seconds: float, rows: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(seconds, rows), "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class _Conversation(asyncio.Protocol):
    """One kept-alive connection, on which a caller asks one thing after the other."""

    def __init__(self, seconds: float, rows: int) -> None:
        self._seconds, self._rows = seconds, rows
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = b""
        asked = json.loads(body)
        answer = _answer(asked["command"], asked["param"]["residence_id"], self._rows)
        asyncio.get_running_loop().call_later(self._seconds, self._transport.write, answer)


@cache
def _answer(command: str, residence_id: str, rows: int) -> bytes:
    number = int(residence_id[1:], 16)
    result: Any
    if command == HISTORY_COMMAND:
        result = opening_rows(rows, ends=ENDS, family=number)
    elif command == "get_family_info":
        members = [_member(number, place) for place in range(4)]
        result = {"family_name": f"Family {number}", "online": True, "installed": True, "accounts": members}
    else:
        result = [_device(number, place) for place in range(2)]
    body = envelope(result)
    return HEAD + str(len(body)).encode() + b"\r\n\r\n" + body


def _member(family: int, place: int) -> dict[str, str]:
    return {
        "account_id": f"u{family:020x}{place:08x}",
        "account_name": f"person{place}.{family}@household.example",
        "first_name": "Inês",
        "last_name": f"Núñez {place}",
        "email": f"person{place}.{family}@household.example",
        "auth": "admin" if place == 0 else "guest",
    }


def _device(family: int, place: int) -> dict[str, Any]:
    return {
        "mac": f"{family * 2 + place:012X}",
        "device_name": f"Door {place}",
        "device_type": "Single-tenant Doorphone",
        "sip": f"{family}{place}",
        "online": True,
        "is_public": False,
        "relays": [{"relay_id": f"relay{place}", "door_name": "Door", "relay_name": "Door"}],
        "security_relays": [],
    }


if __name__ == "__main__":
    main()
