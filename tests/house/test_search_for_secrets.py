"""The search that goes with every test finds a secret wherever one is left: else it would find none anywhere."""

import logging

import pytest
from django.db import connection as database
from django.http import HttpResponse, HttpResponseRedirect
from django.test import RequestFactory
from django.urls import ResolverMatch, resolve

from tests.factories import ConnectionFactory, FamilyFactory
from tests.plugins import canaries
from tests.plugins.canaries import Watch, words_in_database

SECRET = "CANARY" + "0123456789abcdef" * 2


@pytest.fixture
def watch():
    return Watch()


def nothing() -> list[str]:
    return []


def test_a_log_record_and_its_traceback_are_heard(watch):
    logger = logging.getLogger("tests.of.the.search")
    logger.addHandler(watch)
    logger.propagate = False
    try:
        logger.warning("the token is %s", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("it failed")
    finally:
        logger.removeHandler(watch)
    assert [found.partition(":")[0] for found in watch.found(nothing)] == [
        "the log of tests.of.the.search"
    ] * 2


@pytest.mark.parametrize("path", [f"/v/{SECRET}/", f"/log/?q={SECRET}"])
def test_an_address_is_heard(watch, path):
    request = RequestFactory().get(path)
    request.resolver_match = ResolverMatch(nothing, (), {})
    watch.see(request, HttpResponse())
    assert watch.found(nothing) == [f"an address: {SECRET}"]


def test_where_an_answer_leads_is_heard(watch):
    request = RequestFactory().get("/")
    request.resolver_match = resolve("/log/")
    watch.see(request, HttpResponseRedirect(f"/log/?code={SECRET}"))
    watch.see(request, HttpResponse(headers={"HX-Push-Url": SECRET}))
    assert [found.partition(" ")[0] for found in watch.found(nothing)] == ["Location", "HX-Push-Url"]


def test_a_code_that_the_upstream_sends_back_is_let_pass_at_its_own_address_alone(watch):
    request = RequestFactory().get(f"/connections/return/?code={SECRET}")
    request.resolver_match = resolve("/connections/return/")
    watch.see(request, HttpResponse())
    assert watch.found(nothing) == []


def test_digits_are_secrets_where_the_stand_in_says_so(watch):
    request = RequestFactory().get("/passes/?q=912345678&at=20261122")
    request.resolver_match = None
    watch.see(request, HttpResponse())
    assert watch.found(lambda: ["912345678"]) == ["an address: 912345678"]
    assert watch.found(lambda: ["12345678"]) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_of_the_database_is_seen_and_a_sealed_one_is_not():
    ConnectionFactory(access_token=SECRET)
    assert not any(word.startswith(SECRET) for word in words_in_database())
    FamilyFactory(name=f"Casa {SECRET}")
    found = words_in_database()
    # Told here: it is no finding of this test.
    canaries.let_pass(found)
    # A file gives the word with what stands behind it, a server the table.
    wanted = SECRET if database.vendor == "sqlite" else "families_family"
    assert any(one.startswith(wanted) for one in found)
