"""A job as people see it: how far it is, pausing, going on, stopping, rows of which nobody knows what became; and an auditor's look."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]
INVITE = "invite_family_account"
ROWS = 60


def is_sound(page: Page, width: int) -> None:
    """Nothing for axe to object to, and nothing wider than the screen."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def begin(demo: Demo, folder: Path, name: str) -> None:
    """A sheet that takes a while, of which two rows get no answer."""
    estate: Any = demo.simulator("GET", "estate")
    family = next(one for one in estate["families"] if one["auth"] == "admin" and not one["is_gone"])
    sheet = folder / f"{name}.csv"
    rows = [f"Ana,Costa{number},{name}{number}@example.org" for number in range(ROWS)]
    sheet.write_text("\n".join(["First name,Last name,E-mail", *rows]))
    demo.simulator("POST", "faults", command=INVITE, kind="reset_after", times=2)
    demo.simulator("POST", "faults", command=INVITE, kind="latency", seconds=1.5)
    by = demo.people["manager"]["email"]
    ran = demo.manage("import_residents", str(sheet), "--by", by, "--family", family["residence_id"], "--yes")
    assert ran.returncode == 0, ran.stderr


def confirm(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).first.click()
    page.locator("dialog:popover-open, dialog[open]").get_by_role("button", name=button, exact=True).click()


def chip(page: Page, words: str) -> Any:
    return page.locator(".job-live__counts").get_by_role("link", name=re.compile(rf"^{words} \d"))


@pytest.mark.parametrize("width", [1280, 360])
def test_a_manager_steers_a_job_and_settles_what_nobody_knows(
    visit: Visit, demo: Demo, tmp_path: Path, width: int
) -> None:
    name = f"job{width}"
    begin(demo, tmp_path, name)
    try:
        with visit("manager", width=width) as page:
            page.goto("/jobs/")
            is_sound(page, width)
            page.get_by_role("link", name=f"{name}.csv").first.click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(name)
            # It moves by itself.
            expect(chip(page, "Unknown")).to_contain_text("2", timeout=60_000)
            expect(chip(page, "On its way")).to_be_visible()
            is_sound(page, width)

            page.get_by_role("button", name="Pause", exact=True).click()
            expect(page.get_by_text("Somebody paused it. Nothing is sent")).to_be_visible()
            expect(chip(page, "On its way")).to_have_count(0, timeout=20_000)
            through = page.get_by_text("rows to send are through").inner_text()
            is_sound(page, width)

            chip(page, "Unknown").click()
            expect(page.get_by_role("heading", name="Rows: Unknown")).to_be_visible()
            page.get_by_role("button", name="Look", exact=True).first.click()
            expect(page.get_by_text("nothing tells yet")).to_be_visible()
            is_sound(page, width)
            confirm(page, "It was done")
            expect(page.get_by_text("counts as done")).to_be_visible()
            expect(chip(page, "Unknown")).to_contain_text("1")
            confirm(page, "Send once more")
            expect(page.get_by_text("is sent once more")).to_be_visible()
            expect(chip(page, "Unknown")).to_have_count(0)
            assert page.get_by_text("rows to send are through").inner_text() != through

            page.get_by_role("button", name="Let it go on").click()
            expect(page.get_by_text("It goes on.")).to_be_visible()
            expect(chip(page, "On its way")).to_be_visible(timeout=60_000)
            confirm(page, "Stop")
            expect(page.get_by_text("It is stopped. What was done stays done")).to_be_visible()
            expect(page.get_by_role("button", name="Let it go on")).to_have_count(0)
            expect(page.locator("#job-live-heading")).to_contain_text("Stopped")
            is_sound(page, width)
    finally:
        demo.simulator("DELETE", "faults")
    journal: Any = demo.simulator("GET", f"journal?command={INVITE}")
    sent = [each["param"]["email"] for each in journal if each["param"]["email"].startswith(name)]
    # The one that a person let go once more, and nobody else.
    assert len(sent) - len(set(sent)) == 1
    assert len(set(sent)) < ROWS

    with visit("auditor", width=width) as page:
        page.goto("/jobs/")
        expect(page.get_by_role("link", name="Import residents")).to_have_count(0)
        page.get_by_role("link", name=f"{name}.csv").first.click()
        expect(page.locator("#job-live-heading")).to_contain_text("Stopped")
        expect(page.locator("main form, main button")).to_have_count(0)
        is_sound(page, width)
        with page.expect_download() as loaded:
            page.get_by_role("link", name="Report").click()
        assert f"{name}0@example.org" in Path(loaded.value.path()).read_text()
