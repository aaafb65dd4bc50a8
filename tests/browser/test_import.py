"""Bringing residents as a manager does: a sheet, its columns, its preview, the confirmation, and the job that runs."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]


def is_sound(page: Page, width: int) -> None:
    """Nothing for axe to object to, and nothing wider than the screen."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


@pytest.mark.parametrize("width", [1280, 360])
def test_a_manager_brings_a_sheet_and_sees_it_run(visit: Visit, tmp_path: Path, width: int) -> None:
    sheet = tmp_path / "residents.csv"
    rows = [
        "Vorname;Nachname;E-Mail;Rolle",
        f"Jürg;Müller;juerg{width}@example.org;Mitglied",
        f"<b>Bo</b>;Li;bo{width}@example.org;Admin",
        "Ce;Do;nobody;chief",
    ]
    sheet.write_bytes("\r\n".join(rows).encode("cp1252"))
    with visit("manager", width=width) as page:
        page.goto("/families/")
        page.get_by_role("link", name="Import residents").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Imports")
        is_sound(page, width)
        page.get_by_role("link", name="Import residents").first.click()
        page.get_by_role("button", name="Read it").click()
        expect(page.get_by_text("Choose a file, or paste rows below.")).to_be_visible()
        is_sound(page, width)
        page.get_by_label("A file").set_input_files(sheet)
        page.get_by_role("button", name="Read it").click()

        expect(page.get_by_label("Letters as")).to_have_value("cp1252")
        expect(page.get_by_label("Column 1")).to_have_value("first_name")
        expect(page.get_by_role("cell", name="Müller")).to_be_visible()
        find = page.get_by_role("searchbox", name="Find a family", exact=True)
        expect(find).to_be_visible()
        find.press_sequentially("fly")
        # Enter looks, and sends nothing.
        find.press("Enter")
        page.locator("#import-families input").first.check()
        is_sound(page, width)
        page.get_by_role("button", name="Show the preview").click()

        expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
        expect(page.get_by_text("<b>Bo</b> Li")).to_be_visible()
        is_sound(page, width)
        page.get_by_role("link", name=re.compile("Wrong 1")).click()
        expect(page.get_by_text("That is no e-mail address")).to_be_visible()
        expect(page.get_by_text("Jürg")).to_have_count(0)
        is_sound(page, width)
        page.go_back()
        expect(page.get_by_text("Jürg")).to_be_visible()

        # Back loses nothing: the choices stand as they were made.
        page.get_by_role("link", name="1. Columns").click()
        expect(page.locator("#import-families input:checked")).to_have_count(1)
        page.get_by_role("link", name="2. Preview").click()

        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_role("heading", name="2 rows will be sent")).to_be_visible()
        is_sound(page, width)
        page.get_by_role("button", name="Send 2 rows").click()
        page.wait_for_url(re.compile(r"/jobs/[\w-]{22}/$"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("residents.csv")
        expect(page.get_by_text("Done").first).to_be_visible(timeout=60_000)
        is_sound(page, width)

        # The same sheet once more needs no choice of columns, and invites nobody twice.
        page.go_back()
        page.goto("/imports/new/")
        page.get_by_label("Or rows, pasted").fill("\n".join(rows).replace(";", "\t"))
        page.get_by_role("button", name="Read it").click()
        page.get_by_role("searchbox", name="Find a family", exact=True).fill("fly")
        page.locator("#import-families input").first.check()
        page.get_by_role("button", name="Show the preview").click()
        expect(page.get_by_text("No row would be sent")).to_be_visible()
        page.get_by_role("button", name="Drop").click()
        page.locator("dialog:popover-open, dialog[open]").get_by_role("button", name="Drop").click()
        expect(page.get_by_text("Nothing was sent.")).to_be_visible()
        is_sound(page, width)


def test_without_a_script_every_step_works(visit: Visit) -> None:
    with visit("manager", scripts=False) as page:
        page.goto("/imports/new/")
        page.get_by_label("Or rows, pasted").fill("Ana Costa,ana.plain@example.org")
        page.get_by_role("button", name="Read it").click()
        expect(page.get_by_label("First row", exact=True)).to_have_value("no")
        page.get_by_label("First row", exact=True).select_option("yes")
        page.get_by_role("button", name="Read it like this").click()
        expect(page.get_by_label("First row", exact=True)).to_have_value("yes")
        page.get_by_label("First row", exact=True).select_option("no")
        page.get_by_role("button", name="Read it like this").click()
        expect(page.get_by_label("Column 2")).to_have_value("email")
        page.get_by_role("searchbox", name="Find a family", exact=True).fill("fly")
        page.get_by_role("button", name="Find", exact=True).click()
        page.locator("#import-families input").first.check()
        page.get_by_role("button", name="Show the preview").click()
        expect(page.get_by_role("cell", name="ana.plain@example.org")).to_be_visible()
        page.get_by_role("link", name="Go on").click()
        expect(page.get_by_role("button", name="Send 1 row", exact=True)).to_be_visible()
        page.get_by_role("link", name="Back to the preview").click()
        page.get_by_role("button", name="Drop").click()
        page.locator("dialog:popover-open, dialog[open]").get_by_role("button", name="Drop").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Imports")
