"""The list of families in a browser: found while one types, ticked by keyboard and without a script, fit to be read."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_families_are_found_ticked_and_moved_by_keyboard(visit: Visit, scripts: bool) -> None:
    with visit("manager", scripts=scripts) as page:
        page.goto("/families/")
        page.get_by_label("Family, member or door").focus()
        page.keyboard.type("fly")
        if not scripts:
            page.keyboard.press("Enter")
        expect(page.locator("#family-table tbody tr")).to_have_count(1)
        expect(page).to_have_url(page.url.partition("?")[0] + "?q=fly" if scripts else page.url)
        page.get_by_role("checkbox", name="Choose Fly").press("Space")
        if scripts:
            expect(page.get_by_text("1 chosen on this page")).to_be_visible()
        page.get_by_label("Property to put them in").select_option(label="Take out of its property")
        page.get_by_role("button", name="Go on").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Put 1 family in no property")
        page.get_by_role("link", name="Cancel").press("Enter")
        expect(page.locator("#family-table tbody tr")).to_have_count(1)


def test_everything_is_found_from_everywhere_while_one_types(visit: Visit) -> None:
    with visit("manager") as page:
        page.goto("/")
        page.keyboard.press("/")
        page.keyboard.type("fly")
        found = page.locator("#search-panel")
        expect(found.get_by_role("link", name="Fly", exact=True)).to_be_visible()
        # The next stop of Tab is the first row, and the panel stays.
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        expect(found.get_by_role("link").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Fly")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_with_a_selection_satisfies_axe_and_fits(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        page.goto("/families/")
        boxes = page.locator('input[name="family"]')
        for number in range(3):
            boxes.nth(number).check()
        expect(page.get_by_text("3 chosen on this page")).to_be_visible()
        if width == 360:
            box = page.locator(".family-table__choose label").nth(1).bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44
        problems = [problem["id"] for problem in Axe().run(page).response["violations"]]
        assert problems == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_label("Property to put them in").select_option(label="Take out of its property")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Families")
        page.wait_for_load_state()
        assert [problem["id"] for problem in Axe().run(page).response["violations"]] == []
