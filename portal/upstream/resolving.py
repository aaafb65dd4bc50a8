"""Names turned to addresses within a deadline."""

import queue
import socket
import threading
import time
from typing import Any

# A resolver that hangs keeps its thread for as long as the C library waits; this many may hang at once.
_THREADS = threading.BoundedSemaphore(64)


def resolve(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """What getaddrinfo says within the seconds: it cannot be interrupted, so it is waited for elsewhere."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name, not an address
    ends = time.monotonic() + seconds
    if not _THREADS.acquire(timeout=seconds):
        raise TimeoutError("time-out in name resolution")
    answer: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # handed to the thread that waits
            answer.put(error)
        finally:
            _THREADS.release()

    threading.Thread(target=look, daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=max(0.0, ends - time.monotonic()))
    except queue.Empty:
        raise TimeoutError("time-out in name resolution") from None
    if isinstance(found, Exception):
        raise found if isinstance(found, OSError) else OSError("the name cannot be resolved")
    return found
