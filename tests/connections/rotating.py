"""Doing something all the time while keys rotate and retire."""

import threading
from collections.abc import Callable

from django.db import connections

from tests.consoles import run

THREADS = 3


def while_keys_rotate(work: Callable[[], object], *, times: int) -> tuple[int, list[BaseException]]:
    """How often ``work`` was done by a few threads while keys were rotated and retired, and every way it failed."""
    stop = threading.Event()
    done: list[object] = []
    failed: list[BaseException] = []

    def works() -> None:
        try:
            while not stop.is_set():
                done.append(work())
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=works) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(times):
            assert run("rotate_keys").code == 0
            assert run("rotate_keys", "--retire").code == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return len(done), failed
