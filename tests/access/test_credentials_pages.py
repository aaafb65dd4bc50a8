"""The pages of credentials: whose are shown to whom, and never a code among them."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import Credential, CredentialKind
from families.models import Grant
from portal.connections.models import Connection, Health
from tests.access.credentials import Held
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db

MINE = "/credentials/"


@pytest.fixture
def held(simulator) -> Held:
    return Held.of(simulator)


def limited_manager(held: Held):
    held.family.property = PropertyFactory()
    held.family.save()
    return PropertyLimitFactory(property=held.family.property).person


def look(client, person, path, headers=None):
    client.force_login(person)
    return client.get(path, headers=headers)


class TestOfAFamily:
    def test_the_page_names_each_account_and_shows_no_code(self, client, held):
        manager = ManagerFactory()
        own = held.own_of(manager)
        codes = [held.pin(), held.pin(own)]
        Credential.note(own, CredentialKind.PIN, is_there=False)

        page = look(client, manager, held.path("credential_list")).text

        assert "<html" in page
        assert "My own account" in page
        assert "The organisation’s account" in page
        assert "Riverside" in page
        assert 'aria-current="page"' in page
        assert "Not read yet" in page
        assert "Set a PIN" in page
        assert not [code for code in codes if code in page]
        assert held.simulator.journal() == []

    def test_the_fragment_is_the_tab_alone(self, client, held):
        answer = look(client, ManagerFactory(), held.path("credential_list"), HTMX)

        assert answer.status_code == 200
        assert '<div class="stack" id="credential-list">' in answer.text
        assert "<html" not in answer.text

    @pytest.mark.parametrize("who", ["limited manager", "family admin"])
    def test_others_see_their_own_account_alone(self, client, held, who):
        person = (
            limited_manager(held) if who == "limited manager" else GrantFactory(family=held.family).person
        )
        held.own_of(person)

        page = look(client, person, held.path("credential_list")).text

        assert "My own account" in page
        assert "The organisation’s account" not in page
        assert "Change the PIN" in page

    def test_nobody_elses_personal_account_is_shown(self, client, held):
        own = held.own_of(ManagerFactory(email="other@gatehouse.example"))
        Credential.note(own, CredentialKind.PIN, is_there=True)

        page = look(client, ManagerFactory(), held.path("credential_list")).text

        assert "other@gatehouse.example" not in page
        assert "Your own account is not connected" in page
        assert "On file" not in page

    @pytest.mark.parametrize(
        "state", [{"paused_at": timezone.now()}, {"health": Health.SIGNED_OUT}], ids=["paused", "signed out"]
    )
    def test_an_own_connection_that_cannot_be_used_is_said(self, client, held, state):
        person = GrantFactory(family=held.family).person
        held.own_of(person)
        Connection.objects.filter(owner=person).update(**state)

        page = look(client, person, held.path("credential_list")).text

        assert "Your own account cannot be used now" in page
        assert "Change the PIN" not in page

    def test_what_was_read_of_another_account_is_not_told_of_this_one(self, client, held):
        Credential.note(held.organisations, CredentialKind.FACE, is_there=True)
        held.organisations.account_id = "another"
        held.organisations.save()

        assert "On file" not in look(client, ManagerFactory(), held.path("credential_list")).text

    def test_of_a_family_that_is_gone_nothing_is_offered(self, client, held):
        held.family.gone_at = timezone.now()
        held.family.save()

        page = look(client, ManagerFactory(), held.path("credential_list")).text

        assert "Change the PIN" not in page

    def test_the_tab_is_there_for_those_who_may_open_it(self, client, held):
        people = reverse("families:family_detail", args=[held.family.public_id])
        tab = held.path("credential_list")

        assert tab in look(client, ManagerFactory(), people).text
        assert tab not in look(client, AuditorFactory(), people).text

    def test_who_may_not_is_refused(self, client, held):
        path = held.path("credential_list")

        assert client.get(path).status_code == 302
        assert client.get(path, headers=HTMX)["HX-Redirect"] == reverse("account_login")
        assert look(client, AuditorFactory(), path).status_code == 403
        assert look(client, GrantFactory().person, path).status_code == 404
        Grant.objects.all().delete()
        assert look(client, FamilyAdminFactory(), path).status_code == 404

    def test_it_takes_a_fixed_number_of_queries(self, client, held):
        manager = ManagerFactory()
        own = held.own_of(manager)
        path = held.path("credential_list")
        look(client, manager, path, HTMX)
        with CaptureQueriesContext(
            database,
        ) as few:
            client.get(path, headers=HTMX)
        for kind in CredentialKind:
            Credential.note(own, kind, is_there=True)
            Credential.note(held.organisations, kind, is_there=False)
        with CaptureQueriesContext(database) as many:
            client.get(path, headers=HTMX)

        assert len(many) == len(few) <= 12
        assert held.simulator.journal() == []


class TestMine:
    def test_those_that_lack_something_come_first(self, client, held):
        person = ManagerFactory()
        own = held.own_of(person)
        other = ReachFactory(connection=own.connection, family=FamilyFactory(name="Aardvark"))
        for kind in CredentialKind:
            Credential.note(other, kind, is_there=True)
            Credential.note(own, kind, is_there=kind != CredentialKind.FACE)

        page = look(client, person, MINE).text

        assert page.index(held.family.name) < page.index("Aardvark")
        assert "None" in page
        assert "<html" in page
        assert 'id="my-credentials"' in look(client, person, MINE, HTMX).text

    def test_families_that_are_not_ones_to_see_are_not_listed(self, client, held):
        person = GrantFactory(family=held.family).person
        own = held.own_of(person)
        ReachFactory(connection=own.connection, family=FamilyFactory(name="Elsewhere house"))

        page = look(client, person, MINE).text

        assert held.family.name in page
        assert "Elsewhere house" not in page

    def test_without_an_account_it_says_how_to_begin(self, client, held):
        page = look(client, ManagerFactory(), MINE).text

        assert "Your own account is not connected" in page
        assert reverse("connections:own_connection") in page

    def test_who_may_not_is_refused(self, client):
        assert client.get(MINE).status_code == 302
        assert look(client, AuditorFactory(), MINE).status_code == 403
        assert client.post(f"{MINE}readings/").status_code == 403

    def test_more_families_cost_no_more_queries(self, client, held):
        person = ManagerFactory()
        own = held.own_of(person)
        look(client, person, MINE, HTMX)
        with CaptureQueriesContext(database) as one:
            client.get(MINE, headers=HTMX)
        for _ in range(8):
            ReachFactory(connection=own.connection)
        with CaptureQueriesContext(database) as nine:
            client.get(MINE, headers=HTMX)

        assert len(nine) == len(one) <= 9
        assert held.simulator.journal() == []
