"""A household is moved out in a browser, from its page to the record that is printed."""

from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]


def looks_right(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    problems = [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]]
    assert problems == [], page.url


def owned(demo: Demo, number: int) -> str:
    """The name of a family that the organisation's account owns: only an owner hands over."""
    estate: Any = demo.simulator("GET", "estate")
    names = [
        one["family_name"]
        for one in estate["families"]
        if one["auth"] == "admin" and not one["is_gone"] and len(one["members"]) > 2
    ]
    return str(names[number])


def open_family(page: Page, name: str) -> None:
    page.goto("/families/")
    page.get_by_role("searchbox").last.fill(name)
    page.locator("main").get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


@pytest.mark.parametrize(("width", "number"), [(1280, -1), (360, -1)], ids=["wide", "phone"])
def test_a_manager_moves_a_household_out_and_keeps_the_record(
    visit: Visit, demo: Demo, width: int, number: int
) -> None:
    name = owned(demo, number)
    with visit("manager", width=width) as page:
        open_family(page, name)
        page.get_by_role("link", name="Move out").click()
        expect(page.get_by_text("What goes, in this order")).to_be_visible()
        looks_right(page)
        page.get_by_label("Some of them").check()
        expect(page.get_by_text("Nobody is chosen")).to_be_visible()
        page.get_by_label("Everybody").check()
        page.get_by_label("Type the name of the family to go on").fill("somebody else")
        page.get_by_role("button", name="Move out").click()
        expect(page.get_by_text("That is not the name of this family")).to_be_visible()
        page.get_by_label("Type the name of the family to go on").fill(name)
        page.get_by_role("button", name="Move out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Move-out: {name}")
        expect(page.get_by_role("heading", name="Record 1")).to_be_visible(timeout=40_000)
        expect(page.get_by_text("Everything is gone")).to_be_visible()
        looks_right(page)
        page.emulate_media(media="print")
        expect(page.get_by_role("button", name="Look again")).to_be_hidden()
        expect(page.get_by_text("Digest of the record")).to_be_visible()
        page.emulate_media(media="screen")
        page.get_by_role("button", name="Look again").click()
        expect(page.get_by_role("heading", name="Record 2")).to_be_visible()
        page.get_by_role("link", name="Move-outs").click()
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
        looks_right(page)


def test_without_a_script_one_person_is_moved_out(visit: Visit, demo: Demo) -> None:
    estate: Any = demo.simulator("GET", "estate")
    family = [
        one
        for one in estate["families"]
        if one["auth"] == "user"
        and not one["is_gone"]
        and any(each["auth"] == "guest" for each in one["members"])
    ][-1]
    leaves = next(one for one in family["members"] if one["auth"] == "guest")
    name = f"{leaves['first_name']} {leaves['last_name']}"
    with visit("manager", scripts=False) as page:
        page.goto("/families/?" + urlencode({"q": family["family_name"]}))
        page.locator("main").get_by_role("link", name=family["family_name"], exact=True).first.click()
        page.get_by_role("link", name="Move out").click()
        page.get_by_label("Some of them").check()
        page.get_by_label(name).check()
        page.get_by_role("button", name="Show what goes").click()
        expect(page.get_by_role("heading", name="Members 1")).to_be_visible()
        page.get_by_label("Type the name of the family to go on").fill(family["family_name"])
        page.get_by_role("button", name="Move out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Move-out: {family['family_name']}")
        for _ in range(40):
            if page.get_by_role("heading", name="Record 1").count():
                break
            page.wait_for_timeout(1_000)
            page.reload()
        expect(page.get_by_text("Everything is gone")).to_be_visible()
