"""Connections in a browser: signed in at the upstream and back, and linked for oneself."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def looks_right(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    problems = [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]]
    assert problems == [], page.url


@pytest.mark.parametrize("scripts", [True, False], ids=["htmx", "plain"])
def test_a_manager_signs_a_connection_in_at_the_upstream_and_removes_it(
    visit: Visit, demo: Demo, scripts: bool
) -> None:
    sign_in: Any = demo.simulator("GET", "sign-in")
    name = f"Hillside {scripts}"
    with visit("manager", scripts=scripts) as page:
        page.get_by_role("link", name="Connections").first.click()
        page.get_by_role("link", name="Add a connection").click()
        page.get_by_role("link", name="Sign-in in the browser").click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("The door system’s address").fill(demo.simulator_url)
        page.get_by_label("Client id").fill(sign_in["client_id"])
        page.get_by_label("Client secret").fill(sign_in["client_secret"])
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("link", name="Go to the door system").click()
        page.get_by_role("button", name="Allow").click()
        expect(page.get_by_text(f"“{name}” is added. It reaches 40 families")).to_be_visible()
        page.get_by_role("button", name="Remove").first.click()
        dialog = page.locator("dialog:popover-open, dialog[open]")
        dialog.get_by_label(re.compile("^Type ")).fill(name)
        dialog.get_by_role("button", name="Remove").click()
        expect(page.get_by_text(f"“{name}” is removed")).to_be_visible()


def test_the_pages_fit_a_phone_and_a_wrong_password_is_not_written_back(visit: Visit, demo: Demo) -> None:
    with visit("manager", width=360) as page:
        page.goto("/connections/")
        looks_right(page)
        page.get_by_role("link", name="Riverside").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Riverside")
        looks_right(page)
        page.goto("/account/connection/")
        looks_right(page)
        page.get_by_role("link", name="Connect my account").click()
        expect(page.get_by_text(f"Another address than {demo.simulator_url}")).to_be_visible()
        for label in ("User name", "Password", "Client id", "Client secret"):
            page.get_by_label(label).fill("wrong")
        page.get_by_role("button", name="Try and connect").click()
        expect(page.get_by_text("The door system refused the sign-in")).to_be_visible()
        expect(page.get_by_label("Password")).to_have_value("")
        expect(page.get_by_label("User name")).to_have_value("wrong")
        looks_right(page)
