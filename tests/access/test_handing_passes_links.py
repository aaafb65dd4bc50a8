"""The link for a visitor, from the pass's own page: made and shown once, told how often it was used, ended."""

import pytest
from django.utils import timezone

from access.models import VisitorLink
from access.services.visitors import links
from tests.access.handing import kept
from tests.accounts.signing_in import sign_in_recently
from tests.factories import ManagerFactory, TempKeyFactory
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def key():
    return TempKeyFactory(label="Plumber")


@pytest.fixture
def manager(client):
    person = ManagerFactory(name="Ana")
    sign_in_recently(client, person)
    return person


def make(client, key, **headers):
    return client.post(f"/passes/{key.public_id}/links/", headers=headers or None)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_it_is_shown_once_and_only_its_digest_kept(client, key, manager, headers):
    answer = make(client, key, **headers)
    assert answer.status_code == 200
    secret = answer.text.partition("/v/")[2].partition("/")[0].partition("<")[0]
    assert len(secret) > 40
    assert links.digest_of(secret) == VisitorLink.objects.get().secret_digest
    assert "data-vanishes" in answer.text
    assert ("<html" in answer.text) != bool(headers)
    assert secret not in kept()
    page = client.get(f"/passes/{key.public_id}/").text
    assert secret not in page
    assert "Never used" in page


def test_a_new_one_ends_the_old(client, key, manager):
    make(client, key)
    assert "A link from before does not work any more." in make(client, key).text
    assert VisitorLink.objects.filter(revoked_at=None).count() == 1


def test_how_often_it_showed_the_code_is_said(client, key, manager):
    links.make_link(manager, key=key)
    VisitorLink.objects.update(shown_count=3, shown_at=timezone.now())
    text = client.get(f"/passes/{key.public_id}/").text
    assert "Code shown 3 times" in text
    assert "Make a new link" in text


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_it_is_ended_after_a_question_and_twice_is_no_trouble(client, key, manager, headers):
    links.make_link(manager, key=key)
    assert "End the visitor’s link?" in client.get(f"/passes/{key.public_id}/").text
    for _ in range(2):
        answer = client.post(f"/passes/{key.public_id}/links/ends/", headers=headers or None)
        assert answer.status_code == 200
        assert "Make a link" in answer.text
    assert VisitorLink.objects.get().revoked_by_name == "Ana"


@pytest.mark.parametrize("fields", [{"fingerprint": ""}, {"uses": 0}, {"gone_at": timezone.now()}])
def test_a_pass_that_would_show_nothing_gets_none(client, manager, fields):
    key = TempKeyFactory(**fields)
    answer = make(client, key, **HTMX)
    assert answer.status_code == 422
    assert "No link was made" in answer.text
    assert VisitorLink.objects.count() == 0
    assert "Make a link" not in client.get(f"/passes/{key.public_id}/").text


def test_without_a_trail_none_is_made(client, key, manager):
    with a_trail_that_refuses():
        answer = make(client, key)
    assert answer.status_code == 503
    assert VisitorLink.objects.count() == 0
