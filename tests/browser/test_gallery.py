import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import gallery

pytestmark = pytest.mark.browser
PAGES = [*gallery.IN_FRAME, *(name.replace("/", "-") for name in gallery.ALONE)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gallery.served(tmp_path_factory.mktemp("gallery")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with gallery.opened(browser, address, width=1280, scheme="light") as (found, _troubles):
        yield found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_satisfies_axe_the_policy_and_the_width(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    with gallery.opened(browser, address, width=width, scheme=scheme) as (page, troubles):
        for name in PAGES:
            page.goto(f"/{name}")
            problems = [problem["id"] for problem in Axe().run(page).response["violations"]]
            assert problems == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert [words for words in troubles if "poll/" not in words and "404" not in words] == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("401", "You are signed out"),
        ("403", "You may not do this"),
        ("404", "This is no longer here"),
        ("409", "Somebody else was quicker"),
        ("413", "This is too large"),
        ("429", "Too many in a short time"),
        ("500", "Gatehouse had an error"),
        ("503-own", "Words of its own"),
        ("409-own", "Words of its own"),
        ("away", "We do not know whether this was done"),
    ],
)
def test_an_error_says_something_in_the_notices_and_swaps_nothing(page: Page, code: str, words: str) -> None:
    page.goto("/answers.html")
    page.locator(f"#post-{code}").click()
    expect(page.locator("#notices .notice")).to_have_count(1)
    expect(page.locator("#notices")).to_contain_text(words)
    expect(page.locator("#place")).to_have_text("untouched")


def test_a_read_without_an_answer_is_not_called_unknown(page: Page) -> None:
    page.goto("/answers.html")
    page.locator("#get-away").click()
    expect(page.locator("#notices")).to_contain_text("Gatehouse is not answering")


def test_the_same_error_twice_is_one_notice_and_can_be_closed(page: Page) -> None:
    page.goto("/answers.html")
    for _time in range(2):
        with page.expect_response("**/answer/404"):
            page.locator("#post-404").click()
    expect(page.locator("#notices .notice")).to_have_count(1)
    page.get_by_role("button", name="Close this notice").click()
    expect(page.locator("#notices .notice")).to_have_count(0)


def test_a_slash_goes_to_the_search_unless_somebody_writes(page: Page) -> None:
    page.goto("/families.html")
    page.keyboard.press("/")
    expect(page.get_by_role("search").get_by_role("searchbox")).to_be_focused()
    page.locator("#q").focus()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_have_value(re.compile("/"))


def test_the_chosen_colours_are_kept_in_a_cookie(page: Page) -> None:
    page.goto("/dashboard.html")
    page.get_by_role("button", name="Dark").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "theme"] == ["dark"]
    assert page.evaluate("localStorage.length") == 0


def test_opening_a_door_is_asked_in_the_place_of_its_button(page: Page) -> None:
    page.goto("/doors.html")
    card = page.locator("#door-card-frontdoor")
    card.get_by_role("button", name="Open").click()
    expect(card.get_by_label("Reason")).to_be_focused()
    card.get_by_label("Reason").fill("locked out")
    with page.expect_request("**/answer/unknown") as sent:
        card.get_by_role("button", name="Open the door").click()
    assert "reason=locked%20out" in (sent.value.post_data or "")
    assert "press=token" in (sent.value.post_data or "")
    expect(card).to_contain_text("Waiting for the answer")
    expect(card.locator(".press--sending")).to_be_visible()
    expect(card.locator(".press--unknown")).to_contain_text("We do not know whether the door opened")
    expect(card.locator(".press--sending")).to_be_hidden()
    expect(card.get_by_role("button", name="Press again")).to_be_focused()


def test_a_press_whose_answer_was_lost_is_called_unknown(page: Page) -> None:
    page.goto("/doors.html")
    page.route("**/answer/unknown", lambda route: route.abort())
    page.locator("#door-card-frontdoor").get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Open the door").click()
    expect(page.locator("#notices .notice--unknown")).to_contain_text("Look before you try again")


def test_rows_that_come_while_one_reads_further_down_are_counted(page: Page) -> None:
    page.goto("/log.html")
    page.mouse.wheel(0, 900)
    chip = page.get_by_role("button", name="1 new")
    expect(chip).to_be_visible(timeout=10_000)
    chip.click()
    expect(page.locator("#opening-99")).to_be_in_viewport()
    expect(page.locator("[data-new-rows]")).to_be_hidden()


def test_a_door_can_be_opened_without_a_script(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/doors.html")
    page.locator("#door-card-frontdoor").get_by_role("button", name="Open").click()
    with page.expect_request("**/answer/unknown") as sent:
        page.get_by_role("button", name="Open the door").click()
    assert sent.value.method == "POST"
    context.close()


def test_a_row_of_the_log_opens_in_place_with_the_keyboard(page: Page) -> None:
    page.goto("/log.html")
    page.locator("#opening-0 summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#opening-0 .entry__page")).to_be_visible()


def test_more_on_a_phone_leads_to_the_other_pages_and_out(browser: Browser, address: str) -> None:
    with gallery.opened(browser, address, width=360, scheme="light") as (page, _troubles):
        page.goto("/dashboard.html")
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("link", name="Audit")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
