"""The token endpoint, the page that sends a browser back, and what becomes of tokens."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

BASE = "/api/v1.0/invoke/open-ability/method/oauth2/"
BACK = "http://127.0.0.1:1/connections/return/?from=upstream"


@pytest.fixture
def client(simulator):
    sign_in = simulator.sign_in
    return {"client_id": sign_in["client_id"], "client_secret": sign_in["client_secret"]}


@pytest.fixture
def ask(simulator, client):
    """Asks for tokens; the answer as it is."""

    def send(grant_type, **fields):
        form = {"grant_type": grant_type, **client, **fields}
        form = {name: value for name, value in form.items() if value is not None}
        return requests.post(simulator.url + BASE + "token", data=form, timeout=5)

    return send


@pytest.fixture
def password(simulator):
    sign_in = simulator.sign_in
    return {"username": sign_in["username"], "password": sign_in["password"], "scope": "user"}


@pytest.fixture
def browser(simulator, client):
    """Goes to the page and presses Allow, or another button; the answer that sends it back."""

    def visit(answer="allow", account=None, **changes):
        query = {
            "scope": "user",
            "state": "s t&ate",
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": BACK,
            **changes,
        }
        page = requests.get(simulator.url + BASE + "auth", params=query, timeout=5, allow_redirects=False)
        if page.status_code != 200:
            return page
        assert "Allow" in page.text
        action = unescape(re.search(r'action="([^"]+)"', page.text)[1])
        form = {"account": account or simulator.sign_in["username"], "answer": answer}
        return requests.post(simulator.url + action, data=form, timeout=5, allow_redirects=False)

    return visit


def works(wire, token):
    wire.headers["Authorization"] = f"Bearer {token}"
    return wire.post("get_family_list").status_code == 200


def why(simulator):
    return simulator.journal("oauth2/token")[-1]["refused"].partition(":")[0]


def test_a_password_gives_a_pair_that_works_until_its_end(simulator, wire, ask, password):
    answer = ask("password", expires_in="60", **password)
    told = answer.json()
    assert answer.status_code == 200
    assert told["success"] is True
    result = told["result"]
    assert set(result) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (result["token_type"], result["expires_in"]) == ("bearer", 60)
    assert works(wire, result["access_token"])
    simulator.advance(61)
    assert not works(wire, result["access_token"])
    assert simulator.journal("get_family_list")[-1]["refused"].startswith("token_expired")


def test_a_token_is_its_accounts(simulator, wire, ask):
    sign_in = simulator.sign_in_of("newcomer@post.example")
    told = ask("password", username=sign_in["username"], password=sign_in["password"], scope="user").json()
    wire.headers["Authorization"] = f"Bearer {told['result']['access_token']}"
    assert wire.result("get_family_list") == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong"}, "invalid_grant"),
        ({"username": "nobody@post.example"}, "invalid_grant"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": None}, "missing_field"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": None}, "missing_field"),
        ({"expires_in": "soon"}, "invalid_request"),
        ({"note": "x"}, "unknown_field"),
    ],
)
def test_a_wrong_form_gives_nothing(changes, expected, simulator, ask, password):
    answer = ask("password", **{**password, **changes})
    assert answer.json()["success"] is False
    assert "access_token" not in answer.text
    assert why(simulator) == expected


def test_an_unknown_grant_and_a_body_in_json_give_nothing(simulator, ask, client):
    ask("client_credentials")
    assert why(simulator) == "unsupported_grant_type"
    answer = requests.post(simulator.url + BASE + "token", json=client, timeout=5)
    assert answer.status_code == 415
    assert requests.get(simulator.url + BASE + "token", timeout=5).status_code == 405


def test_a_refresh_token_works_once_and_gives_the_next(simulator, wire, ask, password):
    first = ask("password", expires_in="60", **password).json()["result"]
    second = ask("refresh_token", refresh_token=first["refresh_token"]).json()["result"]
    assert second["expires_in"] == 60
    assert second["refresh_token"] != first["refresh_token"]
    assert works(wire, second["access_token"])
    assert ask("refresh_token", refresh_token=first["refresh_token"]).json()["success"] is False
    assert why(simulator) == "invalid_grant"
    third = ask("refresh_token", refresh_token=second["refresh_token"]).json()["result"]
    assert works(wire, third["access_token"])


def test_expired_tokens_are_refused_and_refreshed(simulator, wire, ask, password):
    pair = ask("password", **password).json()["result"]
    simulator.expire_tokens()
    assert not works(wire, pair["access_token"])
    assert not works(wire, simulator.token)
    assert works(wire, simulator.another_token())
    renewed = ask("refresh_token", refresh_token=pair["refresh_token"]).json()["result"]
    assert works(wire, renewed["access_token"])
    simulator.expire_tokens(refresh_too=True)
    assert ask("refresh_token", refresh_token=renewed["refresh_token"]).json()["success"] is False


def test_a_browser_comes_back_with_a_code_that_works_once(wire, ask, browser):
    answer = browser()
    assert answer.status_code == 302
    location = urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith(BACK)
    found = parse_qs(location.query)
    assert found["state"] == ["s t&ate"]
    code = found["code"][0]
    pair = ask("authorization_code", code=code, redirect_uri=BACK).json()["result"]
    assert works(wire, pair["access_token"])
    assert ask("authorization_code", code=code, redirect_uri=BACK).json()["success"] is False


def test_a_code_is_for_the_address_it_was_sent_to_and_for_a_while(simulator, ask, browser):
    for change in ("address", "time"):
        code = parse_qs(urlsplit(browser().headers["Location"]).query)["code"][0]
        if change == "time":
            simulator.advance(301)
        address = BACK if change == "time" else BACK + "x"
        assert ask("authorization_code", code=code, redirect_uri=address).json()["success"] is False
        assert why(simulator) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"response_type": "token"},
        {"scope": "admin"},
        {"state": ""},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "/relative"},
        {"note": "x"},
    ],
)
def test_a_wrong_address_sends_nobody_anywhere(changes, browser):
    answer = browser(**changes)
    assert answer.status_code >= 400
    assert "Location" not in answer.headers


def test_the_account_can_say_no(simulator, browser):
    simulator.fault("oauth2/auth", "refuse", times=1)
    found = parse_qs(urlsplit(browser().headers["Location"]).query)
    assert found["error"] == ["access_denied"]
    assert "code" not in found
    found = parse_qs(urlsplit(browser("deny").headers["Location"]).query)
    assert (found["error"], found["state"]) == (["access_denied"], ["s t&ate"])


def test_another_account_can_agree(simulator, browser, ask, wire):
    code = parse_qs(urlsplit(browser(account="newcomer@post.example").headers["Location"]).query)["code"][0]
    told = ask("authorization_code", code=code, redirect_uri=BACK).json()
    wire.headers["Authorization"] = f"Bearer {told['result']['access_token']}"
    assert wire.result("get_family_list") == []


@pytest.mark.parametrize("changes", [{"answer": "perhaps"}, {"account": "nobody@post.example"}])
def test_nobody_is_sent_back_with_an_answer_that_is_none(changes, browser):
    answer = browser(**changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_markup_in_the_address_is_text_on_the_page(simulator, client):
    query = {"scope": "user", "state": '"><script>', "response_type": "code", "redirect_uri": BACK}
    address = simulator.url + BASE + "auth"
    page = requests.get(address, params={**query, "client_id": client["client_id"]}, timeout=5)
    assert page.status_code == 200
    assert "<script>" not in page.text
