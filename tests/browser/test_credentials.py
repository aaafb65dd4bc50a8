"""A code in a browser: shown when asked for, gone by itself, and left nowhere."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]
STORAGES = (
    "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href])"
)


def open_credentials(page: Page) -> str:
    """Come to the credentials of the first family through its tabs; the address."""
    page.goto("/families/")
    page.locator("#family-table tbody a").first.click()
    page.get_by_role("link", name="PIN and codes").click()
    expect(page.locator("#credential-list")).to_be_visible()
    return page.url


def show_pin(page: Page) -> str:
    """The PIN of the organisation's account, as it stands on the page."""
    page.get_by_role("button", name="Show PIN").last.click()
    return page.locator(".credential-code__digits").inner_text()


def is_left_nowhere(page: Page, code: str) -> bool:
    """Whether neither the page nor what the browser keeps for it holds the code."""
    kept = page.content() + page.evaluate(STORAGES)
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    return code not in kept and code.replace(" ", "") not in kept


def test_a_shown_pin_is_gone_after_half_a_minute_and_on_leaving(visit: Visit) -> None:
    with visit("manager") as page:
        page.clock.install()
        address = open_credentials(page)
        code = show_pin(page)
        assert re.fullmatch(r"\d{4} ?\d*", code)
        assert page.evaluate("document.activeElement.dataset.vanishes") == "30"

        # Its half a minute has begun.
        page.clock.run_for(1_000)
        page.clock.fast_forward(31_000)

        expect(page.locator("[data-vanishes]")).to_have_count(0)
        again = page.get_by_role("button", name="Show PIN").last
        expect(again).to_be_focused()
        assert is_left_nowhere(page, code)

        # Another tab of the same page, and Back.
        assert show_pin(page) == code
        page.get_by_role("link", name="Passes", exact=True).last.click()
        expect(page.locator("#family-passes")).to_be_visible()
        page.go_back()
        expect(page.locator("#credential-list")).to_be_visible()
        assert is_left_nowhere(page, code)

        # Another page, and Back.
        assert show_pin(page) == code
        page.goto("/doors/")
        assert is_left_nowhere(page, code)
        page.go_back()
        assert page.url == address
        assert is_left_nowhere(page, code)

        # Whoever has signed out finds nothing behind them.
        assert show_pin(page) == code
        page.context.clear_cookies()
        page.goto("/account/login/")
        assert is_left_nowhere(page, code)
        page.go_back()
        assert is_left_nowhere(page, code)


def test_without_scripts_the_page_shows_it_and_is_left_by_itself(visit: Visit) -> None:
    with visit("manager", scripts=False) as page:
        open_credentials(page)
        with page.expect_response(lambda answer: answer.url.endswith("/codes/")) as told:
            page.get_by_role("button", name="Show PIN").last.click()

        expect(page.locator(".credential-code__digits")).to_be_visible()
        assert told.value.headers["refresh"].startswith("30; url=/families/")
        assert "no-store" in told.value.headers["cache-control"]


def test_a_pin_that_cannot_be_comes_back_empty(visit: Visit) -> None:
    with visit("manager") as page:
        open_credentials(page)
        page.get_by_role("link", name="Change the PIN").last.click()
        page.get_by_label("New PIN").fill("1234")
        page.get_by_label("The same once more").fill("1234")
        page.get_by_role("button", name="Change the PIN").click()

        expect(page.get_by_text("Digits in a row are tried first")).to_be_visible()
        expect(page.get_by_label("New PIN")).to_have_value("")
        expect(page.get_by_label("The same once more")).to_have_value("")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_fits_and_can_be_used_by_everybody(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        address = open_credentials(page)
        forms = [f"{address}{part}/?account=organisation" for part in ("pin", "face")]
        for each in (address, *forms, "/credentials/"):
            page.goto(each)
            page.wait_for_load_state("networkidle")
            if each == address:
                show_pin(page)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{each}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, each
