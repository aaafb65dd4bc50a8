"""The full picture of an opening: for whom, from where, what leaves, and what is said when there is none."""

import base64
import io
import re
import threading
import time
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from access.models import Opening, Picture
from access.selectors import Press
from access.services import pictures
from families.models import Kind
from portal.audit.models import Entry
from portal.ids import hidden_id
from tests.factories import (
    AuditorFactory,
    CommandFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def opening(simulator):
    """An opening with its picture, as the sync has written it."""
    simulator.reset(families=1)
    read(connect(simulator), Kind.FAMILIES, Kind.DEVICES, Kind.OPENINGS)
    simulator.clear_journal()
    return Opening.objects.exclude(picture_url="").order_by("-at").first()


def path_of(opening, name="opening_picture"):
    return reverse(f"access:{name}", args=[hidden_id(opening.pk, "opening")])


def ask(opening, person, name="opening_picture", **options):
    client = Client()
    client.force_login(person)
    return client.get(path_of(opening, name), **options)


def drawn_in(text):
    found = re.search(r'src="data:image/jpeg;base64,([^"]+)"', text)
    return base64.b64decode(found[1]) if found else None


class TestThePicture:
    def test_it_is_fetched_when_it_is_asked_for_and_drawn_anew(self, simulator, opening):
        answer = ask(opening, ManagerFactory())

        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.size) == ("JPEG", (640, 360))
        [asked] = simulator.journal()
        assert (asked["command"], asked["method"]) == ("pictures", "GET")
        assert asked["path"].startswith("/pictures/captures/")

    def test_it_is_kept_by_nobody(self, simulator, opening, settings):
        before = {path for path in settings.PICTURES_DIR.rglob("*") if path.is_file()}
        answer = ask(opening, ManagerFactory())

        assert "no-store" in answer["Cache-Control"]
        assert {path for path in settings.PICTURES_DIR.rglob("*") if path.is_file()} == before
        ask(opening, ManagerFactory())
        assert len(simulator.journal("pictures")) == 2

    def test_its_page_shows_it_beside_what_the_log_says(self, simulator, opening):
        answer = ask(opening, ManagerFactory(), "opening_picture_page")

        assert answer.status_code == 200
        assert "<html" in answer.text
        assert "Picture taken at the door at" in answer.text
        assert opening.device_name in answer.text
        with Image.open(io.BytesIO(drawn_in(answer.text))) as image:
            assert image.format == "JPEG"
        assert "img-src 'self' data:" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]

    def test_its_fragment_is_the_same_without_the_page(self, simulator, opening):
        answer = ask(opening, ManagerFactory(), "opening_picture_page", headers=HTMX)

        assert "<html" not in answer.text
        assert answer.text.strip().startswith('<div class="stack" id="opening-picture">')

    def test_a_look_at_a_picture_is_no_line_in_the_trail(self, simulator, opening):
        client = Client()
        client.force_login(ManagerFactory())
        before = Entry.objects.count()

        assert client.get(path_of(opening)).status_code == 200
        assert Entry.objects.count() == before

    def test_the_row_of_the_log_leads_to_both(self, simulator, opening):
        client = Client()
        client.force_login(ManagerFactory())
        page = client.get(reverse("desk:log_list")).text

        assert f'src="{path_of(opening)}"' in page
        assert f'href="{path_of(opening, "opening_picture_page")}"' in page
        assert simulator.journal() == []

    def test_a_row_without_one_offers_none(self, simulator, opening):
        Opening.objects.update(picture_url="")
        client = Client()
        client.force_login(ManagerFactory())

        assert "/picture." not in client.get(reverse("desk:log_list")).text

    def test_a_press_that_was_seen_has_it_in_place_without_a_script(self, simulator, opening):
        Opening.objects.filter(pk=opening.pk).update(picture=Picture.READY)
        opening.refresh_from_db()
        press = Press(CommandFactory(actor_name="Ana"), "seen", opening, is_waiting=False)

        page = render_to_string("access/_press.html", {"press": press, "thumbnail_url": "/small.jpg"})

        assert page.count("<details") == 1
        assert f'src="{path_of(opening)}"' in page
        assert f'href="{path_of(opening, "opening_picture_page")}"' in page
        opening.picture_url = ""
        assert "<details" not in render_to_string(
            "access/_press.html", {"press": press, "thumbnail_url": "/small.jpg"}
        )


class TestWhoMay:
    @pytest.mark.parametrize("name", ["opening_picture", "opening_picture_page"])
    def test_nobody_without_signing_in(self, simulator, opening, name):
        assert Client().get(path_of(opening, name)).status_code == 302
        assert simulator.journal() == []

    def test_an_auditor_and_the_family_admin_from_the_grants_start(self, simulator, opening):
        Opening.objects.filter(pk=opening.pk).update(at=timezone.now())
        person = GrantFactory(family=opening.family).person

        assert ask(opening, AuditorFactory()).status_code == 200
        assert ask(opening, person).status_code == 200

    @pytest.mark.parametrize("name", ["opening_picture", "opening_picture_page"])
    def test_what_somebody_may_not_see_is_not_there_and_nothing_is_fetched(self, simulator, opening, name):
        earlier = GrantFactory(family=opening.family, starts_at=timezone.now() + timedelta(seconds=-1)).person
        Opening.objects.filter(pk=opening.pk).update(at=timezone.now() - timedelta(hours=2))
        for person in (earlier, FamilyAdminFactory(), GrantFactory().person, PropertyLimitFactory().person):
            assert ask(opening, person, name).status_code == 404
        assert simulator.journal() == []

    @pytest.mark.parametrize("spelling", ["1", "x", "A" * 22, "0" * 10_000, "a%00b", "..%2F..%2Fkeys"])
    def test_an_address_of_nothing_is_not_there(self, simulator, opening, spelling):
        client = Client()
        client.force_login(ManagerFactory())

        for end in ("picture.jpg", "picture/"):
            assert client.get(f"/log/openings/{spelling}/{end}").status_code in {400, 404}
        assert simulator.journal() == []

    def test_it_is_only_looked_at(self, simulator, opening):
        client = Client()
        client.force_login(ManagerFactory())

        for name in ("opening_picture", "opening_picture_page"):
            assert client.post(path_of(opening, name)).status_code == 405
        assert simulator.journal() == []


NOTHING_OF_IT = ["svg", "html", "redirect", "pixel_flood", "truncated", "not_a_picture", "empty", "huge"]


class TestTrouble:
    @pytest.mark.parametrize("kind", NOTHING_OF_IT)
    def test_what_is_no_picture_never_leaves(self, simulator, opening, kind):
        simulator.fault("pictures", kind)

        answer = ask(opening, ManagerFactory())
        page = ask(opening, ManagerFactory(), "opening_picture_page")

        assert (answer.status_code, answer.content) == (502, b"")
        assert page.status_code == 200
        assert "What came is no picture" in page.text
        assert "alert(1)" not in page.text
        assert drawn_in(page.text) is None

    def test_a_redirect_is_not_followed_whereever_it_leads(self, simulator, opening):
        for location in ("http://169.254.169.254/latest/meta-data", f"{simulator.url}/_simulator/trap"):
            simulator.fault("pictures", "redirect", location=location, times=1)
            assert ask(opening, ManagerFactory()).status_code == 502
        assert {row["command"] for row in simulator.journal()} == {"pictures"}

    def test_of_one_that_moves_the_beginning_is_shown(self, simulator, opening):
        simulator.fault("pictures", "animated")

        with Image.open(io.BytesIO(ask(opening, ManagerFactory()).content)) as image:
            assert (image.format, getattr(image, "n_frames", 1)) == ("JPEG", 1)
            red, green, blue = image.convert("RGB").getpixel((50, 50))
        assert red > 200 > 60 > max(green, blue)

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    def test_one_that_the_door_system_took_away_is_said_to_be_gone(self, simulator, opening, status):
        simulator.fault("pictures", "status", status=status)

        page = ask(opening, ManagerFactory(), "opening_picture_page")

        assert "does not give it any more" in page.text
        assert "Try again" not in page.text

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("status", {"status": 503}),
            ("status", {"status": 429}),
            ("reset_before", {}),
            ("cut", {}),
            ("hang", {"seconds": 20}),
            ("drip", {"seconds": 0.3}),
            ("drip_headers", {"seconds": 0.3}),
        ],
    )
    def test_one_that_does_not_come_in_time_can_be_asked_for_again(
        self, simulator, opening, settings, kind, options
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.6
        simulator.fault("pictures", kind, **options)
        began = time.monotonic()

        answer = ask(opening, ManagerFactory(), "opening_picture_page")

        assert time.monotonic() - began < 1.6
        assert answer.status_code == 503
        assert "did not come in time" in answer.text
        assert f'href="{path_of(opening, "opening_picture_page")}"' in answer.text
        simulator.clear_faults()
        assert ask(opening, ManagerFactory()).status_code == 200

    @pytest.mark.parametrize(
        "address",
        [
            "http://127.0.0.1:9/a.jpg",
            "http://169.254.169.254/latest/meta-data",
            "https://elsewhere.example/a.jpg",
            "http://localhost/a.jpg",
            "http://[::ffff:127.0.0.1]/a.jpg",
            "http://2130706433/a.jpg",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "//127.0.0.1/a.jpg",
        ],
    )
    def test_an_address_that_is_not_permitted_is_never_asked(self, simulator, opening, address):
        Opening.objects.filter(pk=opening.pk).update(picture_url=address)

        page = ask(opening, ManagerFactory(), "opening_picture_page")

        assert "address is not allowed" in page.text
        assert address not in page.text
        assert ask(opening, ManagerFactory()).status_code == 502
        assert simulator.journal() == []

    def test_production_asks_nothing_of_this_machine(self, simulator, opening, settings):
        settings.IS_PRODUCTION = True

        assert "address is not allowed" in ask(opening, ManagerFactory(), "opening_picture_page").text
        assert simulator.journal() == []

    def test_a_row_whose_camera_took_none_says_so(self, simulator, opening):
        bare = OpeningFactory(family=opening.family, picture=Picture.NONE)

        assert "There is no picture" in ask(bare, ManagerFactory(), "opening_picture_page").text
        assert simulator.journal() == []

    def test_hosts_that_hang_hold_no_more_threads_than_pictures_may_have(
        self, simulator, opening, settings, monkeypatch
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 4.0
        monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.1)
        simulator.fault("pictures", "hang", seconds=20)
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(_fetch(opening.picture_url, simulator.host)))
            for _ in range(pictures.AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        while len(simulator.journal("pictures")) < pictures.AT_ONCE:
            time.sleep(0.02)
        began = time.monotonic()

        answer = ask(opening, ManagerFactory(), "opening_picture_page")

        assert time.monotonic() - began < 1
        assert answer.status_code == 503
        assert "Nothing was asked" in answer.text
        simulator.clear_faults()
        for thread in threads:
            thread.join()
        assert ask(opening, ManagerFactory()).status_code == 200


def _fetch(url, host):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "hosts_of", lambda families: {key: {host} for key in families})
        return pictures.fetch_full(Opening(picture_url=url))
