"""Properties in a browser: families are moved by keyboard and without a script, and every page is fit to be read."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "none"])
def test_families_are_moved_by_keyboard(visit: Visit, scripts: bool) -> None:
    name = f"Annexe {'with' if scripts else 'without'}"
    with visit("manager", scripts=scripts) as page:
        page.goto("/properties/new/")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type("lisbon")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        page.get_by_role("link", name="Put families in").first.press("Enter")
        page.goto(f"{page.url.partition('?')[0]}?place=any")
        family = page.get_by_role("checkbox", name="Fly", exact=True)
        family.press("Space")
        family.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Put 1 family in {name}")
        page.get_by_role("button", name="Put in").press("Enter")
        expect(page.get_by_text(f"1 family was put in “{name}”.")).to_be_visible()
        expect(page.get_by_role("link", name="Fly", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_satisfies_axe_and_fits(visit: Visit, width: int, scheme: str) -> None:
    with visit("manager", width=width, scheme=scheme) as page:
        page.goto("/properties/")
        one = page.locator(".table__name a").first.get_attribute("href")
        for path in (
            "/properties/",
            "/properties/new/",
            one,
            f"{one}details/",
            f"{one}deletion/",
            f"{one}families/new/?place=any",
        ):
            page.goto(str(path))
            problems = [problem["id"] for problem in Axe().run(page).response["violations"]]
            assert problems == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
