"""The board in a browser: fit for each person on a wide screen and a phone, and live under somebody's hands."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def is_fit(page: Page, width: int) -> None:
    problems = [
        (problem["id"], problem["nodes"][0]["html"][:200])
        for problem in Axe().run(page).response["violations"]
    ]
    assert problems == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
@pytest.mark.parametrize("role", ["manager", "auditor", "family-admin"])
def test_it_satisfies_axe_and_fits_for_each_person(visit: Visit, role: str, width: int, scheme: str) -> None:
    with visit(role, width=width, scheme=scheme) as page:
        page.goto("/doors/")
        expect(page.locator(".door-card").first).to_be_visible()
        is_fit(page, width)
        buttons = page.locator(".press-slot button").count()
        assert (buttons > 0) is (role != "auditor")
        # Only who may ask can tick.
        assert (page.locator("input[name=device]").count() > 0) is (role == "manager")


def test_what_is_typed_narrows_it_and_stands_in_the_address(visit: Visit) -> None:
    with visit("manager") as page:
        page.goto("/doors/")
        shown = page.locator(".door-card").count()
        page.get_by_label("Door, MAC or family").fill("zzz")
        expect(page.get_by_text("No door fits")).to_be_visible()
        expect(page).to_have_url(re.compile(r"/doors/\?q=zzz$"))
        page.get_by_role("link", name="Show all doors").click()
        expect(page.locator(".door-card")).to_have_count(shown)


def test_a_change_appears_and_leaves_the_question_and_what_is_typed(visit: Visit) -> None:
    with visit("manager") as page:
        page.goto("/doors/")
        card = page.locator(".door-card:has(.press-slot button):not(:has(.door-card__state--offline))").first
        doors = card.locator("[data-in-use]")
        card.locator(".press-slot button").first.click()
        reason = card.get_by_label("Reason")
        reason.fill("locked out")
        # As if another poll had been answered since: the versions that the page holds are of before.
        page.evaluate(
            "for (const held of document.querySelectorAll('[name=seen], [name=doors]')) held.value += '!'"
        )
        with page.expect_response(re.compile("/doors/changes/")) as answered:
            pass
        assert answered.value.status == 200
        expect(page.locator("[name=seen][value$='!']")).to_have_count(0)
        expect(reason).to_have_value("locked out")
        expect(reason).to_be_focused()
        # What is in use comes again, and everything else was swapped.
        expect(doors.locator("[name=doors][value$='!']")).to_have_count(1)
        told = "[data-press-question], .press:not(.press--sending), .press--shown"
        expect(page.locator(f"[data-in-use]:not(:has({told})) [name=doors][value$='!']")).to_have_count(0)
