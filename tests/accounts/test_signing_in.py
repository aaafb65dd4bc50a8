"""Signing in and a forgotten password: guessing is slowed whatever the guesser says of itself, and mails lead to us."""

import re
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from portal.accounts.models import User
from tests.accounts.test_adduser import PASSWORD, adduser, signs_in

pytestmark = pytest.mark.django_db
EMAIL = "ada@gatehouse.example"
# One host in many spellings, as a request may name it.
HOSTS = ["localhost", "Localhost", "LOCALHOST:8000", *(f"localhost:{port}" for port in range(1, 18))]


@pytest.fixture
def ada() -> User:
    adduser(EMAIL, "manager", "--name", "Ada", password=PASSWORD)
    return User.objects.get()


def guess(client: Client, number: int, **details: str) -> bool:
    """A wrong password; whether it was looked at."""
    answer = client.post("/account/login/", {"login": EMAIL, "password": f"guess {number}"}, **details)  # type: ignore[arg-type]
    return "not correct" in answer.content.decode()


def test_the_spelling_of_the_host_gives_no_further_guesses(client: Client, ada: User) -> None:
    looked_at = [
        guess(client, number, HTTP_HOST=host, REMOTE_ADDR=f"192.0.2.{number}")
        for number, host in enumerate(HOSTS, 1)
    ]
    assert looked_at == [True] * 5 + [False] * 15


def test_at_most_ten_guesses_in_a_quarter_of_an_hour(client: Client, ada: User) -> None:
    looked_at = 0
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False) as clock:
        for _ in range(15):
            looked_at += sum(guess(client, turn, REMOTE_ADDR=f"192.0.2.{turn}") for turn in range(1, 8))
            clock.shift(59)
        assert looked_at == 10
        clock.shift(16 * 60)
        assert signs_in(client, EMAIL, PASSWORD)


def test_the_link_in_the_mail_leads_to_the_public_address(client: Client, ada: User, settings: Any) -> None:
    settings.PUBLIC_URL = "https://gatehouse.example"
    answer = client.post("/account/password/reset/", {"email": EMAIL}, HTTP_HOST="localhost:6666")
    assert answer.status_code == 302
    (message,) = mail.outbox
    text = f"{message.subject}\n{message.body}"
    assert "localhost" not in text
    assert "6666" not in text
    (link,) = re.findall(r"https?://\S+/account/\S+", text)
    assert link.startswith("https://gatehouse.example/account/password/reset/key/")
    page = client.get(link.removeprefix("https://gatehouse.example"), follow=True)
    answer = client.post(
        page.redirect_chain[-1][0], {"password1": "another Horse 98", "password2": "another Horse 98"}
    )
    assert answer["Location"] == "/account/password/reset/key/done/"
    assert signs_in(Client(), EMAIL, "another Horse 98")
