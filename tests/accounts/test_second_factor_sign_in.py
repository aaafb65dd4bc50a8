"""The second stage of signing in: no right is had before it, and each code works once, whoever is quickest."""

import html
import json
import re
import threading
from collections import Counter
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections
from django.test import Client

from portal.accounts import codes, second_factor
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.accounts.factors import code_of, person, with_app, with_codes
from tests.accounts.passkeys import SoftPasskey
from tests.accounts.signing_in import sign_in_recently
from tests.accounts.test_second_factor import add_passkey, options
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN, SHOW, AGAIN = "/account/login/", "/account/second-factor/show/", "/account/again/"
PASSKEY = "/account/passkey/"
NOON = "2026-05-04T12:00:00Z"


def show_password(client: Client, user: User, **fields: str) -> Any:
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD, **fields})


@pytest.fixture
def ada() -> User:
    return person()


@pytest.fixture
def secret(ada: User) -> str:
    return with_app(ada)


class TestBetweenTheStages:
    def test_the_password_alone_opens_nothing(self, client: Client, ada: User, secret: str) -> None:
        assert show_password(client, ada)["Location"] == SHOW
        for path in ("/", "/families/", "/account/second-factor/", AGAIN):
            assert client.get(path)["Location"].startswith(LOGIN)
            assert client.post(path, {"password": PASSWORD}).status_code in {302, 405}
        assert client.get("/", headers={"HX-Request": "true"})["HX-Redirect"] == LOGIN
        assert not Entry.objects.filter(event="person.sign_in").exists()

    def test_the_code_opens_what_was_asked_for(self, client: Client, ada: User, secret: str) -> None:
        show_password(client, ada, next="/log/?q=a")
        assert client.get(SHOW).status_code == 200
        assert client.post(SHOW, {"code": code_of(secret)})["Location"] == "/log/?q=a"
        assert client.get("/log/").status_code == 200
        assert list(Entry.objects.order_by("number").values_list("event", flat=True))[-2:] == [
            "person.second_factor_used",
            "person.sign_in",
        ]

    def test_without_a_password_there_is_no_second_stage(
        self, client: Client, ada: User, secret: str
    ) -> None:
        assert client.get(SHOW)["Location"] == LOGIN
        assert client.post(SHOW, {"code": code_of(secret)})["Location"] == LOGIN

    def test_the_stage_is_of_whoever_showed_the_password(
        self, client: Client, ada: User, secret: str
    ) -> None:
        other = person()
        with_app(other)
        show_password(client, other)
        assert client.post(SHOW, {"code": code_of(secret)}).status_code == 422

    def test_somebody_switched_off_in_between_gets_to_nothing(
        self, client: Client, ada: User, secret: str
    ) -> None:
        show_password(client, ada)
        User.objects.update(is_active=False)
        client.post(SHOW, {"code": code_of(secret)})
        assert client.get("/").status_code == 302

    def test_and_signs_nobody_in_on_the_trail(self, client: Client, ada: User, secret: str) -> None:
        show_password(client, ada)
        User.objects.update(is_active=False)
        assert client.post(SHOW, {"code": code_of(secret)})["Location"] == LOGIN
        assert not Entry.objects.filter(event="person.sign_in").exists()
        User.objects.update(is_active=True)
        assert client.get("/").status_code == 302

    def test_a_password_that_was_changed_in_between_counts_no_more(
        self, client: Client, ada: User, secret: str
    ) -> None:
        show_password(client, ada)
        ada.set_password("quite another password")
        ada.save()
        assert client.post(SHOW, {"code": code_of(secret)})["Location"] == LOGIN
        assert client.get("/").status_code == 302

    def test_the_stage_ends_after_a_quarter_of_an_hour(self, client: Client, ada: User, secret: str) -> None:
        with time_machine.travel(NOON, tick=False) as clock:
            show_password(client, ada)
            clock.shift(15 * 60 + 1)
            assert client.post(SHOW, {"code": code_of(secret)})["Location"] == LOGIN

    def test_one_can_begin_as_somebody_else(self, client: Client, ada: User, secret: str) -> None:
        show_password(client, ada)
        client.post("/account/logout/", {"next": LOGIN})
        assert client.get(LOGIN).status_code == 200
        assert client.get(SHOW)["Location"] == LOGIN

    def test_a_wrong_code_is_told_and_on_the_trail(self, client: Client, ada: User, secret: str) -> None:
        show_password(client, ada)
        answer = client.post(SHOW, {"code": "000000"})
        assert answer.status_code == 422
        assert "That code is wrong, or was used" in answer.content.decode()
        entry = Entry.objects.get(event="person.sign_in_failed")
        assert (entry.actor_name, entry.parameters) == (ada.email, '{"step": "code"}')


class TestSessions:
    def test_the_session_has_another_key_once_somebody_is_signed_in(
        self, client: Client, ada: User, secret: str
    ) -> None:
        show_password(client, ada)
        before = client.session.session_key
        client.post(SHOW, {"code": code_of(secret)})
        assert client.session.session_key != before
        thief = Client()
        thief.cookies["sessionid"] = str(before)
        assert thief.get("/").status_code == 302

    def test_a_key_that_somebody_else_chose_is_not_taken(self, client: Client, ada: User) -> None:
        client.cookies["sessionid"] = "a" * 32
        show_password(client, ada)
        assert client.session.session_key != "a" * 32
        assert client.get("/").status_code == 200

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://elsewhere.example/",
            "//elsewhere.example/",
            "/\\elsewhere.example/",
            "javascript:alert(1)",
            "http://testserver//elsewhere.example/",
            "http://testserver@elsewhere.example/",
            " //elsewhere.example",
            "\x00//elsewhere.example",
        ],
    )
    def test_next_leads_to_our_own_pages_only(self, ada: User, elsewhere: str) -> None:
        assert show_password(Client(), ada, next=elsewhere)["Location"] == "/"
        page = Client().get(LOGIN, {"next": elsewhere})
        assert page.status_code in {200, 400}
        client = Client()
        client.force_login(ada)
        answer = client.get(LOGIN, {"next": elsewhere})
        assert answer.status_code == 400 or answer["Location"] == "/"

    def test_another_name_of_the_portal_is_elsewhere(self, ada: User, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["testserver", "other.example"]
        assert show_password(Client(), ada, next="http://other.example/log/")["Location"] == "/"
        assert show_password(Client(), ada, next="http://testserver/log/")["Location"].endswith("/log/")


class TestACodeWorksOnce:
    def test_at_signing_in(self, ada: User, secret: str) -> None:
        code = code_of(secret)
        for expected in (302, 422):
            client = Client()
            show_password(client, ada)
            assert client.post(SHOW, {"code": code}).status_code == expected

    def test_also_when_the_cache_is_empty(self, ada: User, secret: str) -> None:
        assert second_factor.use_code(ada, code_of(secret)) is not None
        cache.clear()
        assert second_factor.use_code(ada, code_of(secret)) is None

    def test_wherever_it_was_shown(self, client: Client, ada: User, secret: str) -> None:
        """Signing in, signing in again, together with the password, and setting the app up: one store for all."""
        with time_machine.travel(NOON, tick=False) as clock:
            code = code_of(secret)
            assert second_factor.use_code(ada, code) is not None
            client.force_login(ada)
            assert client.post(AGAIN, {"code": code}).status_code == 422
            assert "in" not in Client().post(
                LOGIN, {"login": ada.email, "password": PASSWORD, "code": code}
            ).headers.get("Location", "")
            clock.shift(30)
            assert client.post(AGAIN, {"code": code_of(secret)}).status_code == 302

    def test_the_code_an_app_was_set_up_with_is_used(self, client: Client, ada: User) -> None:
        sign_in_recently(client, ada)
        page = client.get("/account/second-factor/app/").content.decode()
        key = re.search(r'name="key" value="([^"]+)"', page)
        found = re.search(r'id="secret-key">([A-Z2-7 ]+)<', page)
        assert key
        assert found
        code = code_of(found[1].replace(" ", ""))
        client.post("/account/second-factor/app/", {"key": key[1], "code": code})
        assert second_factor.get_factors(ada).app
        assert second_factor.use_code(ada, code) is None

    def test_an_earlier_code_is_dead_once_a_later_one_was_used(self, ada: User, secret: str) -> None:
        with time_machine.travel(NOON, tick=False):
            assert second_factor.use_code(ada, code_of(secret, steps=1)) is not None
            for steps in (1, 0, -1):
                assert second_factor.use_code(ada, code_of(secret, steps=steps)) is None

    def test_a_clock_that_is_half_a_minute_off_is_forgiven(self, ada: User, secret: str) -> None:
        with time_machine.travel(NOON, tick=False):
            for steps, is_good in ((-2, False), (2, False), (-1, True), (0, True), (1, True)):
                assert (second_factor.use_code(ada, code_of(secret, steps=steps)) is not None) is is_good

    @pytest.mark.parametrize("written", ["{0} {1}", "{0}-{1}", " {0}{1} "])
    def test_however_it_is_typed(self, ada: User, secret: str, written: str) -> None:
        code = code_of(secret)
        assert second_factor.use_code(ada, written.format(code[:3], code[3:])) is not None

    def test_a_recovery_code_too(self, client: Client, ada: User, secret: str) -> None:
        code = with_codes(ada)[0]
        typed = " ".join([code[:4], code[4:8].upper(), code[8:12], code[12:]])
        show_password(client, ada)
        assert client.post(SHOW, {"code": typed})["Location"] == "/"
        other = Client()
        show_password(other, ada)
        assert other.post(SHOW, {"code": code}).status_code == 422
        used = Entry.objects.get(event="person.second_factor_used")
        assert json.loads(used.parameters) == {"kind": "recovery_codes", "left": 9}

    def test_a_secret_moved_to_another_person_opens_nothing(self, ada: User, secret: str) -> None:
        from allauth.mfa.models import Authenticator

        other = person()
        Authenticator.objects.update(user=other)
        assert second_factor.use_code(other, code_of(secret)) is None

    def test_ten_codes_are_looked_at_in_a_quarter_of_an_hour(self, ada: User, secret: str) -> None:
        seen = Counter[str]()
        with time_machine.travel(NOON, tick=False) as clock:
            client = Client()
            show_password(client, ada)
            for _ in range(60):
                page = client.post(SHOW, {"code": "000000"}).content.decode()
                seen["refused" if "was not looked at" in page else "wrong"] += 1
                clock.shift(14)
        assert seen["wrong"] in {9, 10}
        assert seen["refused"] == 60 - seen["wrong"]


class TestAPasskey:
    @pytest.fixture
    def passkey(self, ada: User) -> SoftPasskey:
        client = Client()
        sign_in_recently(client, ada)
        return add_passkey(client)

    def question(self, client: Client) -> Any:
        return client.get(PASSKEY, headers={"Accept": "application/json"}).json()

    def test_signs_in_without_a_password(self, client: Client, ada: User, passkey: SoftPasskey) -> None:
        answer = client.post(PASSKEY, {"credential": passkey.get(self.question(client)), "next": "/log/"})
        assert answer["Location"] == "/log/"
        assert client.get("/").status_code == 200
        used = Entry.objects.get(event="person.second_factor_used")
        assert json.loads(used.parameters) == {"kind": "passkey", "name": "Telephone"}

    def test_an_answer_works_once(self, client: Client, ada: User, passkey: SoftPasskey) -> None:
        answer = passkey.get(self.question(client))
        client.post(PASSKEY, {"credential": answer})
        client.post("/account/logout/")
        assert client.post(PASSKEY, {"credential": answer})["Location"] == LOGIN
        assert client.get("/").status_code == 302
        thief = Client()
        self.question(thief)
        assert thief.post(PASSKEY, {"credential": answer})["Location"] == LOGIN
        assert thief.get("/").status_code == 302

    def test_a_touch_alone_is_no_sign_in(self, client: Client, ada: User, passkey: SoftPasskey) -> None:
        passkey.flags = 0x01
        assert client.post(PASSKEY, {"credential": passkey.get(self.question(client))})["Location"] == LOGIN
        assert client.get("/").status_code == 302

    def test_nor_as_an_answer_to_what_was_asked_beside_somebody_elses_password(
        self, client: Client, ada: User, passkey: SoftPasskey
    ) -> None:
        thief = person()
        sign_in_recently(client, thief)
        add_passkey(client)
        client.post("/account/logout/")
        show_password(client, thief)
        passkey.flags = 0x01
        answer = client.post(PASSKEY, {"credential": passkey.get(options(client, SHOW))})
        assert answer["Location"] == LOGIN
        assert client.get("/").status_code == 302

    def test_a_touch_is_enough_beside_the_password(
        self, client: Client, ada: User, passkey: SoftPasskey
    ) -> None:
        passkey.flags = 0x01
        show_password(client, ada)
        assert client.post(SHOW, {"credential": passkey.get(options(client, SHOW))})["Location"] == "/"
        assert client.get("/").status_code == 200

    def test_signing_in_again_with_it_is_recent(
        self, client: Client, ada: User, passkey: SoftPasskey
    ) -> None:
        client.force_login(ada)
        asked = html.unescape(client.get(AGAIN).content.decode())
        assert "publicKey" in asked
        answer = passkey.get(options(client, AGAIN))
        assert client.post(AGAIN, {"credential": answer, "next": "/log/"})["Location"] == "/log/"
        assert client.get("/account/second-factor/codes/").status_code == 200

    @pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "x", '{"id": 1}', '{"response": {}}'])
    def test_nonsense_signs_nobody_in(
        self, client: Client, ada: User, passkey: SoftPasskey, credential: str
    ) -> None:
        self.question(client)
        assert client.post(PASSKEY, {"credential": credential})["Location"] == LOGIN
        show_password(client, ada)
        assert client.post(SHOW, {"credential": credential}).status_code == 422
        client.force_login(ada)
        assert client.post(AGAIN, {"credential": credential}).status_code == 422

    def test_a_flood_of_guesses_does_not_touch_it(
        self, client: Client, ada: User, passkey: SoftPasskey
    ) -> None:
        for number in range(40):
            Client().post(LOGIN, {"login": ada.email, "password": "no"}, REMOTE_ADDR=f"10.0.0.{number}")
        answer = passkey.get(self.question(client))
        assert client.post(PASSKEY, {"credential": answer})["Location"] == "/"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_many_at_the_same_moment_one_has_the_code(kind: str) -> None:
    user = person()
    secret, fresh = with_app(user), with_codes(user)
    code = code_of(secret) if kind == "app" else fresh[0]
    gate, seen = threading.Barrier(10), Counter[bool]()

    def use() -> None:
        gate.wait()
        seen[codes.use(user, code) is not None] += 1
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {True: 1, False: 9}
