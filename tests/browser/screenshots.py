"""The pictures of the README and docs/screenshots, taken from a demo of its own. `make screenshots` runs it."""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import sign_in
from tests.browser.gallery import FLAGS
from tests.plugins.demo import ROOT, Demo, running_demo
from tests.services import find_chromium

FOLDER = ROOT / "docs" / "screenshots"
SHOTS = (
    ("dashboard", "manager", "/", 1280, "light"),
    ("log", "manager", "/log/", 1280, "light"),
    ("doors", "manager", "/doors/", 1280, "dark"),
    ("audit", "auditor", "/audit/", 1280, "light"),
    ("people", "manager", "/people/", 1280, "light"),
    ("connections", "manager", "/connections/", 1280, "light"),
    ("home-phone", "family-admin", "/", 360, "light"),
    ("log-phone", "manager", "/log/", 360, "dark"),
)


def main() -> None:
    """Take all pictures anew, small enough to be kept beside the code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder)) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for name, role, path, width, scheme in SHOTS:
            context = browser.new_context(
                base_url=demo.url,
                viewport={"width": width, "height": 800 if width > 500 else 740},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page = context.new_page()
            sign_in(page, demo, role)
            page.goto(path)
            if name == "log":
                open_a_door(page, demo)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
            context.close()
        browser.close()
    print(f"{len(SHOTS)} pictures in {FOLDER.relative_to(ROOT)}")


def open_a_door(page: Page, demo: Demo) -> None:
    """Something from the portal itself stands in the log, with the page of its row open."""
    page.goto("/doors/")
    card = page.locator("article.door-card:not(.door-card--offline)").first
    card.get_by_role("button", name=re.compile("^Open")).first.click()
    card.get_by_label("Reason").fill("Locked out, called at the office")
    card.get_by_role("button", name="Open the door").click()
    card.locator(".press--seen").wait_for(timeout=30_000)
    page.goto("/log/")
    page.locator(".entry").filter(has_text="from the portal").first.locator("summary").click()


if __name__ == "__main__":
    main()
