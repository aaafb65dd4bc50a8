"""Somebody's own account: linked by them, used by nobody else, and it brings nothing into the portal."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.services import people
from families.services.people import Standing
from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.audit.trail import By
from portal.connections import managing
from portal.connections.models import Connection, Health
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.connections.signing import HTMX, come, press_in, send, typed
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    ReachFactory,
    SyncStateFactory,
)
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

OWN = reverse("connections:own_connection")
SIGN_IN = reverse("connections:own_connection_sign_in")
CONTINUE = reverse("connections:own_connection_continue")
REMOVE = reverse("connections:own_connection_remove")


@pytest.mark.parametrize(
    "make", [ManagerFactory, FamilyAdminFactory, lambda: ManagerFactory(is_limited=True)]
)
@pytest.mark.parametrize("how", ["token", "password"])
def test_a_person_links_their_account(
    client: Client, simulator: SimulatorProcess, make: Any, how: str
) -> None:
    person = come(client, make())
    assert "Not connected" in client.get(OWN).text
    answer = send(client, SIGN_IN, typed(simulator, how))
    assert (answer.status_code, answer["HX-Redirect"]) == (204, OWN)
    made = Connection.objects.get()
    assert (made.owner, made.name, made.families_listed) == (person, person.email, 40)
    assert SyncState.objects.get().kind == Kind.FAMILIES
    assert not Family.objects.exists()
    page = client.get(OWN).text
    assert "Your account is connected. It reaches 40 families" in page
    assert "None of its families is one that this portal shows" in page
    assert "being read for the first time" in page
    assert "beside these" not in page
    SyncState.objects.update(last_good_at=timezone.now())
    page += (later := client.get(OWN).text)
    assert "being read for the first time" not in later
    assert "Your account is in 40 families beside these" in later
    for secret in (simulator.token, simulator.sign_in["password"], made.access_token):
        assert secret not in page + str(list(Entry.objects.values()))
    assert Entry.objects.get(event="connection.add", phase="outcome").actor == person
    assert holds()


def test_the_organisations_address_is_typed_already_where_it_has_but_one(client: Client) -> None:
    come(client, FamilyAdminFactory())
    assert "Another address" not in client.get(SIGN_IN).text
    for _ in range(2):
        ConnectionFactory(base_url="https://cloud.example")
    ConnectionFactory(base_url="https://old.example", removed_at=timezone.now())
    page = client.get(SIGN_IN).text
    assert "Another address than https://cloud.example" in page
    assert 'value="https://cloud.example"' in page
    assert page.index("User name") < page.index("The door system’s address")
    answer = send(client, SIGN_IN, {"how": "password", "base_url": "https://mine.example"})
    assert answer.status_code == 422
    assert '<details class="fold" open>' in answer.text
    assert 'value="https://mine.example"' in answer.text
    ConnectionFactory(base_url="https://other.example")
    page = client.get(SIGN_IN).text
    assert "Another address" not in page
    assert 'cloud.example"' not in page


@pytest.mark.parametrize("how", ["password", "code", "token"])
def test_the_forms_speak_of_the_door_system_and_say_who_hands_out_what(client: Client, how: str) -> None:
    come(client, ManagerFactory())
    for address in (SIGN_IN, reverse("connections:connection_create")):
        page = client.get(f"{address}?how={how}", headers=HTMX).text
        assert "upstream" not in page.replace("upstream-addresses", "").lower()
        assert ("ask your integrator" in page) == (how != "token")


def test_signing_in_again_is_the_same_one(client: Client, simulator: SimulatorProcess) -> None:
    person = come(client, FamilyAdminFactory())
    made = ConnectionFactory(
        owner=person, name=person.email, base_url=simulator.url, health=Health.SIGNED_OUT
    )
    send(client, SIGN_IN, typed(simulator, "token"))
    assert Connection.objects.get().pk == made.pk
    assert Connection.objects.get().health == Health.GOOD
    assert Entry.objects.order_by("-number")[0].event == "connection.renew"


def test_one_may_be_called_like_one_of_the_organisations(client: Client, simulator: SimulatorProcess) -> None:
    person = come(client, FamilyAdminFactory())
    ConnectionFactory(name=person.email)
    assert send(client, SIGN_IN, typed(simulator, "token")).status_code == 204


def test_the_page_names_the_families_that_one_may_see_and_counts_the_rest(client: Client) -> None:
    person = come(client, FamilyAdminFactory())
    made = ConnectionFactory(owner=person, families_listed=3)
    SyncStateFactory(kind=Kind.FAMILIES, family=None, connection=made)
    mine, other = FamilyFactory(name="My home"), FamilyFactory(name="CANARY family")
    GrantFactory(person=person, family=mine)
    ReachFactory(connection=made, family=mine, auth="user")
    ReachFactory(connection=made, family=other)
    page = client.get(OWN).text
    assert "My home" in page
    assert "Administrator" in page
    assert "CANARY" not in page
    assert "Your account is in 2 families beside these" in page


def test_it_is_a_fragment_too(client: Client) -> None:
    come(client, FamilyAdminFactory())
    assert client.get(OWN, headers=HTMX).text.lstrip().startswith('<div class="stack" id="own-connection">')
    form = client.get(SIGN_IN, headers=HTMX).text
    assert form.lstrip().startswith('<div class="sign-in-form" id="sign-in-form">')


def test_whoever_was_switched_off_finds_it_paused_and_lets_it_go_on(client: Client) -> None:
    person = FamilyAdminFactory()
    made = ConnectionFactory(owner=person)
    managing.pause_own_of(By.operator(), person)
    made.refresh_from_db()
    assert made.paused_at
    come(client, person)
    page = client.get(OWN).text
    assert "paused while you could not come to it" in page
    client.post(CONTINUE, {"press": press_in(page)})
    made.refresh_from_db()
    assert made.paused_at is None
    told = Entry.objects.filter(event__startswith="connection.").order_by("number")
    assert [(entry.event, entry.actor_kind) for entry in told] == [
        ("connection.pause", "operator"),
        ("connection.continue", "person"),
    ]


def test_switching_somebody_off_pauses_it() -> None:
    manager, person = ManagerFactory(), FamilyAdminFactory(joined_at=timezone.now())
    made = ConnectionFactory(owner=person)
    people.switch_off(By.person(manager), person)
    made.refresh_from_db()
    assert made.paused_at
    events = list(Entry.objects.order_by("number").values_list("event", flat=True))
    assert events == ["connection.pause", "person.switch_off"]


def by_page(manager: User, person: User, role: Role) -> None:
    people.change_person(By.person(manager), person, Standing(role))


def by_command(manager: User, person: User, role: Role) -> None:
    people.set_person(By.operator(), person.email, people.Wanted(role))


@pytest.mark.parametrize("change", [by_page, by_command])
def test_who_becomes_an_auditor_finds_it_paused_when_they_may_use_it_again(
    client: Client, change: Callable[[User, User, Role], None]
) -> None:
    manager, person = ManagerFactory(), FamilyAdminFactory(name="Ana Lima")
    made = ConnectionFactory(owner=person)
    change(manager, person, Role.MANAGER)
    made.refresh_from_db()
    assert made.paused_at is None
    for _ in range(2):
        change(manager, person, Role.AUDITOR)
    made.refresh_from_db()
    assert made.paused_at
    events = list(Entry.objects.order_by("number").values_list("event", flat=True))
    assert events.count("connection.pause") == 1
    assert not Connection.objects.callable_at(timezone.now()).exists()
    come(client, manager)
    row = client.get(reverse("connections:connection_list")).text.split("Ana Lima", 1)[1].split("</tr>")[0]
    assert "auditor" in row
    assert "Paused" in row
    change(manager, person, Role.FAMILY_ADMIN)
    made.refresh_from_db()
    assert made.paused_at
    come(client, person)
    assert "paused while you could not come to it" in client.get(OWN).text


def test_an_auditors_role_is_not_changed_without_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> bool:
        raise DatabaseError

    person = FamilyAdminFactory()
    ConnectionFactory(owner=person)
    monkeypatch.setattr(managing, "pause_own_of", fails)
    with pytest.raises(DatabaseError):
        by_page(ManagerFactory(), person, Role.AUDITOR)
    person.refresh_from_db()
    assert person.role == Role.FAMILY_ADMIN


def test_without_one_nothing_is_paused() -> None:
    assert not managing.pause_own_of(By.operator(), FamilyAdminFactory())
    assert not Entry.objects.exists()


def test_it_is_removed_and_another_may_be_linked(client: Client, simulator: SimulatorProcess) -> None:
    person = come(client, FamilyAdminFactory())
    made = ConnectionFactory(owner=person, refresh_token="CANARY")
    reach = ReachFactory(connection=made)
    answer = client.post(REMOVE, {"press": press_in(client.get(OWN).text)})
    assert answer["Location"] == OWN
    page = client.get(OWN).text
    assert "not connected any more" in page
    assert "Not connected" in page
    made.refresh_from_db()
    assert made.removed_at
    assert (made.access_token, made.refresh_token) == (None, None)
    assert Reach.objects.get(pk=reach.pk).gone_at
    assert send(client, SIGN_IN, typed(simulator, "token")).status_code == 204
    assert Connection.objects.there().get().owner == person


@pytest.mark.parametrize("address", [CONTINUE, REMOVE])
def test_nobody_does_anything_to_anothers(client: Client, address: str) -> None:
    person = come(client, FamilyAdminFactory())
    made = ConnectionFactory(owner=ManagerFactory(), paused_at=timezone.now())
    for purpose in (f"connection:{made.public_id}", f"own:{person.public_id}"):
        assert client.post(address, {"press": new_press(person.pk, purpose)})["Location"] == OWN
    made.refresh_from_db()
    assert made.paused_at
    assert made.removed_at is None


def test_an_auditor_has_none(client: Client, simulator: SimulatorProcess) -> None:
    come(client, AuditorFactory())
    for address in (OWN, SIGN_IN):
        assert client.get(address).status_code == 403
    for address in (SIGN_IN, CONTINUE, REMOVE):
        assert client.post(address, typed(simulator, "token")).status_code == 403
    assert simulator.journal() == []


def test_a_visitor_signs_in_first(client: Client) -> None:
    for address in (OWN, SIGN_IN):
        assert reverse("account_login") in client.get(address)["Location"]


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_a_wrong_sign_in_keeps_nothing(client: Client, simulator: SimulatorProcess, headers: Any) -> None:
    come(client, FamilyAdminFactory())
    fields = typed(simulator, "password", password="wrong-CANARY")
    answer = send(client, SIGN_IN, fields, headers=headers)
    assert answer.status_code == 422
    assert "refused the sign-in" in answer.text
    assert "CANARY" not in answer.text
    assert not Connection.objects.exists()


def test_an_upstream_that_is_down_is_a_notice(
    client: Client, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    come(client, FamilyAdminFactory())
    simulator.fault("*", "hang")
    answer = send(client, SIGN_IN, typed(simulator, "token"))
    assert answer.status_code == 503
    assert "notice" in answer.text
    assert client.get(OWN).status_code == 200


def test_a_family_is_shown_as_if_it_were_not_there(client: Client) -> None:
    person = come(client, ManagerFactory())
    reach = ReachFactory(connection=ConnectionFactory(owner=person, name="CANARY-own"))
    page = client.get(reverse("families:family_detail", args=[reach.family.public_id])).text
    assert "CANARY-own" not in page
    assert "No connection reaches this family" in page
    assert "CANARY-own" not in client.get(reverse("families:family_list")).text
