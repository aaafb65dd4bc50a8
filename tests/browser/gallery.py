"""Renders the components with made-up content, takes pictures of them, and lets axe judge them.

    python -m tests.browser.gallery [FOLDER]        pictures and axe; exit 1 where axe or the CSP objects
    python -m tests.browser.gallery --serve         only serves the pages, on a free port, until Ctrl-C

Needs no database. The pages are served under the portal's own Content-Security-Policy, so what that forbids is found here.
"""

import argparse
import datetime as dt
import io
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.browser.gallery_site import configure

configure()

import django_htmx  # noqa: E402 - what follows asks for settings
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from django.utils import timezone  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from portal.web.sheet import whole_sheet  # noqa: E402
from tests.browser import gallery_samples as samples  # noqa: E402
from tests.browser.gallery_site import ROOT, engine  # noqa: E402
from tests.services import find_chromium  # noqa: E402

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
IN_FRAME = ["dashboard.html", "families.html", "family.html", "doors.html", "log.html", "parts.html"]
ALONE = ["account/login.html", "404.html", "500.html", "503.html"]
WIDTHS = (1280, 360)
# The errors that htmx drops in silence, one with words of its own, and no answer at all.
CODES = ["401", "403", "404", "409", "413", "429", "500", "503-own", "409-own", "away"]


def pages() -> dict[str, str]:
    """Every page of the gallery by file name, rendered now."""
    now = timezone.now()
    user = samples.User(name="Ana Duarte", role="Property manager")
    context = {
        "user": user,
        "now": now,
        "attention": samples.ATTENTION,
        "hours": samples.HOURS,
        "families": samples.FAMILIES,
        "members": samples.MEMBERS,
        "cards": samples.cards(now),
        "days": samples.days(now),
        "codes": CODES,
        "form": samples.InviteForm({"email": "not an address", "note": "Third floor"}),
    }
    templates = engine()
    found = {
        name: templates.get_template(name).render({**context, "navigation": samples.navigation(name)})
        for name in [*IN_FRAME, "answers.html"]
    }
    for name in ALONE:
        form = samples.SignInForm({"login": "ana@example.net"} if "login" in name else None)
        found[name.replace("/", "-")] = templates.get_template(name).render(
            {"form": form, "redirect_field": ""}
        )
    found["unknown.fragment"] = templates.get_template("access/_press.html").render(
        samples.answered_press(now)
    )
    found["ask.fragment"] = templates.get_template("access/_opening_form.html").render(
        samples.asked_press(now)
    )
    found["rows.fragment"] = (
        templates.get_template("desk/_log_live.html").render(
            {"poll_url": "/answer/204", "as_of_words": "now"}
        )
        + '<ol hx-swap-oob="afterbegin:#log-day-2026-11-21">'
        + templates.get_template("desk/_log_rows.html").render({"rows": [samples.new_row(now)]})
        + "</ol>"
    )
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The gallery written into ``folder`` and served on a free port of this machine; its address."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "style.css").write_bytes(whole_sheet().content)
    for number in range(4):
        (folder / f"sample-{number}.jpg").write_bytes(_portrait(number))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Files of the gallery, /static/ from where it stands in the tree, and the portal's own policy on all of it."""

    def translate_path(self, path: str) -> str:
        plain = path.partition("?")[0]
        if plain.startswith("/static/django_htmx/"):
            return str(Path(django_htmx.__file__).parent / plain.removeprefix("/").removesuffix("/"))
        if plain.startswith("/style/"):
            return str(Path(self.directory) / "style.css")
        if plain.startswith("/static/"):
            return str(ROOT / plain.removeprefix("/"))
        return super().translate_path(path)

    def do_GET(self) -> None:
        if not self._answered():
            super().do_GET()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answered()

    def _answered(self) -> bool:
        """Plays the server to answers.html and to the forms: the last part of the path is the answer asked for."""
        path = self.path.partition("?")[0]
        wanted = path.removeprefix("/answer/")
        if wanted == path:
            return False
        if wanted == "away":
            self.close_connection = True
            return True
        code, _dash, own = wanted.partition("-")
        fragment = Path(self.directory) / f"{code}.fragment"
        if fragment.exists():
            time.sleep(0.5)
            code, body = "200", fragment.read_text(encoding="utf-8")
        elif own:
            body = '<div class="notice notice--warn">Words of its own</div>'
        else:
            body = "" if code == "204" else "<p>an answer</p>"
        self.send_response(int(code))
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())
        return True

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_words: object) -> None:
        return


def _portrait(number: int) -> bytes:
    """A made-up picture of somebody at a door."""
    tones = [(196, 178, 150), (150, 170, 190), (120, 130, 120), (205, 190, 180)]
    image = Image.new("RGB", (240, 180), tones[number])
    draw = ImageDraw.Draw(image)
    draw.rectangle((150, 0, 240, 180), fill=tuple(tone - 40 for tone in tones[number]))
    draw.ellipse((80, 30, 150, 110), fill=(120 - number * 15, 90, 70))
    draw.ellipse((40, 105, 190, 260), fill=(60, 70 + number * 15, 90))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()


@contextmanager
def opened(
    browser: Browser, address: str, *, width: int, scheme: str, forced: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """A page of that width and colour scheme, and a list to which everything the policy or a script objects to is added."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": 900 if width > 500 else 740},
        color_scheme="dark" if scheme == "dark" else "light",
        forced_colors="active" if forced else "none",
        reduced_motion="reduce",
    )
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page, troubles
    context.close()


def main(folder: Path) -> int:
    """Takes the pictures, prints what axe, the policy or the width object to, and returns how many that is."""
    objections = 0
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as site,
        served(Path(site)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for scheme in ("light", "dark"):
            for width in WIDTHS:
                with opened(browser, address, width=width, scheme=scheme) as (page, troubles):
                    for name in [*IN_FRAME, *(alone.replace("/", "-") for alone in ALONE)]:
                        objections += _judge(
                            page, name, folder / f"{name[:-5]}-{width}-{scheme}.png", troubles
                        )
        with opened(browser, address, width=1280, scheme="light", forced=True) as (page, _troubles):
            for name in ("parts.html", "doors.html", "log.html", "dashboard.html"):
                page.goto(f"/{name}")
                page.screenshot(path=folder / f"{name[:-5]}-forced.png", full_page=True)
        for width in WIDTHS:
            with opened(browser, address, width=width, scheme="light") as (page, _troubles):
                _opened_things(page, folder, width)
        browser.close()
    for name in ("parts", "doors", "log"):
        for scheme in ("light", "dark"):
            with Image.open(folder / f"{name}-1280-{scheme}.png") as picture:
                picture.convert("L").save(folder / f"{name}-grey-{scheme}.png")
    print(f"{objections} objections; pictures in {folder}")
    return min(objections, 1)


def _opened_things(page: Page, folder: Path, width: int) -> None:
    page.goto("/doors.html")
    page.get_by_role("button", name="Open anyway").click()
    page.screenshot(path=folder / f"dialog-{width}.png")
    page.goto("/log.html")
    page.locator(".entry__line").first.click()
    page.screenshot(path=folder / f"entry-{width}.png")
    if width < 500:
        page.get_by_role("button", name="More").click()
        page.screenshot(path=folder / f"more-{width}.png")


def _judge(page: Page, name: str, picture: Path, troubles: list[str]) -> int:
    troubles.clear()
    page.goto(f"/{name}")
    page.screenshot(path=picture, full_page=True)
    found = [
        f"{problem['id']}: {problem['nodes'][0]['html'][:160]}"
        for problem in Axe().run(page).response["violations"]
    ]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if too_wide > 0:
        found.append(f"{too_wide} px wider than the window")
    # The polls of the samples have nobody to answer them.
    found += [words for words in troubles if "404" not in words and "poll/" not in words]
    for words in found:
        print(f"{picture.stem}: {words}")
    return len(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pictures of every component")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "var" / "gallery")
    parser.add_argument("--serve", action="store_true")
    chosen = parser.parse_args()
    if chosen.serve:
        with tempfile.TemporaryDirectory() as place, served(Path(place)) as where:
            print(f"{where}/dashboard.html  (made {dt.datetime.now(dt.UTC):%H:%M} UTC; Ctrl-C ends it)")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                sys.exit(0)
    sys.exit(main(chosen.folder))
