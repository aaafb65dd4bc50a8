"""A browser, and the whole demo behind it: simulator, web, worker, beat and Redis as `make demo` starts them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.gallery import CHROMIUM, FLAGS

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
# The demo brings its own database, Redis and folder, whatever this run of the tests uses.
OUTSIDE = {
    name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "DATA"}
}


@dataclass
class Demo:
    """A running demo: where it is, who signs in with which password, and its simulator's control."""

    url: str
    data: Path
    people: dict[str, dict[str, str]]
    simulator_url: str

    def simulator(self, method: str, endpoint: str, **fields: object) -> object:
        """Ask or tell the simulator something: ``simulator("POST", "faults", command="*", kind="latency")``."""
        body = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(f"{self.simulator_url}/_simulator/{endpoint}", body, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A management command beside the running demo."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=OUTSIDE | {"DATA": str(self.data), "PUBLIC_URL": self.url},
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo in a folder of its own, stopped by an interrupt at the end."""
    data = tmp_path_factory.mktemp("demo")
    port = free_port()
    log = (data / "output").open("w")
    words = [
        sys.executable,
        "-m",
        "portal.supervisor",
        "demo",
        "--port",
        str(port),
        "--data",
        str(data / "var"),
    ]
    process = subprocess.Popen(words, cwd=ROOT, env=OUTSIDE, stdout=log, stderr=subprocess.STDOUT)
    try:
        ends = time.monotonic() + START_SECONDS
        while "Ctrl-C stops it." not in (data / "output").read_text():
            assert process.poll() is None, (data / "output").read_text()
            assert time.monotonic() < ends, (data / "output").read_text()
            time.sleep(0.1)
        people = json.loads((data / "var" / "sign-ins.json").read_text())
        simulator_port = json.loads((data / "var" / "demo.json").read_text())["simulator_port"]
        yield Demo(f"http://127.0.0.1:{port}", data / "var", people, f"http://127.0.0.1:{simulator_port}")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, (data / "output").read_text()
        log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def visit(browser: Browser, demo: Demo) -> Visit:
    """``with visit("manager", width=360) as page``: signed in, and no script or policy objects to anything."""

    @contextmanager
    def opened(
        role: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True
    ) -> Iterator[Page]:
        context = browser.new_context(
            base_url=demo.url,
            viewport={"width": width, "height": 900 if width > 500 else 740},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        page = context.new_page()
        troubles: list[str] = []
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        sign_in(page, demo, role)
        yield page
        context.close()
        assert [
            words for words in troubles if "404" not in words and "503" not in words and "422" not in words
        ] == []

    return opened


def sign_in(page: Page, demo: Demo, role: str) -> None:
    """Through the form, as a person does."""
    page.goto("/")
    page.get_by_label("Email").fill(demo.people[role]["email"])
    page.get_by_label("Password", exact=True).fill(demo.people[role]["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
