"""A family's page, as a manager and as somebody of the family use it: tabs, Back, its name, invitations, its panel."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def open_first_family(page: Page) -> None:
    page.goto("/families/")
    page.locator(".family-table .table__name a").first.click()
    page.wait_for_url(re.compile(r"/families/[\w-]{22}/$"))


def current(page: Page) -> str:
    return page.locator("#family-tabs [aria-current]").inner_text()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_manager_goes_through_the_tabs_and_back(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        open_first_family(page)
        home, name = page.url, page.get_by_role("heading", level=1).inner_text()
        assert Axe().run(page).violations_count == 0
        # The head is the same element from tab to tab.
        page.evaluate("document.querySelector('.family-head').dataset.kept = 'yes'")
        for tab, path in (("Doors", "doors/"), ("Log", "log/"), ("Changes", "changes/")):
            link = page.locator("#family-tabs").get_by_role("link", name=tab, exact=True)
            link.focus()
            page.keyboard.press("Enter")
            expect(page.locator("#family-tabs [aria-current]")).to_have_text(tab)
            expect(page).to_have_url(home + path)
            expect(page).to_have_title(f"{tab} · {name} · Gatehouse")
            # Whoever goes by the keyboard stays on the tab that they pressed.
            expect(page.locator("#family-tabs").get_by_role("link", name=tab, exact=True)).to_be_focused()
            assert page.evaluate("document.querySelector('.family-head').dataset.kept") == "yes"
            assert Axe().run(page).violations_count == 0, tab
            assert fits(page), tab
        page.go_back()
        expect(page.locator("#family-tabs [aria-current]")).to_have_text("Log")
        expect(page.locator("#log")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        page.reload()
        assert current(page) == "Log"
        page.get_by_label("Door or person").fill("nobody of that name")
        expect(page.locator("#log")).to_contain_text("Nothing matches")
        expect(page).to_have_url(re.compile(r"/log/\?.*q=nobody"))
        assert current(page) == "Log"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_manager_invites_sends_again_forgets_and_undoes(visit: Visit, width: int) -> None:
    email = f"guest{width}@else.example"
    with visit("manager", width=width) as page:
        open_first_family(page)
        page.get_by_role("link", name="Invite", exact=True).first.click()
        page.get_by_label("E-mail address").fill(email)
        page.get_by_role("button", name="Send the invitation").click()
        expect(page.locator("#family-invitations")).to_contain_text(email)
        row = page.locator(".invitation", has_text=email)
        row.get_by_role("button", name="Send again").first.click()
        dialog = page.locator("dialog:popover-open, dialog[open]")
        expect(dialog).to_contain_text(f"Send another invitation to {email}?")
        assert Axe().run(page).violations_count == 0
        dialog.get_by_role("button", name="Send again").click()
        expect(page.locator("#notices")).to_contain_text(f"{email} was invited")
        row.get_by_role("button", name="Forget").click()
        expect(page.locator("#notices")).to_contain_text("is forgotten")
        row.get_by_role("button", name="Undo").click()
        expect(row.get_by_role("button", name="Forget")).to_be_visible()
        assert fits(page)
        page.goto("/invitations/")
        expect(page.locator("#invitation-table")).to_contain_text(email)
        assert Axe().run(page).violations_count == 0
        assert fits(page)
        page.goto("/changes/")
        assert Axe().run(page).violations_count == 0
        assert fits(page)


def test_a_manager_finds_the_way_to_the_panel_in_a_new_tab(visit: Visit) -> None:
    with visit("manager") as page:
        open_first_family(page)
        with page.context.expect_page() as opened:
            page.get_by_role("button", name="Open its panel").click()
        panel = opened.value
        panel.wait_for_load_state()
        link = panel.get_by_role("link", name="Go to the panel")
        expect(link).to_have_attribute("rel", "noopener noreferrer")
        address = link.get_attribute("href") or ""
        assert panel.evaluate("window.opener") is None
        assert Axe().run(panel).violations_count == 0
        kept = panel.evaluate("JSON.stringify([location.href, {...sessionStorage}, {...localStorage}])")
        assert address.removeprefix("https://") not in kept
        # The forms of the page behind it are still taken.
        panel.get_by_role("link", name="Back to the family").click()
        expect(panel.get_by_role("button", name="Open its panel")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_somebody_of_the_family_is_told_what_each_may_do(visit: Visit, width: int, scheme: str) -> None:
    with visit("family-admin", width=width, scheme=scheme) as page:
        open_first_family(page)
        expect(page.get_by_role("heading", name="People at home")).to_be_visible()
        expect(page.locator(".family-words")).to_contain_text("Leaving this family")
        expect(page.get_by_role("button", name="Open its panel")).to_have_count(0)
        for tab in ("Doors", "Log", "Changes", "People"):
            page.locator("#family-tabs").get_by_role("link", name=tab, exact=True).click()
            expect(page.locator("#family-tabs [aria-current]")).to_have_text(tab)
            assert Axe().run(page).violations_count == 0, tab
            assert fits(page), tab


def test_without_a_script_every_tab_is_a_page(visit: Visit) -> None:
    with visit("manager", scripts=False) as page:
        open_first_family(page)
        for tab in ("Doors", "Log", "Changes", "People"):
            page.locator("#family-tabs").get_by_role("link", name=tab, exact=True).click()
            expect(page.locator("#family-tabs [aria-current]")).to_have_text(tab)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.get_by_role("link", name="Rename this family").click()
        expect(page.get_by_label("Name")).to_be_visible()
