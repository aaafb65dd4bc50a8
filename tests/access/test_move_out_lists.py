"""The list of move-outs, and what of them stands on the dashboard."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import ItemKind, MoveOut, MoveOutItem, MoveOutState
from portal.connections.models import Connection
from tests.access import moving
from tests.access.moving import household, move_out, url
from tests.accounts.signing_in import sign_in_recently
from tests.factories import (
    FamilyAdminFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    ManagerFactory,
    UserFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(simulator):
    return household(simulator)


@pytest.fixture
def manager(client: Client):
    person = ManagerFactory(name="Marta Reis")
    sign_in_recently(client, person)
    return person


class TestTheList:
    def test_all_and_those_with_something_left(self, client, manager, home, django_assert_num_queries):
        done = move_out(home)
        left = MoveOut.objects.create(
            press="x",
            family=FamilyFactory(name="Casa Lima"),
            family_name="Casa Lima",
            is_whole=True,
            all_passes=True,
            made_by=manager,
            acting=manager,
            state=MoveOutState.ENDED,
        )
        MoveOutItem.objects.create(
            move_out=left, number=1, kind=ItemKind.MEMBER, key="k", subject="Ana", state="left"
        )
        home.simulator.clear_journal()
        address = reverse("access:move_out_list")
        client.get(address)
        with django_assert_num_queries(3):
            page = client.get(address)
        assert "Casa Lima" in page.text
        assert done.family_name in page.text
        assert "1 thing is left" in page.text
        only = client.get(address, {"show": "left"}, headers=HTMX)
        assert "<html" not in only.text
        assert "Casa Lima" in only.text
        assert done.family_name not in only.text
        assert home.simulator.journal() == []

    def test_visitors_family_admins_and_strangers_see_nothing(self, client, home):
        move_out(home)
        address = reverse("access:move_out_list")
        assert client.get(address).status_code == 302
        client.force_login(FamilyAdminFactory())
        assert client.get(address).status_code == 403
        client.force_login(UserFactory(is_limited=True))
        assert home.family.name not in client.get(address).text


class TestTheDashboard:
    def test_what_is_left_stays_until_the_sync_finds_it_gone(self, client, manager, simulator):
        from access.services.moving.noticing import notice_gone

        simulator.reset(batches="each")
        home = household(simulator)
        stays = home.members[4]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        done = move_out(home)
        simulator.clear_faults()
        assert "1 thing is left of the move-out of" in client.get("/").text
        assert notice_gone() == 0
        simulator.event(
            "member", residence_id=home.family.residence_id, account_id=stays.account_id, removed=True
        )
        for _ in range(2):
            home.read()

        assert notice_gone() == 1
        assert "of the move-out of" not in client.get("/").text
        page = client.get(url(done))
        assert "Record 2" in page.text
        assert "The sync noticed this" in page.text
        assert "not part of what is signed" not in page.text

    def test_an_invitation_is_looked_at_again_until_its_day(self, client, manager, home):
        FamilyInvitationFactory(family=home.family, email="invited@household.example")
        done = move_out(home)
        assert "an invitation may still be taken up" in client.get("/").text
        MoveOutItem.objects.filter(move_out=done).update(look_until=timezone.now())
        assert "an invitation may still be taken up" not in client.get("/").text

    def test_without_a_connection_the_page_says_so_before(self, client, manager, home):
        Connection.objects.update(paused_at=timezone.now())
        assert "is paused" in client.get(reverse("access:move_out_create", args=[home.family.public_id])).text
