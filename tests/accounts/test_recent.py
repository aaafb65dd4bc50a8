"""Signing in again: asked for once in five minutes, and what a form held is dropped and kept nowhere."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal import policies
from portal.accounts.models import User
from portal.web.access import GET_POST, POST, Policy
from tests.accounts.signing_in import sign_in_recently
from tests.factories import PASSWORD, ManagerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
AGAIN = "/account/again/"


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The families' pages ask for a recent sign-in: one with a form and one without, and one that is only posted to."""
    monkeypatch.setitem(policies.POLICIES, "families:family_list", Policy(recent_sign_in=True))
    monkeypatch.setitem(
        policies.POLICIES,
        "families:family_rename",
        Policy(GET_POST, recent_sign_in=True, objects={"family_id": "family"}),
    )
    monkeypatch.setitem(
        policies.POLICIES,
        "access:opening_create",
        Policy(POST, recent_sign_in=True, objects={"family_id": "family", "relay_id": "relay"}),
    )


@pytest.fixture
def user() -> User:
    return ManagerFactory()


@pytest.mark.usefixtures("guarded")
class TestAGuardedAddress:
    def test_is_open_for_five_minutes_after_the_password_was_shown(self, client: Client, user: User) -> None:
        sign_in_recently(client, user, seconds_ago=298)
        assert client.get("/families/").status_code == 200
        sign_in_recently(client, user, seconds_ago=302)
        assert client.get("/families/?q=a").headers["Location"] == f"{AGAIN}?next=%2Ffamilies%2F%3Fq%3Da"

    def test_a_second_factor_is_as_good(self, client: Client, user: User) -> None:
        sign_in_recently(client, user, method="mfa")
        assert client.get("/families/").status_code == 200

    def test_the_companys_sign_in_page_is_not(self, client: Client, user: User) -> None:
        sign_in_recently(client, user, method="socialaccount")
        assert client.get("/families/").status_code == 302

    def test_what_another_person_showed_in_this_session_does_not_count(
        self, client: Client, user: User
    ) -> None:
        sign_in_recently(client, user)
        session = client.session
        session["account_authentication_methods_user"] = str(ManagerFactory().pk)
        session.save()
        assert client.get("/families/").status_code == 302

    def test_a_form_comes_back_empty_and_is_kept_nowhere(self, client: Client, user: User) -> None:
        client.force_login(user)
        answer = client.post("/families/x/name/?a=b", {"name": "a secret name"})
        assert (answer.status_code, answer["Location"]) == (302, f"{AGAIN}?next=%2Ffamilies%2Fx%2Fname%2F")
        assert "secret" not in json.dumps(dict(client.session))

    def test_a_form_without_a_page_goes_back_to_where_it_stood(self, client: Client, user: User) -> None:
        client.force_login(user)
        path = "/families/x/doors/y/openings/"
        answer = client.post(path, headers={"Referer": "http://testserver/doors/?a=1"})
        assert answer["Location"] == f"{AGAIN}?next=%2Fdoors%2F%3Fa%3D1"
        answer = client.post(path, headers={"Referer": "https://elsewhere.example/doors/"})
        assert answer["Location"] == f"{AGAIN}?next=%2F"

    @pytest.mark.parametrize(
        ("current", "back"),
        [
            ("http://testserver/families/x/?a=b", "%2Ffamilies%2Fx%2F%3Fa%3Db"),
            ("https://elsewhere.example/families/", "%2F"),
            ("//elsewhere.example/", "%2F"),
            ("http://testserver//elsewhere.example/", "%2F"),
            ("javascript:alert(1)", "%2F"),
            ("", "%2F"),
        ],
    )
    def test_htmx_is_led_there_as_a_whole_page(
        self, client: Client, user: User, current: str, back: str
    ) -> None:
        client.force_login(user)
        for method in ("get", "post"):
            headers = HTMX | {"HX-Current-URL": current}
            answer = getattr(client, method)("/families/x/name/", headers=headers)
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer["HX-Redirect"] == f"{AGAIN}?next={back}"

    def test_a_wrong_role_is_refused_and_not_asked_who_they_are(
        self, client: Client, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = Policy(roles=frozenset({"auditor"}), recent_sign_in=True)
        monkeypatch.setitem(policies.POLICIES, "families:family_list", policy)
        client.force_login(user)
        assert client.get("/families/").status_code == 403

    def test_after_the_password_one_is_where_one_wanted_to_be(self, client: Client, user: User) -> None:
        client.force_login(user)
        asked = client.get("/families/?q=a")["Location"]
        assert client.get(asked).status_code == 200
        answer = client.post(AGAIN, {"password": PASSWORD, "next": "/families/?q=a"})
        assert answer["Location"] == "/families/?q=a"
        assert client.get("/families/?q=a").status_code == 200

    def test_the_clock_begins_anew_with_each_time(self, client: Client, user: User) -> None:
        with time_machine.travel("2026-05-04T10:00:00Z", tick=False) as clock:
            sign_in_recently(client, user)
            clock.shift(301)
            assert client.get("/families/").status_code == 302
            client.post(AGAIN, {"password": PASSWORD})
            clock.shift(299)
            assert client.get("/families/").status_code == 200
            clock.shift(-3600)
            assert client.get("/families/").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "///elsewhere.example/",
        "/\\elsewhere.example/",
        "http:elsewhere.example",
        "javascript:alert(1)",
        "http://testserver//elsewhere.example/",
        "\t//elsewhere.example",
    ],
)
def test_signing_in_again_leads_nowhere_else(client: Client, user: User, elsewhere: str) -> None:
    client.force_login(user)
    answer = client.post(AGAIN, {"password": PASSWORD, "next": elsewhere})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    page = client.get(AGAIN, {"next": elsewhere}).content.decode()
    assert "elsewhere" not in page
    assert "alert" not in page


def test_a_wrong_password_is_said_beside_its_field(client: Client, user: User) -> None:
    client.force_login(user)
    answer = client.post(AGAIN, {"password": "not the one", "next": "/log/"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "not your password" in page
    assert 'value="/log/"' in page
    assert "not the one" not in page


def test_somebody_with_nothing_to_show_sets_a_second_factor_up_first(client: Client, guarded: Any) -> None:
    user = ManagerFactory(password=None)
    client.force_login(user)
    assert client.get("/families/")["Location"] == "/account/second-factor/"
    assert "Set up a passkey" in client.get("/account/second-factor/").content.decode()
