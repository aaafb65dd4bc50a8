"""The page of a device in a browser: asked, shown, gone again, and readable for everybody."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]
STORAGES = (
    "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href])"
)


def open_device(page: Page) -> None:
    """Come to the page of a device that has a door and a stream, by searching."""
    page.goto("/search/?q=front+door")
    page.locator("main a[href^='/doors/']").first.click()
    expect(page.locator("#device-detail")).to_be_visible()


def is_readable(page: Page) -> bool:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_manager_asks_and_sees_the_whole_stream_for_half_a_minute(visit: Visit) -> None:
    with visit("manager") as page:
        page.clock.install()
        open_device(page)
        assert is_readable(page)

        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator("#device-check").get_by_role("status").first).to_contain_text("May use it")

        assert "@" not in page.locator("#device-stream").inner_text()
        page.get_by_role("button", name="Show all of it").click()
        whole = page.locator("#device-stream-whole")
        expect(whole).to_contain_text("@")
        address = whole.inner_text()
        assert is_readable(page)

        page.clock.run_for(1_000)
        page.clock.fast_forward(31_000)
        expect(whole).to_have_count(0)
        expect(page.get_by_role("button", name="Show all of it")).to_be_visible()
        kept = page.content() + page.evaluate(STORAGES)
        assert address not in kept

        page.get_by_role("button", name="Show all of it").click()
        expect(whole).to_be_visible()
        page.goto("/doors/")
        page.go_back()
        expect(page.locator("#device-detail")).to_be_visible()
        assert address not in page.content() + page.evaluate(STORAGES)


def test_a_family_admin_reads_it_on_a_phone_in_the_dark(visit: Visit) -> None:
    with visit("family-admin", width=360, scheme="dark") as page:
        open_device(page)

        assert is_readable(page)
        expect(page.get_by_role("heading", name="Last openings")).to_be_visible()
        assert page.get_by_text("MAC", exact=True).count() == 0
        expect(page.locator("[id^=press-button-]").first).to_be_visible()
