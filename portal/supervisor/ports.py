"""Which TCP ports of this machine are free."""

import socket

from portal.supervisor.trouble import Trouble

HIGHEST = 65535


def parse_port(text: str) -> int:
    """The port that the text names; raises Trouble when it names none."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= HIGHEST:
        raise Trouble(f"“{text}” is not a port: a number from 1 to {HIGHEST}")
    return int(text)


def why_not(host: str, port: int) -> str:
    """Why nobody can listen there, in a word or two; empty where one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            # As servers do: a connection that has just been closed does not occupy the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except PermissionError:
        return "not permitted"
    except OverflowError:
        return "no port"
    except OSError as error:
        return "taken" if error.errno == 98 or "in use" in str(error) else str(error.strerror or error)
    return ""


def next_free(host: str, first: int) -> int:
    """The first free port from ``first`` on; raises Trouble when there is none among a hundred."""
    for port in range(first, min(first + 100, HIGHEST + 1)):
        if not why_not(host, port):
            return port
    raise Trouble(f"no port from {first} to {min(first + 99, HIGHEST)} is free")
