"""Failed sign-ins on the trail: each for itself, and a flood counted."""

import json

import pytest
from django.contrib.auth.signals import user_login_failed
from django.test import Client

from portal.audit.models import Entry
from tests.accounts.factors import person

pytestmark = pytest.mark.django_db


def fail(number: int, **details: object) -> None:
    user_login_failed.send(
        sender=__name__, credentials={"email": f"a{number}@gatehouse.example"}, request=None, **details
    )


def test_failures_of_many_accounts_are_listed_and_then_counted() -> None:
    for number in range(300):
        fail(number)
    rows = list(Entry.objects.filter(event="person.sign_in_failed").order_by("number"))
    assert len(rows) == 129
    assert rows[127].parameters == "{}"
    assert (rows[-1].actor_name, json.loads(rows[-1].parameters)) == (
        "a255@gatehouse.example",
        {"times": 256},
    )


def test_refusals_of_many_accounts_likewise() -> None:
    for number in range(300):
        fail(number, is_refused=True)
    assert Entry.objects.filter(event="person.sign_in_refused").count() == 129


def test_a_password_in_the_wrong_field_is_on_no_trail(client: Client) -> None:
    person()
    client.post("/account/login/", {"login": "my secret", "password": "x"})
    fail(1)
    user_login_failed.send(sender=__name__, credentials={"email": "my secret"}, request=None)
    assert not Entry.objects.filter(canonical__contains="secret").exists()
