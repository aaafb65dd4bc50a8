"""A person's second factors in a browser: an app, a recovery code, a passkey of Chromium's virtual authenticator."""

import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.accounts.factors import code_of
from tests.browser.conftest import sign_in
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.xdist_group("demo")]
PAGE = "/account/second-factor/"


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """A browser of its own; the demo's auditor has no second factor before and after."""
    # Passkeys belong to a name, never to a number.
    context = browser.new_context(
        base_url=demo.url.replace("127.0.0.1", "localhost"),
        viewport={"width": 1280, "height": 900},
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    found = context.new_page()
    troubles: list[str] = []
    found.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    found.on("pageerror", lambda error: troubles.append(str(error)))
    yield found
    context.close()
    demo.manage("reset_second_factor", demo.people["auditor"]["email"])
    assert [words for words in troubles if "422" not in words] == []


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/**")


def show_password(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "auditor", until="**/account/second-factor/show/")


def test_an_app_is_set_up_and_each_code_works_once(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "auditor")
    page.goto(PAGE)
    page.get_by_role("link", name="Set up an app").click()
    expect(page.locator("svg.qr")).to_be_visible()
    satisfies_axe(page)
    secret = page.locator("#secret-key").inner_text().replace(" ", "")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".field__errors")).to_contain_text("not the code of now")
    assert page.locator("#secret-key").inner_text().replace(" ", "") == secret
    first = code_of(secret)
    page.get_by_label("Code").fill(first)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    satisfies_axe(page)
    codes = [code.replace(" ", "") for code in page.locator(".recovery-codes li").all_inner_texts()]
    assert len(codes) == 10
    page.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()").replace(" ", "").split() == codes
    page.get_by_role("link", name="They are kept").click()
    expect(page.get_by_role("main")).to_contain_text("10 codes left")
    satisfies_axe(page)

    sign_out(page)
    show_password(page, demo)
    satisfies_axe(page)
    # The code it was set up with is used; so is any that signed somebody in.
    show_code(page, first)
    expect(page.locator(".field__errors")).to_contain_text("wrong, or was used")
    fresh = next_code(secret, first)
    show_code(page, fresh)
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    sign_out(page)
    show_password(page, demo)
    show_code(page, fresh)
    expect(page.locator(".field__errors")).to_contain_text("wrong, or was used")
    show_code(page, codes[0])
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    sign_out(page)
    show_password(page, demo)
    show_code(page, codes[0])
    expect(page.locator(".field__errors")).to_contain_text("wrong, or was used")
    assert demo.manage("audit_verify").returncode == 0


def test_a_passkey_signs_in_with_and_without_the_password(page: Page, demo: Demo) -> None:
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    sign_in(page, demo, "auditor")
    page.goto(PAGE)
    page.get_by_role("link", name="Add a passkey").click()
    satisfies_axe(page)
    page.get_by_label("Name").fill("Telephone")
    page.get_by_role("button", name="Add this device").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.get_by_role("link", name="They are kept").click()
    expect(page.locator(".factor__name")).to_have_text("Telephone")

    sign_out(page)
    show_password(page, demo)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))

    page.goto("/account/again/?next=/log/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r"localhost:\d+/log/$"))

    page.goto(PAGE)
    page.get_by_role("link", name="Remove Telephone").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("main")).not_to_contain_text("Telephone")


def test_the_pages_fit_a_telephone(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, demo, "auditor")
    for path in (PAGE, f"{PAGE}app/", f"{PAGE}passkeys/", "/account/again/"):
        page.goto(path)
        satisfies_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def show_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def next_code(secret: str, before: str) -> str:
    """The next code that the app shows: the one of half a minute later is accepted already."""
    code = code_of(secret, steps=1)
    while code == before:
        time.sleep(1)
        code = code_of(secret, steps=1)
    return code


def satisfies_axe(page: Page) -> None:
    problems = [
        (problem["id"], problem["nodes"][0]["html"][:200])
        for problem in Axe().run(page).response["violations"]
    ]
    assert problems == [], page.url
