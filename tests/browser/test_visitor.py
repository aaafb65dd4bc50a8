"""A visitor with a link, on a phone and at a desk: they see their code at a press, and nothing stays behind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Visit
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]

STORED = "[...Object.entries(localStorage), ...Object.entries(sessionStorage), document.cookie]"
# The stand-in's own memory, and the demo's own passwords.
NOT_OURS = {"simulator.json", "sign-ins.json"}


@pytest.fixture
def link(visit: Visit) -> str:
    """A link that a manager has just made, for a pass that works now."""
    with visit("manager") as page:
        page.goto("/passes/?state=live")
        page.locator(".pass-table tbody a[href^='/passes/']").first.click()
        page.get_by_role("button", name=re.compile("Make a (new )?link")).click()
        return page.locator("#visitor-link-text").inner_text().strip()


@pytest.fixture
def visitors(browser: Browser, demo: Demo) -> Iterator[list[BrowserContext]]:
    """Browsers of people who have no account; closed in the end."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def come(
    browser: Browser,
    visitors: list[BrowserContext],
    width: int = 360,
    scheme: str = "light",
    *,
    scripts: bool = True,
) -> tuple[Page, list[str]]:
    """A visitor's page, and what their browser objects to."""
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
        timezone_id="Asia/Tokyo",
        locale="en-GB",
    )
    visitors.append(context)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    return page, troubles


def is_fit(page: Page, width: int) -> None:
    problems = [problem["id"] for problem in Axe().run(page).response["violations"]]
    assert problems == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
)
def test_they_see_their_code_by_keyboard_and_it_is_gone_when_they_leave(
    browser: Browser, visitors: list[BrowserContext], link: str, width: int, scheme: str
) -> None:
    page, troubles = come(browser, visitors, width, scheme)
    page.goto(link)
    expect(page.get_by_text("It works now")).to_be_visible()
    # In Tokyo it is another time than where the house stands.
    expect(page.get_by_text("by your own clock")).to_be_visible()
    is_fit(page, width)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show my code")).to_be_focused()
    page.keyboard.press("Enter")
    digits = page.locator("#pass-digits")
    expect(digits).to_have_text(re.compile(r"^[\d ]+$"))
    code = digits.inner_text()
    picture = page.get_by_role("img", name="QR code of the pass")
    assert picture.evaluate("one => one.naturalWidth") > 100
    is_fit(page, width)
    assert page.url == link
    page.get_by_role("link", name="Take the code off the screen").click()
    expect(page.get_by_role("button", name="Show my code")).to_be_visible()
    # Back leads to the answer of the press, which the browser has not kept: it asks whether to send it again.
    page.go_back()
    assert code not in page.content()
    page.goto(link)
    assert code not in page.content()
    stored = str(page.evaluate(STORED))
    assert code not in stored
    assert code.replace(" ", "") not in stored
    assert link.rstrip("/").rpartition("/")[2] not in stored
    assert [one["name"] for one in visitors[0].cookies()] == ["csrftoken"]
    assert troubles == []


def test_without_a_script_it_works_as_well(
    browser: Browser, visitors: list[BrowserContext], link: str
) -> None:
    page, _ = come(browser, visitors, scripts=False)
    page.goto(link)
    page.get_by_role("button", name="Show my code").click()
    expect(page.locator("#pass-digits")).to_be_visible()
    page.get_by_role("link", name="Take the code off the screen").click()
    expect(page.locator("#pass-digits")).to_have_count(0)


def test_the_code_goes_off_the_screen_by_itself(
    browser: Browser, visitors: list[BrowserContext], link: str
) -> None:
    page, _ = come(browser, visitors)
    page.clock.install()
    page.goto(link)
    page.get_by_role("button", name="Show my code").click()
    expect(page.locator("#pass-digits")).to_be_visible()
    page.clock.fast_forward(119_000)
    expect(page.locator("#pass-digits")).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(page.locator("#pass-digits")).to_have_count(0)
    expect(page.get_by_role("button", name="Show my code")).to_be_visible()


def test_a_link_that_shows_nothing_is_fit_to_be_read(
    browser: Browser, visitors: list[BrowserContext], demo: Demo
) -> None:
    for width in (360, 1280):
        page, _ = come(browser, visitors, width)
        page.goto(f"{demo.url}/v/a-link-that-was-cut/")
        expect(page.get_by_role("heading", level=1)).to_have_text("This link shows nothing")
        is_fit(page, width)


def test_neither_code_nor_link_stands_anywhere_in_data(
    browser: Browser, visitors: list[BrowserContext], link: str, demo: Demo
) -> None:
    page, _ = come(browser, visitors)
    page.goto(link)
    page.get_by_role("button", name="Show my code").click()
    digits = page.locator("#pass-digits").inner_text().replace(" ", "")
    page.goto(f"{link.rstrip('/')}x/")
    told = {entry["value"]: entry["kind"] for entry in demo.simulator("GET", "canaries")}
    assert told[digits] == "temp_key"
    secrets = [digits.encode(), link.rstrip("/").rpartition("/")[2].encode()]
    looked = [path for path in demo.data.rglob("*") if path.is_file() and path.name not in NOT_OURS]
    assert any(path.suffix == ".log" for path in looked)
    assert [path for path in looked if any(one in read(path) for one in secrets)] == []


def read(path: Path) -> bytes:
    """What a file holds; nothing where it has just gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
