"""My account in a browser: it can be used by everybody, with and without scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]
PAGES = ("/account/", "/account/sign-in/", "/account/sessions/", "/account/rights/", "/account/password/")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_fits_and_can_be_used_by_everybody(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        for address in PAGES:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{address}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_colours_hold_on_the_next_page_and_the_browsers_zone_is_offered(visit: Visit) -> None:
    with visit("auditor") as page:
        page.goto("/account/")
        page.locator(".rail").get_by_role("button", name="Dark").press("Enter")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.wait_for_load_state("networkidle")
        page.context.clear_cookies(name="theme")
        page.goto("/account/")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        here = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
        page.get_by_label("Time zone").fill("Pacific/Auckland")
        page.get_by_role("button", name="Keep this").click()
        page.get_by_role("button", name="Use this browser").click()
        expect(page.get_by_label("Time zone")).to_have_value(here)
        page.get_by_role("radio", name="As the system").check()
        page.get_by_role("button", name="Keep this").click()
        expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_without_scripts_everything_of_it_works(visit: Visit) -> None:
    with visit("auditor", scripts=False) as page:
        page.goto("/account/sessions/")
        page.locator(".rail").get_by_role("button", name="Light").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        page.locator(".rail").get_by_role("button", name="As the system").click()
        expect(page.locator("html")).not_to_have_attribute("data-theme", "light")
        page.goto("/account/")
        page.get_by_label("Name").fill("")
        page.get_by_role("button", name="Keep this").click()
        expect(page.get_by_text("Type your name")).to_be_visible()


def test_another_session_is_ended_in_place(visit: Visit) -> None:
    with visit("auditor") as elsewhere, visit("auditor") as page:
        page.goto("/account/sessions/")
        page.get_by_role("button", name="Sign out everywhere else").click()
        page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere else").click()
        expect(page.get_by_text("You are signed out")).to_be_visible()
        expect(page.locator("#sessions li")).to_have_count(1)
        elsewhere.goto("/doors/")
        expect(elsewhere).to_have_url(
            "**/account/login/?next=/doors/".replace("**", page.url.split("/account")[0])
        )
