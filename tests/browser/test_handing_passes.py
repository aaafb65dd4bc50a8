"""A pass handed over in a browser: its code shown and gone again, its sheet, its words, and nothing left behind."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]
STORAGES = (
    "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href])"
)


def open_pass(page: Page) -> str:
    """Come to the first pass that is good now; its address."""
    page.goto("/passes/?state=live")
    page.locator("#pass-table tbody th a").first.click()
    expect(page.locator("#pass-detail")).to_be_visible()
    return page.url


def show_code(page: Page) -> str:
    """The digits as they stand on the page, with the picture beside them."""
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_alt_text("QR code of the pass")).to_be_visible()
    assert page.locator(".pass-code__picture").evaluate("(image) => image.naturalWidth") > 50
    return page.locator("#pass-digits").inner_text()


def is_left_nowhere(page: Page, code: str) -> bool:
    """Whether neither the page nor what the browser keeps for it holds the code or its picture."""
    kept = page.content() + page.evaluate(STORAGES)
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    return code not in kept and code.replace(" ", "") not in kept and "data:image" not in kept


def is_fit(page: Page, width: int) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def test_a_code_is_gone_after_half_a_minute_and_on_leaving(visit: Visit) -> None:
    with visit("manager") as page:
        page.clock.install()
        address = open_pass(page)
        code = show_code(page)
        assert re.fullmatch(r"\d{4} \d{1,4}( \d+)*", code)
        words = page.locator("#pass-words")
        expect(words).to_contain_text(f"Code: {code}")
        is_fit(page, 1280)
        page.clock.run_for(1_000)
        page.clock.fast_forward(31_000)
        expect(page.locator("[data-vanishes]")).to_have_count(0)
        expect(page.get_by_role("button", name="Show code")).to_be_focused()
        expect(words).not_to_contain_text("Code:")
        assert is_left_nowhere(page, code)

        assert show_code(page) == code
        page.goto("/doors/")
        assert is_left_nowhere(page, code)
        page.go_back()
        assert page.url == address
        assert is_left_nowhere(page, code)

        assert show_code(page) == code
        page.context.clear_cookies()
        page.goto("/account/login/")
        page.go_back()
        assert is_left_nowhere(page, code)


def test_a_family_admin_hands_over_what_they_made(visit: Visit) -> None:
    with visit("family-admin", width=360, scheme="dark") as page:
        page.clock.install()
        page.goto("/passes/new/")
        homes = page.get_by_role("radio")
        if page.get_by_role("group", name="Family").count():
            homes.first.check()
        page.get_by_label("Who it is for").fill("Rui Sá")
        page.get_by_label("Label").fill("Plumber")
        page.get_by_role("button", name="Make pass").click()
        code = page.locator("#pass-digits").inner_text()
        page.get_by_role("link", name="Hand it over").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Plumber")
        assert is_left_nowhere(page, code)
        assert show_code(page) == code
        is_fit(page, 360)
        page.clock.run_for(1_000)
        page.clock.fast_forward(31_000)
        expect(page.locator("[data-vanishes]")).to_have_count(0)
        assert is_left_nowhere(page, code)
        assert show_code(page) == code
        page.goto("/passes/")
        page.go_back()
        assert is_left_nowhere(page, code)
        page.get_by_role("link", name="Change words").click()
        page.get_by_label("Label").fill("Plumber again")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Plumber again")
        expect(page.get_by_text("What is said of a pass changed")).to_be_visible()


def test_a_sheet_is_a_tab_of_its_own_and_leaves_nothing_behind(visit: Visit) -> None:
    with visit("manager") as page:
        open_pass(page)
        with page.context.expect_page() as opened:
            page.get_by_role("button", name="Print a sheet").click()
        sheet = opened.value
        sheet.wait_for_load_state()
        code = sheet.locator("#pass-digits").inner_text()
        for words in ("Your pass", "From", "Until", "At the door", "This pass is from"):
            expect(sheet.get_by_text(words).first).to_be_visible()
        is_fit(sheet, 1280)
        sheet.emulate_media(media="print")
        expect(sheet.locator("#pass-digits")).to_be_visible()
        expect(sheet.get_by_role("button", name="Print")).to_be_hidden()
        assert len(sheet.pdf(format="A4")) > 1_000
        sheet.emulate_media(media="screen")
        sheet.get_by_role("link", name="Back to the pass").click()
        assert is_left_nowhere(sheet, code)
        assert is_left_nowhere(page, code)


def test_the_words_and_a_link_are_copied_and_the_link_is_ended(visit: Visit) -> None:
    with visit("manager", width=360, scheme="dark") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        open_pass(page)
        page.get_by_role("button", name="Copy text").click()
        expect(page.locator("[data-copy='#pass-words-plain'].button--done")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "Until:" in copied
        assert "Code:" not in copied
        page.get_by_role("button", name=re.compile("Make a (new )?link")).click()
        link = page.locator("#visitor-link-text").inner_text()
        assert "/v/" in link
        is_fit(page, 360)
        page.get_by_role("button", name="End the link").click()
        page.get_by_role("dialog").get_by_role("button", name="End the link").click()
        expect(page.get_by_role("button", name="Make a link")).to_be_visible()
        assert link not in page.content() + page.evaluate(STORAGES)
        page.get_by_role("link", name="Send by e-mail").click()
        page.get_by_label("To", exact=True).fill("a@b.example, c@d.example")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_text("Type one address")).to_be_visible()
        is_fit(page, 360)


def test_without_scripts_the_page_shows_it_and_is_left_by_itself(visit: Visit) -> None:
    with visit("manager", scripts=False) as page:
        open_pass(page)
        with page.expect_response(lambda answer: answer.url.endswith("/code/")) as told:
            page.get_by_role("button", name="Show code").click()
        expect(page.locator("#pass-digits")).to_be_visible()
        assert told.value.headers["refresh"].startswith("30; url=/passes/")
        assert "no-store" in told.value.headers["cache-control"]
