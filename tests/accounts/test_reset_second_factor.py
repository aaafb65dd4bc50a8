"""manage.py reset_second_factor: lets somebody in who lost theirs."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Actor, Entry
from tests.accounts.factors import person, with_app
from tests.accounts.test_second_factor import add_passkey
from tests.consoles import run
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def test_takes_everything_and_ends_the_sessions(client: Client) -> None:
    user, other = person(), person()
    with_app(other)
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    add_passkey(client)
    with_app(user)
    assert client.get("/").status_code == 200
    mail.outbox.clear()
    ran = run("reset_second_factor", user.email.upper())
    assert (ran.code, ran.err) == (0, "")
    assert "2 second factors removed" in ran.out
    assert "/account/login/" in ran.out
    assert client.get("/").status_code == 302
    assert set(Authenticator.objects.values_list("user", flat=True)) == {other.pk}
    entry = Entry.objects.get(event="person.second_factor_reset")
    assert (entry.actor_kind, entry.object_name) == (Actor.OPERATOR, user.email)
    assert json.loads(entry.parameters)["factors"] == 2
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert "by operator" in mail.outbox[0].body


def test_they_sign_in_with_the_password_alone_and_set_up_another(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    user = person()
    with_app(user)
    ran = run("reset_second_factor", user.email)
    assert "set up a new one" in ran.out
    client = Client()
    answer = client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == "/"
    assert client.get("/")["Location"] == "/account/second-factor/"


def test_json_says_it_to_a_program() -> None:
    user = person()
    with_app(user)
    ran = run("reset_second_factor", user.email, "--json")
    assert ran.json == {
        "email": user.email,
        "id": user.public_id,
        "removed": 1,
        "second_factor_required": False,
        "has_password": True,
    }


@pytest.mark.parametrize("email", ["nobody@gatehouse.example", "", "x" * 500, "a b"])
def test_an_unknown_address_is_one_clear_line(email: str) -> None:
    ran = run("reset_second_factor", email)
    assert ran.is_one_line_of_trouble
    assert not Entry.objects.exists()


def test_somebody_without_any_is_signed_out_all_the_same(client: Client) -> None:
    user = person()
    client.post("/account/login/", {"login": user.email, "password": PASSWORD})
    assert client.get("/").status_code == 200
    User.objects.update(password=make_password(None))
    ran = run("reset_second_factor", user.email)
    assert "had no second factor" in ran.out
    assert "company's sign-in page" in ran.out
    assert client.get("/").status_code == 302
