"""The gate that the threads of a round pass before each call: shut while a failure is being judged, and at the end."""

import threading


class Gate:
    """Threads ``pass_through`` it; whoever failed ``shut``s it until the main thread has ``judged`` what that means.

    So no call begins between a failure and what follows from it. After ``end`` nobody passes any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unjudged = 0
        self._open = threading.Event()
        self._open.set()
        self.is_over = False

    def pass_through(self, longest_wait_seconds: float) -> bool:
        """Wait until it is open; whether a call may begin."""
        self._open.wait(longest_wait_seconds)
        return not self.is_over

    def shut(self) -> None:
        """A call failed."""
        with self._lock:
            self._unjudged += 1
            self._open.clear()

    def judged(self) -> None:
        """One failure was judged."""
        with self._lock:
            self._unjudged -= 1
            if not self._unjudged:
                self._open.set()

    def end(self) -> None:
        """Let nobody begin a call any more, and nobody wait."""
        self.is_over = True
        self._open.set()
