"""Setting up second factors: an app, passkeys, recovery codes; each on the trail and told by mail."""

import html
import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from portal.accounts import codes, second_factor
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.accounts.factors import code_of, person, with_app, with_codes
from tests.accounts.passkeys import SoftPasskey
from tests.accounts.signing_in import sign_in_recently

pytestmark = pytest.mark.django_db
PAGE = "/account/second-factor/"
APP = f"{PAGE}app/"
PASSKEYS = f"{PAGE}passkeys/"
CODES = f"{PAGE}codes/"

# The shape is right, and what it holds is not.
BROKEN = json.dumps(
    {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
    }
)


@pytest.fixture
def ada(client: Client) -> User:
    user = person()
    sign_in_recently(client, user)
    return user


def events() -> list[tuple[str, Any]]:
    rows = Entry.objects.filter(event__startswith="person.second_factor").order_by("number")
    return [(row.event.removeprefix("person.second_factor_"), json.loads(row.parameters)) for row in rows]


def offered(client: Client) -> tuple[str, str]:
    """The key of the form, and the secret that stands on the page."""
    page = client.get(APP).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    secret = re.search(r'id="secret-key">([A-Z2-7 ]+)<', page)
    assert key
    assert secret
    return key[1], secret[1].replace(" ", "")


def options(client: Client, path: str) -> Any:
    """What a page's script would ask the device."""
    found = re.search(r'data-passkey-options="([^"]+)"', client.get(path).content.decode())
    assert found
    return json.loads(html.unescape(found[1]))


def shown_codes(page: str) -> list[str]:
    return [code.replace(" ", "") for code in re.findall(r'<li class="code">([a-z0-9 ]+)</li>', page)]


def add_passkey(client: Client, name: str = "Telephone") -> SoftPasskey:
    passkey = SoftPasskey()
    answer = client.post(PASSKEYS, {"name": name, "credential": passkey.create(options(client, PASSKEYS))})
    assert answer.status_code in {200, 302}, answer.content.decode()
    return passkey


class TestAnApp:
    def test_is_set_up_with_the_code_it_shows(self, client: Client, ada: User) -> None:
        key, secret = offered(client)
        answer = client.post(APP, {"key": key, "code": code_of(secret)})
        assert answer.status_code == 200
        fresh = shown_codes(answer.content.decode())
        assert len(set(fresh)) == 10
        assert {len(code) for code in fresh} == {16}
        assert "no-store" in answer["Cache-Control"]
        assert events() == [("add", {"kind": "app"}), ("codes_made", {})]
        assert "authenticator app was added" in mail.outbox[0].body
        assert second_factor.get_factors(ada).codes_left == 10

    def test_the_picture_stands_in_the_page_and_says_what_the_text_says(
        self, client: Client, ada: User
    ) -> None:
        page = client.get(APP).content.decode()
        assert '<svg class="qr"' in page
        assert "data:image" not in page
        assert "otpauth://totp/" in page

    def test_what_is_stored_and_sent_holds_no_secret(self, client: Client, ada: User) -> None:
        key, secret = offered(client)
        assert secret not in json.dumps(dict(client.session))
        answer = client.post(APP, {"key": key, "code": code_of(secret)})
        fresh = shown_codes(answer.content.decode())
        kept = "".join(json.dumps(row.data) for row in Authenticator.objects.all())
        kept += json.dumps(dict(client.session)) + "".join(entry.canonical for entry in Entry.objects.all())
        kept += "".join(f"{message.body}" for message in mail.outbox)
        assert not [one for one in (secret, *fresh) if one in kept]

    def test_a_wrong_code_sets_nothing_up_and_keeps_the_picture(self, client: Client, ada: User) -> None:
        key, secret = offered(client)
        answer = client.post(APP, {"key": key, "code": "000000"})
        assert answer.status_code == 422
        assert codes.plain(secret).upper() in answer.content.decode().replace(" ", "")
        assert not Authenticator.objects.exists()
        assert events() == []

    @pytest.mark.parametrize("code", ["", "x", "１２３４５６", "000000\n", "9" * 500, "\x00"])
    def test_no_code_at_all_is_said_beside_the_field(self, client: Client, ada: User, code: str) -> None:
        key, _secret = offered(client)
        assert client.post(APP, {"key": key, "code": code}).status_code == 422

    def test_the_secret_of_somebody_else_is_not_taken(self, client: Client, ada: User) -> None:
        other = Client()
        sign_in_recently(other, person())
        key, secret = offered(other)
        answer = client.post(APP, {"key": key, "code": code_of(secret)})
        assert answer.status_code == 422
        assert secret not in answer.content.decode().replace(" ", "")
        for forged in ("", "x", key[:-1], "a" * 9000):
            assert client.post(APP, {"key": forged, "code": code_of(secret)}).status_code == 422
        assert not Authenticator.objects.exists()

    def test_a_second_one_is_not_added(self, client: Client, ada: User) -> None:
        key, secret = offered(client)
        with_app(ada)
        assert client.post(APP, {"key": key, "code": code_of(secret)})["Location"] == PAGE
        assert client.get(APP)["Location"] == PAGE
        assert Authenticator.objects.filter(type=codes.TOTP).count() == 1

    def test_codes_that_were_made_before_stay(self, client: Client, ada: User) -> None:
        with_codes(ada)
        key, secret = offered(client)
        assert client.post(APP, {"key": key, "code": code_of(secret)})["Location"] == PAGE
        assert [event for event, _ in events()] == ["add"]


class TestAPasskey:
    def test_is_added_named_and_removed(self, client: Client, ada: User) -> None:
        answer = client.post(
            PASSKEYS, {"name": "Telephone", "credential": SoftPasskey().create(options(client, PASSKEYS))}
        )
        assert len(shown_codes(answer.content.decode())) == 10
        (factor,) = second_factor.get_factors(ada).passkeys
        assert factor.name == "Telephone"
        assert client.post(f"{PAGE}{factor.public_id}/name/", {"name": "Old <b>one</b>"})["Location"] == PAGE
        page = client.get(PAGE).content.decode()
        assert "Old &lt;b&gt;one&lt;/b&gt;" in page
        assert client.get(f"{PAGE}{factor.public_id}/removal/").status_code == 200
        assert client.post(f"{PAGE}{factor.public_id}/removal/")["Location"] == PAGE
        assert not Authenticator.objects.exists()
        assert events() == [
            ("add", {"kind": "passkey", "name": "Telephone"}),
            ("codes_made", {}),
            ("rename", {"kind": "passkey", "name": "Old <b>one</b>", "before": "Telephone"}),
            ("remove", {"kind": "passkey", "name": "Old <b>one</b>"}),
        ]
        assert [message.subject for message in mail.outbox] == [
            "A second factor was added",
            "A second factor was removed",
        ]

    def test_an_answer_to_another_question_adds_nothing(self, client: Client, ada: User) -> None:
        passkey = SoftPasskey()
        stale = passkey.create(options(client, PASSKEYS))
        options(client, PASSKEYS)
        assert client.post(PASSKEYS, {"name": "x", "credential": stale}).status_code == 422
        for bad in (
            "",
            "{}",
            "[]",
            "null",
            "x",
            '{"id": "a", "rawId": "b", "response": {}}',
            '{"id": 1}',
            BROKEN,
        ):
            assert client.post(PASSKEYS, {"name": "x", "credential": bad}).status_code == 422, bad
        assert not Authenticator.objects.exists()

    def test_one_answer_adds_one(self, client: Client, ada: User) -> None:
        answer = SoftPasskey().create(options(client, PASSKEYS))
        client.post(PASSKEYS, {"name": "x", "credential": answer})
        assert client.post(PASSKEYS, {"name": "x", "credential": answer}).status_code == 422
        assert Authenticator.objects.filter(type=codes.PASSKEY).count() == 1

    def test_it_belongs_to_the_public_name_in_production(
        self, client: Client, ada: User, settings: Any
    ) -> None:
        assert options(client, PASSKEYS)["publicKey"]["rp"]["id"] == "testserver"
        settings.IS_PRODUCTION, settings.PUBLIC_URL = True, "https://gatehouse.example"
        assert options(client, PASSKEYS)["publicKey"]["rp"]["id"] == "gatehouse.example"

    def test_anothers_is_not_there(self, client: Client, ada: User) -> None:
        other = Client()
        stranger = person()
        sign_in_recently(other, stranger)
        add_passkey(other)
        (factor,) = second_factor.get_factors(stranger).passkeys
        for path in ("name/", "removal/"):
            assert client.get(f"{PAGE}{factor.public_id}/{path}").status_code == 404
            assert client.post(f"{PAGE}{factor.public_id}/{path}", {"name": "x"}).status_code == 404
        assert second_factor.get_factors(stranger).passkeys[0].name == "Telephone"


class TestRecoveryCodes:
    def test_new_ones_end_the_earlier_ones(self, client: Client, ada: User) -> None:
        with_app(ada)
        (earlier, *_more) = with_codes(ada)
        assert client.get(CODES).status_code == 200
        fresh = shown_codes(client.post(CODES).content.decode())
        assert len(fresh) == 10
        assert second_factor.use_code(ada, earlier) is None
        assert second_factor.use_code(ada, fresh[0]) is not None
        assert events()[0] == ("codes_made", {})
        assert [message.subject for message in mail.outbox] == [
            "New recovery codes were made",
            "A recovery code was used",
        ]

    def test_there_are_none_without_a_second_factor(self, client: Client, ada: User) -> None:
        assert client.post(CODES)["Location"] == PAGE
        assert not Authenticator.objects.exists()

    def test_they_go_with_the_last_factor(self, client: Client, ada: User) -> None:
        with_app(ada)
        with_codes(ada)
        add_passkey(client)
        factors = second_factor.get_factors(ada)
        assert factors.app
        client.post(f"{PAGE}{factors.app.public_id}/removal/")
        assert second_factor.get_factors(ada).codes_left == 10
        client.post(f"{PAGE}{factors.passkeys[0].public_id}/removal/")
        assert not Authenticator.objects.exists()


@pytest.mark.parametrize("path", [APP, PASSKEYS, CODES])
def test_a_change_asks_for_a_recent_sign_in(client: Client, path: str) -> None:
    user = person()
    with_app(user)
    sign_in_recently(client, user, seconds_ago=301)
    assert client.get(path)["Location"].startswith("/account/again/?next=")
    answer = client.post(path, {"key": "a secret", "code": "1"})
    assert answer["Location"].startswith("/account/again/?next=")
    assert "a secret" not in json.dumps(dict(client.session))


def test_a_mail_server_that_does_not_answer_undoes_nothing(
    client: Client, ada: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    key, secret = offered(client)
    assert client.post(APP, {"key": key, "code": code_of(secret)}).status_code == 200
    assert second_factor.get_factors(ada).app
    assert "could not be sent" in caplog.text


def test_somebody_from_the_companys_page_sets_up_their_first(client: Client) -> None:
    user = person(password=None)
    sign_in_recently(client, user, method="socialaccount")
    key, secret = offered(client)
    client.post(APP, {"key": key, "code": code_of(secret)})
    assert second_factor.get_factors(user).app
    # And has shown it: what asks for a recent sign-in is open.
    assert client.get(CODES).status_code == 200
    other = Client()
    late = person(password=None)
    sign_in_recently(other, late, method="socialaccount", seconds_ago=400)
    assert other.get(APP)["Location"] == PAGE
    assert "Sign out" in other.get(PAGE).content.decode()
