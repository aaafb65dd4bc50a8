"""A forgotten password: the mail leads to us, whatever the request says of the host."""

import re
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Entry
from tests.accounts.test_adduser import PASSWORD, adduser, signs_in

pytestmark = pytest.mark.django_db
EMAIL = "ada@gatehouse.example"


@pytest.fixture
def ada() -> User:
    adduser(EMAIL, "manager", "--name", "Ada", password=PASSWORD)
    return User.objects.get()


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


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7:5678", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_a_session_is_told_with_the_address_that_the_trail_tells(
    ada: User, settings: Any, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    client = Client(headers=headers, REMOTE_ADDR="10.0.0.1")
    assert signs_in(client, EMAIL, PASSWORD)
    assert UserSession.objects.get().ip == address
    assert Entry.objects.filter(event="person.sign_in").get().address == address
