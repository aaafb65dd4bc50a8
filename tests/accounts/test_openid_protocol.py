"""What the way to the company's provider and back holds to, whatever a visitor, the provider or the line does."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from portal.accounts import openid
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.accounts.openids import BEGIN, RETURN, begin, come_back, is_signed_in, sign_in
from tests.accounts.test_openid import person
from tests.plugins.openid import CLIENT_ID, CLIENT_SECRET, DISCOVERY, Provider, answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(provider: Provider) -> User:
    return person()


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def is_refused(client: Client, answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status
    assert words in answer.text
    assert not is_signed_in(client)
    (entry,) = Entry.objects.filter(event="person.sign_in_failed")
    assert "OpenID Connect: " in entry.parameters


class TestBeginning:
    def test_without_a_provider_there_is_none(self, client: Client) -> None:
        assert "openid" not in client.get("/account/login/").text
        assert client.post(BEGIN).status_code == 404
        assert client.get(RETURN).status_code == 404

    def test_the_sign_in_page_has_one_button(self, client: Client, provider: Provider) -> None:
        page = client.get("/account/login/?next=/log/").text
        assert page.count("Sign in with Example &amp; Sons") == 1
        form = page.partition(f'action="{BEGIN}"')[2].partition("</form>")[0]
        assert 'name="next" value="/log/"' in form
        assert "csrfmiddlewaretoken" in form
        assert provider.journal == []

    def test_it_is_a_post_with_a_token(self, provider: Provider) -> None:
        client = Client(enforce_csrf_checks=True)
        assert client.get(BEGIN).status_code == 405
        assert client.post(BEGIN).status_code == 403
        assert provider.journal == []

    def test_the_browser_goes_on_by_itself_and_by_a_link(self, client: Client, provider: Provider) -> None:
        page = client.post(BEGIN)
        assert page.text.count(f"{provider.url}/authorize?tenant=7&amp;client_id=") == 2
        assert "Going to Example &amp; Sons" in page.text

    def test_the_address_holds_state_nonce_and_challenge_and_no_secret(
        self, client: Client, provider: Provider
    ) -> None:
        first, second = asked(begin(client)), asked(begin(client))
        assert first["code_challenge_method"] == "S256"
        assert first["redirect_uri"] == "http://127.0.0.1:8000/account/openid/return/"
        assert set(first["scope"].split()) == {"openid", "profile", "email"}
        for name in ("state", "nonce", "code_challenge"):
            assert len(first[name]) >= 16
            assert first[name] != second[name]
        assert CLIENT_SECRET not in str(first)

    def test_what_a_visitor_adds_changes_nothing(self, client: Client, provider: Provider) -> None:
        page = client.post(
            f"{BEGIN}?process=connect&action=reauthenticate&scope=admin&auth_params=redirect_uri%3Dhttps://evil.example",
            {"process": "connect", "scope": "admin"},
            headers={"Host": "localhost"},
        )
        assert "evil" not in page.text
        assert "admin" not in page.text
        assert "http%3A%2F%2F127.0.0.1%3A8000%2Faccount%2Fopenid%2Freturn%2F" in page.text

    def test_the_provider_is_asked_once_for_what_it_says_of_itself(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        for visitor in (client, Client()):
            sign_in(visitor, provider)
            assert is_signed_in(visitor)
        assert provider.journal.count(DISCOVERY) == provider.journal.count("/keys") == 1


class TestComingBack:
    def test_a_return_works_once(self, client: Client, provider: Provider, ada: User) -> None:
        url = provider.visit(begin(client))
        come_back(client, url)
        assert is_signed_in(client)
        client.logout()
        is_refused(client, come_back(client, url), 400, "not begun here, or it is too old")
        assert provider.journal.count("/token") == 1

    def test_another_browser_cannot_use_it(self, client: Client, provider: Provider, ada: User) -> None:
        url = provider.visit(begin(Client()))
        begin(client)
        is_refused(client, come_back(client, url), 400, "not begun here")
        assert "/token" not in provider.journal

    @pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=", "?error=access_denied"])
    def test_a_made_up_return_is_refused(
        self, client: Client, provider: Provider, ada: User, query: str
    ) -> None:
        begin(client)
        is_refused(client, client.get(RETURN + query), 400, "not begun here")
        assert "/token" not in provider.journal

    def test_it_is_too_old_after_ten_minutes(self, client: Client, provider: Provider, ada: User) -> None:
        with time_machine.travel(time.time() - 601):
            url = provider.visit(begin(client))
        is_refused(client, come_back(client, url), 400, "too old")

    def test_the_code_of_another_sign_in_is_refused_by_its_challenge(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        stolen = asked(provider.visit(begin(Client())))["code"]
        state = asked(begin(client))["state"]
        answer = client.get(RETURN, {"code": stolen, "state": state})
        is_refused(client, answer, 400, "used already, or it is too old")

    def test_a_token_of_another_sign_in_is_refused_by_its_nonce(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        provider.forge = lambda claims: claims.update(nonce="of another")
        is_refused(client, sign_in(client, provider), 502, "cannot be trusted")

    def test_who_gave_up_there_is_told_so(self, client: Client, provider: Provider) -> None:
        state = asked(begin(client))["state"]
        answer = client.get(RETURN, {"error": "access_denied", "state": state})
        is_refused(client, answer, 400, "was given up")
        assert f'action="{BEGIN}"' in answer.text

    def test_an_error_of_the_provider_is_said_in_our_words(self, client: Client, provider: Provider) -> None:
        state = asked(begin(client))["state"]
        query = {"error": "server_error", "error_description": "<b>call 555</b>", "state": state}
        answer = client.get(RETURN, query)
        is_refused(client, answer, 502, "Example &amp; Sons did not sign you in")
        assert "555" not in answer.text

    def test_a_secret_that_is_wrong_is_no_fault_of_the_person(
        self, client: Client, provider: Provider, settings: Any
    ) -> None:
        settings.OIDC_CLIENT_SECRET = "another"
        is_refused(client, sign_in(client, provider), 502, "does not know Gatehouse as it was set up")

    def test_a_post_does_not_end_a_sign_in(self, client: Client, provider: Provider) -> None:
        assert client.post(RETURN).status_code == 405


NOW = int(time.time())
FORGED: dict[str, Callable[[dict[str, Any]], None]] = {
    "issuer": lambda claims: claims.update(iss="https://evil.example"),
    "no issuer": lambda claims: claims.pop("iss"),
    "audience": lambda claims: claims.update(aud="another"),
    "several audiences": lambda claims: claims.update(aud=[CLIENT_ID, "another"]),
    "party": lambda claims: claims.update(azp="another"),
    "over": lambda claims: claims.update(exp=NOW - 3600),
    "no end": lambda claims: claims.pop("exp"),
    "not yet": lambda claims: claims.update(iat=NOW + 3600),
    "no nonce": lambda claims: claims.pop("nonce"),
    "no subject": lambda claims: claims.pop("sub"),
}


class TestTokens:
    @pytest.mark.parametrize("forged", FORGED)
    def test_a_token_that_is_not_for_this_is_refused(
        self, client: Client, provider: Provider, ada: User, forged: str
    ) -> None:
        provider.forge = FORGED[forged]
        is_refused(client, sign_in(client, provider), 502, "cannot be trusted")

    @pytest.mark.parametrize("subject", ["", 7, "x" * 300, "a\nb"])
    def test_a_name_that_cannot_be_one_is_refused(
        self, client: Client, provider: Provider, ada: User, subject: Any
    ) -> None:
        provider.person["sub"] = subject
        assert sign_in(client, provider).status_code == 502
        assert not is_signed_in(client)

    def test_the_signature_counts(self, client: Client, provider: Provider, ada: User) -> None:
        named = provider.public_key()
        provider.new_key(provider.key_name)
        provider.faults["/keys"] = answer(200, {"keys": [named]})
        is_refused(client, sign_in(client, provider), 502, "cannot be trusted")

    @pytest.mark.parametrize("how", ["none", "secret", "public key"])
    def test_a_token_that_anybody_could_sign_is_refused(
        self, client: Client, provider: Provider, ada: User, how: str
    ) -> None:
        url = provider.visit(begin(client))
        begun = next(iter(provider.codes.values()))
        claims = {"iss": provider.url, "aud": CLIENT_ID, "iat": NOW, "exp": NOW + 300, **provider.person}
        claims["nonce"] = begun["nonce"]
        secret = CLIENT_SECRET if how == "secret" else json.dumps(provider.public_key())
        algorithm = "none" if how == "none" else "HS256"
        parts = [
            coded(json.dumps(part).encode())
            for part in ({"alg": algorithm, "kid": provider.key_name}, claims)
        ]
        signature = hmac.digest(secret.encode(), ".".join(parts).encode(), "sha256")
        token = ".".join([*parts, "" if how == "none" else coded(signature)])
        provider.faults["/token"] = answer(200, {"id_token": token, "access_token": "x"})
        is_refused(client, come_back(client, url), 502, "cannot be trusted")

    def test_an_rsa_key_without_a_name_is_good_where_it_is_the_only_one(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        told = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        provider.faults["/keys"] = answer(200, {"keys": [told]})
        url = provider.visit(begin(client))
        begun = next(iter(provider.codes.values()))
        claims = {"iss": provider.url, "aud": [CLIENT_ID], "iat": NOW, "exp": int(time.time()) + 300}
        token = jwt.encode({**claims, **provider.person, "nonce": begun["nonce"]}, key, "RS256")
        provider.faults["/token"] = answer(200, {"id_token": token, "access_token": "x"})
        come_back(client, url)
        assert is_signed_in(client)

    def test_a_new_key_of_the_provider_is_looked_for(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        sign_in(Client(), provider)
        provider.new_key("two")
        sign_in(client, provider)
        assert is_signed_in(client)
        assert provider.journal.count("/keys") == 2

    def test_what_is_said_of_somebody_else_does_not_count(
        self, client: Client, provider: Provider, ada: User
    ) -> None:
        provider.userinfo = {**provider.person, "sub": "ada-2"}
        provider.person = {"sub": "ada-1"}
        is_refused(client, sign_in(client, provider), 502, "cannot be trusted")


PLACES = [DISCOVERY, "/token", "/keys", "/userinfo"]


class TestTrouble:
    def begun(self, client: Client, provider: Provider, place: str) -> Any:
        """As far as that place is asked, and then the answer."""
        if place == "/userinfo":
            provider.userinfo, provider.person = dict(provider.person), {"sub": "ada-1"}
        if place == DISCOVERY:
            return client.post(BEGIN)
        return sign_in(client, provider)

    @pytest.mark.parametrize("kind", ["hang", "drip"])
    @pytest.mark.parametrize("place", PLACES)
    def test_a_provider_that_hangs_holds_nobody_longer_than_the_deadline(
        self,
        client: Client,
        provider: Provider,
        ada: User,
        monkeypatch: pytest.MonkeyPatch,
        place: str,
        kind: str,
    ) -> None:
        monkeypatch.setattr(openid, "DEADLINE_SECONDS", 0.6)
        provider.faults[place] = provider.hang if kind == "hang" else provider.drip
        began = time.monotonic()
        answer = self.begun(client, provider, place)
        assert 0.5 < time.monotonic() - began < 1.6
        is_refused(client, answer, 503, "Example &amp; Sons does not answer")

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (500, {}, "does not answer"),
            (429, {}, "does not answer"),
            (200, b"<html>", "cannot be read"),
            (200, b"", "cannot be read"),
            (200, [], "cannot be read"),
            (200, b"[" * 100_000, "cannot be read"),
            (200, b"x" * 1_000_000, "cannot be read"),
            (302, {}, "cannot be read"),
        ],
    )
    def test_an_answer_that_is_none_is_said_so(
        self, client: Client, provider: Provider, ada: User, place: str, status: int, body: Any, words: str
    ) -> None:
        provider.faults[place] = answer(status, body)
        found = self.begun(client, provider, place)
        is_refused(client, found, found.status_code, words)
        assert found.status_code in {502, 503}

    def test_a_provider_that_is_down_is_said_so_at_once(self, client: Client, provider: Provider) -> None:
        provider.stop()
        began = time.monotonic()
        is_refused(client, client.post(BEGIN), 503, "does not answer")
        assert time.monotonic() - began < 1
        assert "Sign in" in client.get("/account/login/").text

    def test_only_a_few_threads_wait_for_it(self, client: Client, provider: Provider) -> None:
        with ExitStack() as taken:
            for _ in range(openid.AT_ONCE):
                taken.enter_context(openid.place())
            is_refused(client, client.post(BEGIN), 503, "Too many are signing in")
        assert provider.journal == []
        assert begin(client)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("issuer", "https://evil.example"),
            ("token_endpoint", "http://evil.example/token"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("jwks_uri", "file:///etc/passwd"),
            ("userinfo_endpoint", "http://[::1"),
        ],
    )
    def test_addresses_that_cannot_be_its_own_are_not_asked(
        self, client: Client, provider: Provider, name: str, value: str
    ) -> None:
        provider.extra[name] = value
        is_refused(client, client.post(BEGIN), 502, "cannot be trusted")
        assert provider.journal == [DISCOVERY]

    def test_in_production_plain_http_is_asked_nowhere(
        self, client: Client, provider: Provider, settings: Any
    ) -> None:
        settings.IS_PRODUCTION = True
        is_refused(client, client.post(BEGIN), 502, "cannot be trusted")
        assert provider.journal == []


def test_the_nonce_is_made_from_the_secret_of_the_sign_in() -> None:
    assert openid.nonce_for("verifier") == coded(hashlib.sha256(b"nonce|verifier").digest())
