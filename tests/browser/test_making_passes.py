"""Passes made in a browser: by a manager at a desk, one and several, and by a family admin on a phone without a script."""

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


def test_a_manager_makes_one_and_then_several(visit: Visit) -> None:
    with visit("manager", width=1280) as page:
        page.goto("/passes/")
        page.get_by_role("link", name="Make pass").first.click()
        page.get_by_role("searchbox", name="Find a family", exact=True).fill("flat")
        page.locator("#person-families input[name=family]").first.check()
        page.get_by_label("Who it is for").fill("Rui Costa")
        # Times of one's own are out of sight until they are chosen.
        expect(page.get_by_label("From")).to_be_hidden()
        page.get_by_label("Other times").check()
        page.get_by_label("Another number").check()
        page.get_by_label("Number of uses").fill("1e3")
        page.get_by_role("button", name="Make pass").click()
        expect(page.get_by_text("Say from when.")).to_be_visible()
        expect(page.get_by_label("Number of uses")).to_have_value("1e3")
        is_fit(page, 1280)
        page.get_by_label("Tomorrow").check()
        page.get_by_label("Number of uses").fill("101")
        page.get_by_role("button", name="Make pass").click()
        page.get_by_role("button", name="Make it all the same").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Pass made")
        expect(page.locator("#pass-digits")).to_have_text(re.compile(r"^[\d\s]{6,}$"))
        is_fit(page, 1280)
        page.get_by_role("link", name="Make another").click()
        page.locator("summary", has_text="Several people at once").click()
        page.get_by_role("textbox", name="Several people at once").fill("Ana Prado, ana@x.example\nBo")
        page.get_by_label("Label").fill("Cleaning")
        page.get_by_role("button", name="Make pass").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Make 2 passes?")
        is_fit(page, 1280)
        page.get_by_role("button", name="Make 2 passes").click()
        page.wait_for_url("**/jobs/**")
        expect(page.get_by_text("2 of 2 rows to send are through")).to_be_visible(timeout=60_000)


def test_a_family_admin_makes_one_on_a_phone_without_a_script(visit: Visit) -> None:
    with visit("family-admin", width=360, scheme="dark", scripts=False) as page:
        page.get_by_role("link", name="Make pass").first.click()
        expect(page.get_by_text("Several people at once")).to_have_count(0)
        page.get_by_label("Who it is for").fill("Grandmother")
        page.get_by_label("The next two hours").check()
        page.get_by_role("button", name="Make pass").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Pass made")
        expect(page.locator("#pass-digits")).to_be_visible()
        page.get_by_role("link", name="Hand it over").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Grandmother")


def test_the_form_satisfies_axe_on_a_phone(visit: Visit) -> None:
    with visit("family-admin", width=360) as page:
        page.get_by_role("link", name="Make pass").first.click()
        is_fit(page, 360)
