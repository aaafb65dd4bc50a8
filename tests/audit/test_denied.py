"""What people are refused stands on the trail: once each, without secrets, and never without bound."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit import viewing
from portal.audit.models import Entry
from portal.audit.viewing import LISTED_AT_MOST, Refusal
from portal.policies import POLICIES
from portal.web.access import Policy
from tests.factories import AuditorFactory, FamilyAdminFactory, FamilyFactory, GrantFactory, ManagerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin(client: Client) -> User:
    person = GrantFactory().person
    client.force_login(person)
    return person


def refusals() -> list[Entry]:
    return list(Entry.objects.filter(event="access.denied").order_by("number"))


def test_an_object_of_somebody_else_is_told_with_who_how_and_where(client: Client, admin: User) -> None:
    url = reverse("families:family_detail", args=[FamilyFactory().public_id])
    assert client.get(url).status_code == 404
    (entry,) = refusals()
    assert (entry.actor_id, entry.actor_name, entry.role) == (admin.pk, str(admin), "family_admin")
    assert (entry.object_kind, entry.object_name) == ("address", url)
    assert json.loads(entry.parameters) == {"method": "GET", "route": "families:family_detail"}
    assert (entry.outcome, entry.upstream_status) == ("refused", 404)


def test_a_role_that_may_not_come_is_told_also_where_the_address_names_no_object(client: Client) -> None:
    client.force_login(FamilyAdminFactory())
    assert client.get("/audit/").status_code == 403
    (entry,) = refusals()
    assert (entry.object_name, entry.upstream_status) == ("/audit/", 403)
    assert json.loads(entry.parameters)["route"] == "audit:entry_list"


def test_the_same_refusal_is_told_once_in_a_quarter_of_an_hour(client: Client, admin: User) -> None:
    url = reverse("families:family_detail", args=[FamilyFactory().public_id])
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False) as clock:
        client.force_login(admin)
        for headers in ({}, HTMX, HTMX):
            client.get(url, headers=headers)
        assert len(refusals()) == 1
        clock.shift(16 * 60)
        client.get(url, headers=HTMX)
        assert len(refusals()) == 2


def test_trying_to_change_what_one_may_not_read_is_another_refusal(client: Client) -> None:
    client.force_login(AuditorFactory())
    url = reverse("families:family_rename", args=[FamilyFactory().public_id])
    assert [client.get(url).status_code, client.post(url).status_code] == [403, 403]
    assert [json.loads(entry.parameters)["method"] for entry in refusals()] == ["GET", "POST"]


def test_two_people_at_one_address_are_two_refusals(client: Client) -> None:
    for person in (FamilyAdminFactory(), FamilyAdminFactory()):
        client.force_login(person)
        client.get("/audit/")
    assert len({entry.actor_id for entry in refusals()}) == 2


def test_an_address_that_never_was_a_page_is_nothing_denied(client: Client, admin: User) -> None:
    for path in ("/nothing/here/", "/favicon.ico", "/families/a/b/c/"):
        assert client.get(path).status_code == 404
    assert refusals() == []


def test_a_visitor_is_asked_to_sign_in_and_denied_nothing(client: Client) -> None:
    client.get("/audit/")
    client.get("/families/nobody-knows-it-at-all/")
    assert refusals() == []


def test_a_form_of_another_site_is_not_held_against_whom_it_was_slipped_to() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ManagerFactory())
    url = reverse("families:family_rename", args=[FamilyFactory().public_id])
    assert client.post(url, {"name": "x"}).status_code == 403
    assert refusals() == []


def test_what_is_missing_at_an_address_open_to_everybody_is_nobodys(client: Client, admin: User) -> None:
    client.get("/account/confirm-email/CANARY-in-a-key/")
    client.get("/account/password/reset/key/1-CANARY-in-a-key/")
    assert refusals() == []
    assert "CANARY" not in str(list(Entry.objects.values()))


def test_an_address_with_a_secret_is_told_without_it(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = "families:family_detail"
    monkeypatch.setitem(POLICIES, route, Policy(objects={"family_id": "key"}))
    assert client.get("/families/CANARY-in-a-key/").status_code == 404
    (entry,) = refusals()
    assert entry.object_name == "/families/…/"
    assert "CANARY" not in str(list(Entry.objects.values()))


def test_an_address_without_a_policy_is_told_without_its_arguments(
    client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(POLICIES, "families:family_detail")
    assert client.get("/families/CANARY-in-a-key/").status_code == 403
    (entry,) = refusals()
    assert entry.object_name == "/families/…/"


def test_a_flood_of_made_up_addresses_is_listed_up_to_a_number_and_then_counted(
    client: Client, admin: User
) -> None:
    for number in range(4 * (LISTED_AT_MOST + 1)):
        assert client.get(f"/families/made-up-{number}/").status_code == 404
    assert len(refusals()) == LISTED_AT_MOST
    counted = Entry.objects.filter(event="access.denied_often").order_by("number")
    told = [json.loads(entry.parameters) for entry in counted]
    first = LISTED_AT_MOST + 1
    assert told == [{"refusals": number, "minutes": 15} for number in (first, 2 * first, 4 * first)]
    assert {entry.actor_id for entry in counted} == {admin.pk}


def test_a_flood_of_one_person_hides_nothing_of_another(client: Client, admin: User) -> None:
    for number in range(LISTED_AT_MOST + 5):
        client.get(f"/families/made-up-{number}/")
    other = FamilyAdminFactory()
    client.force_login(other)
    client.get("/families/made-up-1/")
    assert refusals()[-1].actor_id == other.pk


def test_what_was_listed_before_the_flood_is_not_counted_as_more(client: Client, admin: User) -> None:
    for number in range(LISTED_AT_MOST):
        client.get(f"/families/made-up-{number}/")
    for _ in range(5):
        client.get("/families/made-up-0/", headers=HTMX)
    assert Entry.objects.filter(event="access.denied_often").count() == 0


@pytest.mark.parametrize("address", ["/x/\ud800/", "/x/\x00/", "/x/" + "y" * 10_000 + "/"])
def test_a_strange_address_is_kept_in_a_form_both_databases_take(address: str) -> None:
    person = FamilyAdminFactory()
    for _ in range(2):
        viewing.note_denied(person, Refusal("GET", "x", address, 404))
    (entry,) = refusals()
    assert len(entry.object_name) <= viewing.ADDRESS_LENGTH


def test_a_trail_that_takes_nothing_changes_no_answer(client: Client, admin: User, settings: Any) -> None:
    from tests.families.house import a_trail_that_refuses

    with a_trail_that_refuses():
        assert client.get("/families/made-up/").status_code == 404
        assert client.get("/audit/").status_code == 403
    assert refusals() == []
