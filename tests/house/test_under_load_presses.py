"""The running portal while the upstream hangs for good: first presses wait, then all are told at once; then it is back."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.house.test_under_trouble import OPEN, THREADS, Visitor, board, doors
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(300)]
PAGES = ("/", "/families/", "/doors/", "/log/", "/connections/")


def wait_until(condition, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.5)


def test_an_upstream_that_hangs_for_good_is_left_alone_and_told_of_and_comes_back_by_itself(
    demo: Demo,
) -> None:
    manager, family_admin = Visitor(demo, "manager"), Visitor(demo, "family-admin")
    page = board(manager)
    presses = doors(page)[:THREADS]
    last_url, last_press = doors(page)[THREADS]
    demo.simulator("POST", "faults", command="*", kind="hang", seconds=60)
    try:
        # Nobody presses: the sync finds out, within two of its rounds.
        wait_until(lambda: "The door system does not answer through" in manager.get("/"), 60)
        # What was under way when it was given up takes its eight seconds.
        time.sleep(8)
        demo.simulator("DELETE", "journal")

        def press(number: int) -> tuple[float, str]:
            url, token = presses[number]
            began = time.monotonic()
            told = manager.post(url, page, press=token)
            return time.monotonic() - began, told

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(press, range(THREADS)))
        # One of them may be the one that looks, in half of its eight seconds.
        quick = sorted(seconds for seconds, _told in answers)[:-1]
        assert max(quick) < 5
        for _seconds, told in answers:
            assert "Not sent" in told
            assert re.search(r"has not answered since|Too many actions wait", told), told
            assert "The door was not asked and stays as it was." in told
        assert demo.simulator("GET", f"journal?command={OPEN}") == []
        for path in PAGES:
            assert manager.get(path)
        assert "It is tried again by itself" in manager.get("/doors/")
        assert "Your doors cannot be reached at this moment" in family_admin.get("/")
        # More than a pause's worth of quiet: the only thing it is asked is whether it is back.
        time.sleep(12)
        asked = [row["command"] for row in demo.simulator("GET", "journal") if row["command"] != "pictures"]
        assert set(asked) <= {"get_family_list"}
        assert len(asked) <= 4
    finally:
        demo.simulator("DELETE", "faults")
    wait_until(lambda: "does not answer" not in manager.get("/"), 60)
    assert "told to open" in manager.post(last_url, page, press=last_press)
    assert demo.manage("audit_verify").returncode == 0
