"""What every request passes: its id, its person, its address, and the rules for private pages."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from portal.audit.models import Entry
from portal.web.where import client_address
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_a_visitor_is_sent_to_sign_in_and_back_to_where_they_were(client: Client) -> None:
    answer = client.get("/log/?q=x")
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/log/%3Fq%3Dx")


def test_a_fragment_never_is_a_sign_in_form(client: Client) -> None:
    for answer in (client.get("/log/", headers=HTMX), client.post("/families/x/name/", headers=HTMX)):
        assert answer.status_code == 204
        assert answer["HX-Redirect"].startswith("/account/login/")
        assert answer.content == b""


def test_a_post_is_not_repeated_after_signing_in(client: Client) -> None:
    answer = client.post("/families/x/name/", {"name": "y"})
    assert answer.status_code == 302
    assert answer["Location"] == "/account/login/?next=/"


def test_the_health_page_asks_nobody_who_they_are(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_private_pages_are_kept_nowhere_and_differ_for_fragments(client: Client) -> None:
    client.force_login(ManagerFactory())
    for path in ("/", "/log/", "/audit/"):
        answer = client.get(path)
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
        assert {"HX-Request", "Cookie"} <= {name.strip() for name in answer["Vary"].split(",")}


def test_each_request_has_an_id_of_its_own_and_the_trail_keeps_it(client: Client) -> None:
    client.force_login(ManagerFactory())
    answer = client.get("/audit/", headers={"User-Agent": "Mozilla", "X-Request-ID": "forged"})
    entry = Entry.objects.get(event="audit.viewed")
    assert entry.request_id == answer["X-Request-ID"] != "forged"
    assert (entry.user_agent, entry.address) == ("Mozilla", "127.0.0.1")
    assert client.get("/audit/")["X-Request-ID"] != answer["X-Request-ID"]


@pytest.mark.parametrize("path", ["/log/?family=%00", "/families/a%00b/", "/audit/?person=x%00"])
def test_nul_in_an_address_is_a_request_that_cannot_be_read(client: Client, path: str) -> None:
    client.force_login(ManagerFactory())
    assert client.get(path).status_code == 400
    assert client.get(path, headers=HTMX).status_code == 400


def test_times_are_told_in_the_persons_own_zone(client: Client) -> None:
    for zone, place in (("Asia/Tokyo", "Tokyo"), ("No/Where", "UTC"), ("../x", "UTC")):
        client.force_login(ManagerFactory(time_zone=zone))
        assert f"times in {place}" in client.get("/audit/").content.decode()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "", "10.0.0.1"),
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "forged, 203.0.113.9", "203.0.113.9"),
        (2, "forged, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "x" * 500, "10.0.0.1"),
        (1, "forged, 203.0.113.9:5678", "203.0.113.9"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (2, "203.0.113.9:5678, 10.0.0.2:80", "203.0.113.9"),
        (1, "203.0.113.9:", "10.0.0.1"),
        (1, "203.0.113.9:80:80", "10.0.0.1"),
        (1, "[203.0.113.9", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
        (1, "999.0.113.9:80", "10.0.0.1"),
    ],
)
def test_a_forwarded_address_counts_as_far_as_it_is_trusted(
    settings: Any, proxies: int, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == found


def test_a_trail_that_is_not_there_is_told_in_words(client: Client, rf: RequestFactory) -> None:
    from portal.audit.middleware import DeniedMiddleware
    from portal.audit.models import Command, State
    from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded, Result

    request = rf.post("/x/", headers=HTMX)
    request.user = ManagerFactory()
    answer = DeniedMiddleware(lambda request: None).process_exception(request, AuditUnavailable())
    assert answer is not None
    assert (answer.status_code, answer["HX-Retarget"]) == (503, "#notices")
    assert "Not sent" in answer.content.decode()
    lost = OutcomeNotRecorded(Command(name="x"), Result(State.SUCCEEDED))
    answer = DeniedMiddleware(lambda request: None).process_exception(request, lost)
    assert answer is not None
    assert answer.status_code == 503
    assert "We do not know" in answer.content.decode()
    assert DeniedMiddleware(lambda request: None).process_exception(request, KeyError()) is None


def test_a_file_is_refused_before_it_is_read() -> None:
    client = Client(enforce_csrf_checks=True)
    for path in ("/account/login/", "/families/x/name/"):
        file = SimpleUploadedFile("x.bin", b"x" * 4_000_000)
        client.cookies["csrftoken"] = "a" * 32
        assert client.post(path, {"file": file}).status_code == 400
