"""A forgotten password: the mail leads to us, whatever the request says of the host."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from portal.accounts.models import User
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
