"""Passes in a browser: chosen and deleted by keyboard and without a script, and every page is fit to be read."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def is_fit(page: Page, width: int) -> None:
    problems = [problem["id"] for problem in Axe().run(page).response["violations"]]
    assert problems == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_passes_are_chosen_and_deleted_by_keyboard(visit: Visit, scripts: bool) -> None:
    with visit("manager", scripts=scripts) as page:
        page.goto("/passes/?state=live")
        boxes = page.locator("input[name=pass]")
        expect(boxes.nth(2)).to_be_visible()
        boxes.nth(0).press("Space")
        boxes.nth(1).press("Space")
        if scripts:
            expect(page.get_by_text("2 chosen on this page")).to_be_visible()
        page.get_by_role("button", name="Delete").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Delete 2 passes?")
        page.get_by_role("button", name="Delete 2 passes").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("2 passes deleted")
        expect(page.get_by_text("Deleted", exact=True)).to_have_count(2)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_satisfies_axe_and_fits(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        page.goto("/passes/")
        is_fit(page, width)
        page.locator("input[name=pass]").first.check()
        page.get_by_role("button", name="Delete").click()
        is_fit(page, width)
        page.goto("/passes/?state=live")
        page.locator(".pass-table td a").first.click()
        page.wait_for_url(re.compile(r"/families/.+/passes/"))
        expect(page.get_by_text("The passes of")).to_be_visible()
        is_fit(page, width)
        # Filtered while typing, the address keeps what was chosen; nothing fits.
        page.get_by_label("Label or visitor").fill("zzz")
        expect(page.get_by_text("No pass fits")).to_be_visible()
        expect(page).to_have_url(re.compile(r"q=zzz"))
        is_fit(page, width)
