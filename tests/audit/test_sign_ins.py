"""Nobody signs in without a trail, and nobody meets a broken page for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory

from portal.accounts.models import User
from portal.audit.chain import HeadNotKept
from portal.audit.middleware import DeniedMiddleware
from portal.audit.models import Entry
from portal.audit.verification import verify
from tests.accounts.test_adduser import PASSWORD, adduser
from tests.audit.trails import deaf

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "ada@gatehouse.example"
WORDS = "Nobody can sign in while the audit trail is not available"


@pytest.fixture
def ada() -> User:
    adduser(EMAIL, "manager", "--name", "Ada", password=PASSWORD)
    return User.objects.get()


@pytest.fixture
def heads_refused(ada: User, settings: Any) -> Iterator[None]:
    """Heads that cannot be written: a folder stands where their file should be."""
    kept = settings.AUDIT_HEADS_FILE
    folder = kept.with_name("audit-heads-refused")
    folder.mkdir()
    settings.AUDIT_HEADS_FILE = folder
    yield
    settings.AUDIT_HEADS_FILE = kept
    folder.rmdir()


def sign_in(client: Client, password: str = PASSWORD, **headers: Any) -> Any:
    return client.post("/account/login/", {"login": EMAIL, "password": password}, **headers)


def is_signed_in(client: Client) -> bool:
    return client.get("/doors/").status_code == 200


@pytest.mark.parametrize("password", [PASSWORD, "something else"])
def test_no_head_no_sign_in_and_a_page_that_says_so(
    client: Client, heads_refused: None, password: str
) -> None:
    answer = sign_in(client, password)
    assert (answer.status_code, WORDS in answer.content.decode()) == (503, True)
    assert "You are not signed in" in answer.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("password", [PASSWORD, "something else"])
def test_no_entry_no_sign_in_either(client: Client, ada: User, password: str) -> None:
    with deaf():
        answer = sign_in(client, password)
    assert (answer.status_code, WORDS in answer.content.decode()) == (503, True)
    assert not is_signed_in(client)
    assert sign_in(client).status_code == 302
    assert is_signed_in(client)


def test_a_fragment_gets_a_notice(client: Client, heads_refused: None) -> None:
    answer = sign_in(client, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"]) == (503, "#notices")
    assert WORDS in answer.content.decode()


def test_nobody_is_kept_signed_in_for_want_of_a_head(client: Client, ada: User, settings: Any) -> None:
    sign_in(client)
    assert is_signed_in(client)
    kept = settings.AUDIT_HEADS_FILE
    settings.AUDIT_HEADS_FILE = kept.parent  # a folder
    assert client.post("/account/logout/").status_code == 302
    settings.AUDIT_HEADS_FILE = kept
    assert not is_signed_in(client)
    assert Entry.objects.order_by("-number")[0].event == "person.sign_out"
    assert verify().is_valid


def test_a_view_that_forgot_says_that_it_is_done(rf: RequestFactory, ada: User) -> None:
    request = rf.post("/x/", headers={"HX-Request": "true"})
    request.user = ada
    answer = DeniedMiddleware(lambda request: None).process_exception(request, HeadNotKept("full"))
    assert answer is not None
    assert (answer.status_code, "It was done" in answer.content.decode()) == (503, True)
