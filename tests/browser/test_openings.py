"""A door is opened on a phone by one press that is held, and by nothing less; at a desk by two clicks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Visit, sign_in
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]

OPEN = "trigger_akuvox_remote_open_door"
LONG_ENOUGH_MS = 1_100
TOO_SHORT_MS = 500


@contextmanager
def phone(browser: Browser, demo: Demo, role: str) -> Iterator[Page]:
    """Somebody signed in with a finger on a small screen."""
    context = browser.new_context(
        base_url=demo.url,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page, demo, role)
    yield page
    context.close()


def hold(page: Page, button: Locator, milliseconds: int) -> None:
    """A finger stays on the button for so long."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.wait_for_timeout(milliseconds)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def sent(demo: Demo) -> list[Any]:
    found: Any = demo.simulator("GET", f"journal?command={OPEN}")
    return list(found)


def check(page: Page) -> None:
    problems = [
        (problem["id"], problem["nodes"][0]["html"][:200])
        for problem in Axe().run(page).response["violations"]
    ]
    assert problems == []
    width = page.evaluate("document.documentElement.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_family_admin_opens_a_door_with_one_press_that_is_held(browser: Browser, demo: Demo) -> None:
    demo.simulator("DELETE", "journal")
    with phone(browser, demo, "family-admin") as page:
        page.goto("/doors/")
        button = page.locator("article.door-card:not(.door-card--offline) button[data-hold]").first
        slot = page.locator(".press-slot").filter(has=page.locator("button[data-hold]")).first
        name = slot.get_attribute("id")
        slot = page.locator(f"#{name}")

        hold(page, button, TOO_SHORT_MS)
        expect(slot).to_contain_text("Let go too soon. Nothing was sent.")
        check(page)
        assert sent(demo) == []

        hold(page, button, LONG_ENOUGH_MS)
        expect(slot).to_contain_text(re.compile("The door was told to open|Opened, seen"))
        assert len(sent(demo)) == 1

        # The click of the finger that is lifted is no press of its own: for a moment none counts.
        page.wait_for_timeout(1600)
        # Lifted at once it is a tap, and asks; that it was pressed just now is told.
        slot.get_by_role("button", name=re.compile("^Open again")).tap()
        expect(slot).to_contain_text("Again?")
        check(page)
        slot.get_by_role("link", name="Cancel").tap()
        expect(slot.get_by_role("button", name=re.compile("^Open again"))).to_be_visible()
        assert len(sent(demo)) == 1


def test_a_manager_opens_a_door_with_two_clicks_and_a_held_mouse_sends_nothing(
    visit: Visit, demo: Demo
) -> None:
    demo.simulator("DELETE", "journal")
    with visit("manager") as page:
        page.goto("/doors/")
        button = page.locator("article.door-card:not(.door-card--offline) button[data-hold]").last
        button.scroll_into_view_if_needed()
        name = str(button.get_attribute("id")).removeprefix("press-button-")
        slot = page.locator(f"#press-{name}")
        button.hover()
        page.mouse.down()
        page.wait_for_timeout(LONG_ENOUGH_MS)
        assert sent(demo) == []
        page.mouse.up()
        expect(slot.get_by_label("Reason")).to_be_focused()
        check(page)
        slot.get_by_role("button", name="Open the door").click()
        expect(slot).to_contain_text(re.compile("The door was told to open|Opened, seen"))
        assert len(sent(demo)) == 1


def test_a_security_door_is_opened_by_the_word_that_it_shows(visit: Visit, demo: Demo) -> None:
    found = demo.manage(
        "shell",
        "-v0",
        "-c",
        "from access.models import Relay; r = Relay.objects.filter(is_security=True, gone_at=None,"
        " device__gone_at=None, device__is_online=True).select_related('device__family').first();"
        " print(r.device.family.public_id, r.public_id)",
    )
    family_id, relay_id = found.stdout.split()
    demo.simulator("DELETE", "journal")
    with visit("manager", width=360) as page:
        page.goto(f"/families/{family_id}/doors/{relay_id}/open/")
        check(page)
        page.get_by_label("Type “open” to open a security door").fill("close")
        page.get_by_role("button", name="Open the door").click()
        expect(page.get_by_text("That is another word.")).to_be_visible()
        assert sent(demo) == []
        page.get_by_label("Type “open” to open a security door").fill("Open ")
        page.get_by_role("button", name="Open the door").click()
        expect(page.get_by_text(re.compile("The door was told to open|Opened, seen|Refused"))).to_be_visible()
        assert len(sent(demo)) == 1
