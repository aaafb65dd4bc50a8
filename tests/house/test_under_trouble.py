"""The running portal while the upstream hangs, Redis is gone or the workers are: pages answer, and say how old they are."""

import html
import http.cookiejar
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.plugins.demo import Demo

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

OPEN = "trigger_akuvox_remote_open_door"
# The web server of the demo: two processes of eight threads.
THREADS = 16


class Visitor:
    """A signed-in person without a browser."""

    def __init__(self, demo: Demo, role: str) -> None:
        self.demo = demo
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        page = self.get("/account/login/")
        person = demo.people[role]
        self.post("/account/login/", page, login=person["email"], password=person["password"])

    def get(self, path: str) -> str:
        with self.opener.open(self.demo.url + path, timeout=60) as answer:
            return answer.read().decode()

    def post(self, path: str, page: str, **fields: str) -> str:
        fields["csrfmiddlewaretoken"] = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        request = urllib.request.Request(self.demo.url + path, urllib.parse.urlencode(fields).encode())
        request.add_header("Referer", self.demo.url + path)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()


@pytest.fixture
def manager(demo: Demo) -> Visitor:
    return Visitor(demo, "manager")


def doors(page: str) -> list[tuple[str, str]]:
    """Where and with which token the doors of a page are opened."""
    return re.findall(
        r'action="(/families/[^"]+/openings/)".*?name="press" value="([^"]+)"', page, flags=re.DOTALL
    )


def board(visitor: Visitor) -> str:
    """The first two pages of the board, as one text: on one alone too few doors are opened without a question."""
    first = visitor.get("/doors/")
    further = re.search(r'href="(/doors/\?[^"]*after=[^"]+)"', first)
    assert further
    return first + visitor.get(html.unescape(further[1]))


def test_sixteen_presses_against_a_hanging_upstream_leave_the_log_quick(demo: Demo, manager: Visitor) -> None:
    page = board(manager)
    presses = doors(page)[:THREADS]
    assert len(presses) == THREADS
    demo.simulator("DELETE", "journal")
    demo.simulator("POST", "faults", command=OPEN, kind="hang", seconds=30)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            began = time.monotonic()
            answers = [pool.submit(manager.post, url, page, press=press) for url, press in presses]
            time.sleep(1)
            assert "Everything that passed" in manager.get("/log/")
            log_came_after = time.monotonic() - began
            told = [answer.result() for answer in answers]
    finally:
        demo.simulator("DELETE", "faults")
    # The presses that wait take the eight seconds of their deadline; the log did not wait for one of them.
    assert log_came_after < 6
    unknown = sum("We do not know whether the door opened" in text for text in told)
    not_sent = sum("Not sent" in text for text in told)
    assert unknown + not_sent == THREADS
    assert 1 <= unknown <= THREADS // 2
    assert len(demo.simulator("GET", f"journal?command={OPEN}")) == unknown
    assert demo.manage("audit_verify").returncode == 0


def test_pages_answer_while_redis_and_the_worker_stand_still(demo: Demo, manager: Visitor) -> None:
    stopped = [pid for name in ("redis-server", "celery") for pid in processes(demo, name)]
    assert stopped
    for pid in stopped:
        subprocess.run(["kill", f"-{signal.SIGSTOP}", pid], check=True)
    try:
        for path in ("/", "/families/", "/doors/", "/log/", "/audit/"):
            assert "read " in manager.get(path) or path == "/audit/"
    finally:
        for pid in stopped:
            subprocess.run(["kill", f"-{signal.SIGCONT}", pid], check=True)


def processes(demo: Demo, name: str) -> list[str]:
    """The numbers of the demo's processes of that name."""
    found = subprocess.run(["pgrep", "-f", name], capture_output=True, text=True).stdout.split()
    environment = f"DATA={demo.data}".encode()
    ours = []
    for pid in found:
        try:
            if environment in Path(f"/proc/{pid}/environ").read_bytes():
                ours.append(pid)
        except OSError:
            continue
    return ours
