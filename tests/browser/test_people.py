"""Inviting somebody and joining, as two people do it in two browsers."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visit
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]
PASSWORD = "a long enough sentence"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_manager_invites_and_somebody_joins_by_the_link(
    visit: Visit, browser: Browser, demo: Demo, width: int
) -> None:
    email = f"pat{width}@gatehouse.example"
    with visit("manager", width=width) as page:
        page.goto("/people/")
        page.get_by_role("link", name="Invite", exact=True).click()
        page.get_by_label("E-mail address").fill(email)
        expect(page.get_by_role("searchbox", name="Find a family", exact=True)).to_be_hidden()
        page.get_by_label("Family admin").check()
        find = page.get_by_role("searchbox", name="Find a family", exact=True)
        # Enter looks, and sends nothing.
        find.press_sequentially("a")
        find.press("Enter")
        page.locator("#person-families input").first.check()
        find.fill("zzzz")
        expect(page.locator("#person-families")).to_contain_text("No other family fits")
        expect(page.locator("#person-families input:checked")).to_have_count(1)
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Send the invitation").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(email)
        link = page.locator("#person-link").text_content() or ""
        assert Axe().run(page).violations_count == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        context = browser.new_context(timezone_id="Europe/Lisbon", viewport={"width": width, "height": 740})
        theirs = context.new_page()
        theirs.goto(link)
        expect(theirs.get_by_label("Time zone")).to_have_value("Europe/Lisbon")
        assert Axe().run(theirs).violations_count == 0
        theirs.get_by_label("Your name").fill("Pat")
        theirs.get_by_label("Password", exact=True).fill(PASSWORD)
        theirs.get_by_label("The password again").fill(PASSWORD)
        theirs.get_by_role("button", name="Join").click()
        theirs.wait_for_url(re.compile(r":\d+/$"))
        secret = link.rstrip("/").rpartition("/")[2]
        kept = theirs.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
        assert secret not in kept

        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("Pat")
        page.get_by_role("button", name="Switch off").click()
        page.locator("dialog:popover-open, dialog[open]").get_by_role("button", name="Switch off").click()
        expect(page.get_by_role("button", name="Switch on")).to_be_visible()
        theirs.reload()
        expect(theirs.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        context.close()
