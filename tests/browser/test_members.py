"""The people of a family, changed by a manager at a desk and by a family admin on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def open_family(page: Page, *, owned: bool = False) -> None:
    """A family with two who can be chosen; with ``owned`` one that the organisation's account owns."""
    page.goto("/families/")
    links = [link.get_attribute("href") for link in page.locator("main tbody th a").all()]
    for address in links:
        page.goto(address or "/")
        rows = page.locator(".member-table tbody tr")
        own = rows.filter(has_text="Gatehouse’s own account").filter(has_text="Owner")
        if page.locator("input[name=member]").count() >= 2 and bool(own.count()) == owned:
            return
    raise LookupError("no family in the demo is like that")


def fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(page).violations_count == 0


def test_a_manager_changes_rights_and_removes_several(visit: Visit) -> None:
    with visit("manager") as page:
        open_family(page)
        fits(page, 1280)
        button = page.get_by_role("button", name=re.compile("^Make administrator ")).first
        name = (button.text_content() or "").replace("Make administrator", "").strip()
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#notices")).to_contain_text(f"{name} is an administrator now.")
        undo = page.get_by_role("button", name="Undo: make member again")
        undo.focus()
        fits(page, 1280)
        page.keyboard.press("Space")
        expect(page.locator("#notices")).to_contain_text(f"{name} is a member now.")

        chosen = page.locator("input[name=member]")
        count = chosen.count()
        for place in range(2):
            chosen.nth(place).focus()
            page.keyboard.press("Space")
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Remove people")
        fits(page, 1280)
        page.get_by_role("button", name="Remove 2 people").press("Enter")
        expect(page.locator("#member-results")).to_contain_text("Done for everybody chosen: 2.")
        expect(page.get_by_text("Is not in the family any more.")).to_have_count(2)
        fits(page, 1280)
        page.get_by_role("link", name="Back to the family").click()
        expect(page.locator("input[name=member]")).to_have_count(count - 2 if count > 3 else 0)


def test_a_manager_adds_somebody_and_hands_the_family_over_to_them(visit: Visit) -> None:
    with visit("manager") as page:
        open_family(page, owned=True)
        page.get_by_role("link", name="Add somebody directly").click()
        page.get_by_label("First name").fill("Ines")
        page.get_by_label("Last name").fill("Rocha")
        page.get_by_label("E-mail address").fill("nobody")
        page.get_by_label("First password").fill("only-once-0a1b2c")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("Type it again: it was not kept.")).to_be_visible()
        expect(page.get_by_label("First password")).to_have_value("")
        fits(page, 1280)
        page.get_by_label("E-mail address").fill("ines.rocha@post.example")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("#notices")).to_contain_text("Ines Rocha was added as member.")
        assert "only-once" not in page.evaluate(
            "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, location.href])"
        )

        page.get_by_role("link", name="Hand the family over").click()
        page.get_by_role("radio", name=re.compile("Ines Rocha")).check()
        page.get_by_label("Their name").fill("Somebody else")
        page.get_by_role("button", name="Hand over").click()
        expect(page.get_by_text("That is not the name of who was chosen.")).to_be_visible()
        fits(page, 1280)
        page.get_by_label("Their name").fill("ines rocha")
        page.get_by_role("button", name="Hand over").click()
        expect(page.locator("#notices")).to_contain_text("Ines Rocha owns the family now.")
        expect(page.locator("#notices")).to_contain_text("the owner before, is an administrator now.")


@pytest.mark.parametrize("scripts", [True, False], ids=["htmx", "plain"])
def test_a_family_admin_looks_after_the_people_at_home_on_a_phone(visit: Visit, scripts: bool) -> None:
    with visit("family-admin", width=360, scripts=scripts) as page:
        page.goto("/families/")
        page.locator("main tbody th a").first.click()
        expect(page.get_by_role("heading", name="People at home")).to_be_visible()
        button = page.get_by_role("button", name=re.compile("^Make (administrator|member) ")).first
        words = re.sub(r"^Make (administrator|member)\s+", r"\1|", button.text_content() or "").split("|")
        button.press("Enter")
        is_now = {"administrator": "is an administrator now.", "member": "is a member now."}[words[0]]
        expect(page.locator("#notices")).to_contain_text(f"{words[1]} {is_now}")
        page.get_by_role("button", name="Undo: make").press("Enter")
        expect(page.get_by_role("button", name="Undo: make")).to_be_visible()
        if scripts:
            fits(page, 360)
        page.get_by_role("link", name=re.compile("^Take back access ")).first.press("Enter")
        expect(page.get_by_text("Passes that were made stay valid until they end.")).to_be_visible()
        expect(page.get_by_role("button", name="Take back access")).to_be_visible()
        if scripts:
            fits(page, 360)
        page.get_by_role("link", name="Cancel").press("Enter")
        expect(page.get_by_role("heading", name="People at home")).to_be_visible()
