"""A browser that visits the demo."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.gallery import FLAGS
from tests.plugins.demo import Demo
from tests.services import find_chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield found
        found.close()


KEPT = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, location.href])"
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
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        sign_in(page, demo, role)
        yield page
        left = left_behind(context, demo, asked, scripts=scripts)
        context.close()
        assert left == [], "the browser keeps secrets"
        assert [
            words for words in troubles if "404" not in words and "503" not in words and "422" not in words
        ] == []

    return opened


def left_behind(context: BrowserContext, demo: Demo, asked: list[str], *, scripts: bool) -> list[str]:
    """The stand-in's secrets in any address that was asked for, in cookies, storages and the history's state.

    But for the code with which the upstream sends the browser back: it is good once and for five minutes.
    """
    returns = f"{demo.url}{reverse('connections:sign_in_return')}?"
    kept = [url for url in asked if not url.startswith(("data:", returns))]
    kept.append(json.dumps(context.storage_state()))
    if scripts:
        ours = [page for page in context.pages if page.url.startswith(demo.url)]
        kept += [page.evaluate(KEPT) for page in ours]
    everything = "\n".join(kept)
    return [one["value"] for one in demo.simulator("GET", "canaries") if one["value"] in everything]


def sign_in(page: Page, demo: Demo, role: str, *, until: str = "**/") -> None:
    """Through the form, as a person does; ``until``: where that leads."""
    page.goto("/")
    page.get_by_label("Email").fill(demo.people[role]["email"])
    page.get_by_label("Password", exact=True).fill(demo.people[role]["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(until)
