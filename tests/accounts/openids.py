"""What the tests of signing in at the company's provider share."""

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.plugins.openid import Provider

BEGIN, RETURN = "/account/openid/", "/account/openid/return/"


def begin(client: Client, **fields: str) -> str:
    """Press the button; the address that the browser is sent to."""
    page = client.post(BEGIN, fields)
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    return unescape(found[1])


def come_back(client: Client, url: str) -> Any:
    """Follow the provider's way back, as the browser of this client."""
    assert url.startswith(f"http://127.0.0.1:8000{RETURN}?")
    return client.get(url.removeprefix("http://127.0.0.1:8000"))


def sign_in(client: Client, provider: Provider, **fields: str) -> HttpResponse:
    """The whole way there and back."""
    return come_back(client, provider.visit(begin(client, **fields)))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session
