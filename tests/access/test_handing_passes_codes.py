"""A pass's code shown, and its sheet: live, on the trail first, to whoever may, and kept nowhere."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from access.services.passes.codes import PassCode, qr_data_url, read_code
from access.services.passes.revealing import PassNotThere, reveal_pass
from families.models import Kind, SyncState
from families.services.acting import NoConnection
from portal.audit.trail import By
from portal.connections.models import Connection
from tests.access.handing import Given, deeds, kept, post
from tests.access.passing import LIST, tell
from tests.access.passing import key as row
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import AuditorFactory, FamilyAdminFactory, GrantFactory, ManagerFactory
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db(transaction=True)

WAYS = {"pass_reveal": "pass.reveal", "pass_sheet": "pass.sheet"}


@pytest.fixture
def given(simulator, settings) -> Given:
    settings.CAPTURE_HOSTS = [simulator.host]
    return Given.of(simulator)


def maker_of(given):
    """A family admin who made the pass."""
    person = FamilyAdminFactory()
    GrantFactory(person=person, family=given.family, starts_at=timezone.now())
    given.say(made_by=person, made_after=timezone.now())
    return person


class TestShown:
    @pytest.mark.parametrize("way", WAYS)
    def test_it_is_read_live_and_told_on_the_trail_before(self, client, given, way):
        answer = post(client, ManagerFactory(name="Ana"), given.path(way))

        assert answer.status_code == 200
        assert given.grouped in answer.text
        assert 'src="data:image/png;base64,' in answer.text
        assert "data:" in answer["Content-Security-Policy"].partition("img-src")[2].partition(";")[0]
        assert "no-store" in answer["Cache-Control"]
        assert answer["Refresh"].endswith(f"url={given.path()}")
        assert "data-vanishes" in answer.text
        assert given.asked() == given.one_look
        assert deeds(WAYS[way]) == [("intent", ""), ("outcome", "succeeded")]
        assert holds()

    @pytest.mark.parametrize("way", WAYS)
    def test_it_is_kept_nowhere(self, client, given, way, caplog):
        answer = post(client, ManagerFactory(), given.path(way))
        everything = kept() + caplog.text + str(answer.headers) + str(dict(client.session))
        assert not [secret for secret in given.secrets() if secret in everything]
        assert given.qr_url not in answer.text

    def test_a_script_gets_the_code_in_its_place_and_the_words_with_it(self, client, given):
        answer = post(client, ManagerFactory(), given.path("pass_reveal"), **HTMX)
        assert "<html" not in answer.text
        assert 'id="pass-slot"' in answer.text
        assert f"Code: {given.grouped}" in answer.text
        assert answer.text.count('data-vanishes="30"') == 2
        assert "Refresh" not in answer

    def test_the_page_that_asks_permits_the_picture_and_no_other_does(self, client, given):
        def pictures(person):
            client.force_login(person)
            return (
                client.get(given.path())["Content-Security-Policy"].partition("img-src")[2].partition(";")[0]
            )

        assert "data:" in pictures(ManagerFactory())
        assert "data:" not in pictures(AuditorFactory())

    @pytest.mark.parametrize("way", WAYS)
    def test_a_family_admin_is_shown_what_they_made(self, client, given, way):
        assert given.grouped in post(client, maker_of(given), given.path(way)).text

    def test_the_sheet_has_all_that_a_visitor_needs(self, client, given):
        given.say(visitor_name="Rui Sá")
        text = post(
            client, ManagerFactory(name="Ana", email="ana@riverside.example"), given.path("pass_sheet")
        ).text
        for words in (
            "Rui Sá",
            "From",
            "Until",
            "At the door",
            "<bdi>Ana</bdi>, ana@riverside.example",
            "Print",
        ):
            assert words in text
        assert 'class="rail"' not in text


class TestWhoMay:
    @pytest.mark.parametrize("way", [*WAYS, "visitor_link_create"])
    def test_whoever_signed_in_long_ago_signs_in_again_first(self, client, given, way):
        sign_in_recently(client, ManagerFactory(), seconds_ago=400)
        assert client.post(given.path(way))["Location"].startswith(reverse("account_reauthenticate"))
        assert client.post(given.path(way), headers=HTMX)["HX-Redirect"].startswith(
            reverse("account_reauthenticate")
        )
        assert given.asked() == []
        assert kept().count("pass.reveal") == 0

    @pytest.mark.parametrize("way", [*WAYS, "visitor_link_create", "visitor_link_revoke"])
    def test_nobody_else(self, client, given, way):
        assert client.post(given.path(way))["Location"].startswith("/account/login/")
        assert client.post(given.path(way), headers=HTMX)["HX-Redirect"] == "/account/login/"
        for person, status in (
            (AuditorFactory(), 403),
            (GrantFactory().person, 404),
            (ManagerFactory(is_limited=True), 404),
        ):
            client.logout()
            assert post(client, person, given.path(way)).status_code == status
        given.say(made_after=timezone.now())
        client.logout()
        other = GrantFactory(
            family=given.family, starts_at=timezone.now() - timezone.timedelta(days=1)
        ).person
        answer = post(client, other, given.path(way))
        assert answer.status_code == 409
        assert "Somebody else made this pass." in answer.text
        assert client.get(given.path(way)).status_code == 405
        assert given.asked() == []
        for person in (AuditorFactory(), other):
            with pytest.raises(PermissionDenied):
                reveal_pass(By.person(person), given.key, actor=person)


class TestTrouble:
    def test_one_that_is_gone_there_says_so_and_is_looked_for_soon(self, client, given):
        SyncState.objects.filter(kind=Kind.TEMP_KEYS).update(
            due_at=timezone.now() + timezone.timedelta(hours=1)
        )
        tell(given.simulator, row("11112222"))
        for headers in ({}, HTMX):
            answer = post(client, ManagerFactory(), given.path("pass_reveal"), **headers)
            assert answer.status_code == 502
            assert "no such pass any more" in answer.text
            assert "1111" not in answer.text
        assert deeds("pass.reveal")[1] == ("outcome", "refused")
        assert SyncState.objects.get(
            kind=Kind.TEMP_KEYS, family=given.family
        ).due_at < timezone.now() + timezone.timedelta(seconds=5)

    def test_a_list_that_could_not_be_read_whole_says_that_nobody_knows(self, client, given):
        tell(given.simulator, row("11112222"), {"odd": 1})
        answer = post(client, ManagerFactory(), given.path("pass_reveal"))
        assert "was not found" in answer.text
        assert "no such pass any more" not in answer.text

    @pytest.mark.parametrize("fields", [{"gone_at": timezone.now()}, {"fingerprint": ""}])
    def test_what_cannot_be_there_is_not_asked_for(self, client, given, fields):
        given.say(**fields)
        for way in WAYS:
            assert post(client, ManagerFactory(), given.path(way)).status_code == 502
        assert given.asked() == []

    def test_one_of_another_account_is_not_asked_over_this_one(self, client, given):
        given.say(account_id="another")
        answer = post(client, ManagerFactory(), given.path("pass_reveal"))
        assert answer.status_code == 503
        assert "cannot be asked now" in answer.text
        assert given.asked() == []
        person = ManagerFactory()
        with pytest.raises(NoConnection):
            reveal_pass(By.person(person), given.key, actor=person)

    @pytest.mark.parametrize("way", WAYS)
    def test_without_a_trail_nothing_is_asked(self, client, given, way):
        person = ManagerFactory()
        sign_in_recently(client, person)
        with a_trail_that_refuses():
            answer = post(client, person, given.path(way))
        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert given.asked() == []

    @pytest.mark.parametrize("way", WAYS)
    def test_what_cannot_be_told_afterwards_is_not_shown(self, client, given, way):
        person = ManagerFactory()
        sign_in_recently(client, person)
        with a_trail_that_refuses("outcome"):
            answer = post(client, person, given.path(way))
        assert answer.status_code == 503
        assert given.grouped not in answer.text

    @pytest.mark.parametrize(
        ("fault", "options", "status", "words"),
        [
            ("refuse", {"words": "Not yours", "shape": 0}, 502, "It was refused: “Not yours”"),
            ("busy", {"seconds": 60}, 503, "busy"),
            ("reset_after", {}, 503, "does not answer"),
            ("wrong_type", {}, 502, "We do not know what it is"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_the_upstreams_trouble_is_told_and_what_is_known_stays(
        self, client, given, fault, options, status, words, headers
    ):
        given.simulator.fault(LIST, fault, **options)
        answer = post(client, ManagerFactory(), given.path("pass_reveal"), **headers)
        assert answer.status_code == status
        assert words in answer.text
        assert given.grouped not in answer.text
        assert headers or given.family.name in answer.text

    def test_an_upstream_that_is_off(self, client, given):
        given.simulator.stop()
        answer = post(client, ManagerFactory(), given.path("pass_sheet"))
        assert answer.status_code == 503
        assert "Window" in answer.text

    def test_a_connection_that_is_paused(self, client, given):
        Connection.objects.update(paused_at=timezone.now())
        assert post(client, ManagerFactory(), given.path("pass_reveal")).status_code == 503
        assert given.asked() == []

    def test_one_that_is_over_is_shown_and_not_printed(self, client, given):
        given.say(ends_at=timezone.now() - timezone.timedelta(hours=1))
        person = ManagerFactory()
        assert given.grouped in post(client, person, given.path("pass_reveal")).text
        answer = post(client, person, given.path("pass_sheet"))
        assert answer.status_code == 409
        assert given.grouped not in answer.text

    def test_a_service_says_whether_it_is_sure(self, given):
        person = ManagerFactory()
        given.say(gone_at=timezone.now())
        with pytest.raises(PassNotThere) as caught:
            reveal_pass(By.person(person), given.key, actor=person)
        assert caught.value.is_sure


class TestPictures:
    @pytest.fixture
    def host(self, settings):
        """A host of pictures that answers what a test wants, and counts."""

        class Pictures(BaseHTTPRequestHandler):
            answer = (200, {}, b"")
            asked = 0

            def do_GET(self):
                Pictures.asked += 1
                status, headers, body = Pictures.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        server = HTTPServer(("127.0.0.1", 0), Pictures)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Pictures.url = f"http://127.0.0.1:{server.server_port}/qr.png"
        settings.CAPTURE_HOSTS = [f"127.0.0.1:{server.server_port}"]
        yield Pictures
        server.shutdown()
        server.server_close()

    def test_it_is_drawn_anew_as_a_png(self, given):
        png = read_code("1234", given.qr_url).qr_png
        assert png.startswith(b"\x89PNG")
        assert qr_data_url(png).startswith("data:image/png;base64,iVBOR")

    def test_a_host_that_is_not_permitted_is_not_asked(self, host, settings):
        settings.CAPTURE_HOSTS = []
        assert read_code("1234", host.url) == PassCode("1234", None, "refused")
        assert host.asked == 0

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (
                (200, {"Content-Type": "image/svg+xml"}, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
                "refused",
            ),
            ((200, {"Content-Type": "image/png"}, b"<html><script>1</script></html>"), "refused"),
            ((302, {"Location": "http://169.254.169.254/"}, b""), "refused"),
            ((404, {}, b""), "late"),
            ((500, {}, b""), "late"),
        ],
    )
    def test_what_is_no_picture_is_not_shown(self, host, answer, why):
        host.answer = answer
        assert read_code("1234", host.url) == PassCode("1234", None, why)

    def test_a_flood_of_pixels_is_refused(self, host, tmp_path):
        path = tmp_path / "flood.png"
        Image.new("1", (20_000, 20_000)).save(path)
        host.answer = (200, {"Content-Type": "image/png"}, path.read_bytes())
        assert read_code("1234", host.url).no_picture == "refused"

    @pytest.mark.parametrize(
        "url", ["https://169.254.169.254/x.png", "file:///etc/passwd", "javascript:1", "http://[::1]/"]
    )
    def test_hostile_addresses_are_refused(self, given, url):
        assert read_code("1234", url).no_picture == "refused"

    @pytest.mark.parametrize(
        ("url", "words"),
        [("", "names no QR code"), ("https://elsewhere.example/q.png", "host that is not permitted")],
    )
    def test_without_it_the_digits_alone_are_shown_and_why(self, client, given, url, words):
        listed = given.simulator
        told = row(given.digits, qr_code_url=url)
        tell(listed, told)
        answer = post(client, ManagerFactory(), given.path("pass_reveal"))
        assert answer.status_code == 200
        assert given.grouped in answer.text
        assert words in answer.text
        assert "data:image" not in answer.text

    def test_neither_digits_nor_picture_stand_in_what_is_printed_of_a_code(self):
        assert "1234" not in repr(PassCode("1234", b"png"))
