"""What a manager is told where something of a move-out is left: why, in words that last, what to do, and where it stands."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import ItemKind, MoveOutItem, TempKey
from access.services.moving import advancing
from families.models import Member
from portal.connections.models import Connection, Health
from tests.access import moving
from tests.access.moving import begin, household, move_out, not_gone, record
from tests.accounts.signing_in import sign_in_recently
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory, PropertyFactory, UserFactory

pytestmark = pytest.mark.django_db
ASK = "Ask the owner to hand the family over in their phone app, then look again."


@pytest.fixture
def manager(client: Client):
    person = ManagerFactory()
    sign_in_recently(client, person)
    return person


def page_of(client, one) -> str:
    return client.get(reverse("access:move_out_detail", args=[one.public_id])).text


def main_button(page: str) -> str:
    """The words of the one main button of the page."""
    assert page.count("button--main") == 1
    return page.partition("button--main")[2].partition("</button>")[0]


def test_an_owner_whom_only_they_can_hand_over_is_to_be_asked_and_then_looked_for(client, manager, simulator):
    home = household(simulator, auth="user", people=3)
    done = move_out(home)

    page = page_of(client, done)

    assert page.count(ASK) == 2
    assert "Look again" in main_button(page)
    assert "Try again what is left" in page


def test_what_was_refused_for_another_reason_is_tried_again(client, manager, simulator):
    simulator.reset(batches="each")
    home = household(simulator, people=3)
    stays = home.members[1]
    simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
    done = move_out(home)

    page = page_of(client, done)

    assert ASK not in page
    assert "Try again what is left" in main_button(page)


def test_once_the_owner_has_handed_it_over_it_is_tried_again(client, manager, simulator):
    home = household(simulator, auth="user", people=3)
    done = move_out(home)
    Member.objects.filter(family=home.family, account_id=home.owner).update(auth="user")
    MoveOutItem.objects.filter(move_out=done, kind=ItemKind.OWNERSHIP).update(state="gone")

    page = page_of(client, done)

    assert ASK not in page
    assert "Try again what is left" in main_button(page)


def test_while_the_door_system_rests_the_record_keeps_no_words_of_the_moment(simulator):
    home = household(simulator, people=3)
    begun = begin(home)
    now = timezone.now()
    Connection.objects.filter(pk=home.connection.pk).update(
        health=Health.FAILING, health_since=now, open_until=now + timedelta(minutes=1)
    )

    done = advancing.advance(begun, seconds=30)

    assert {item.words for item in not_gone(done)} == {"Nothing was sent. The door system did not answer."}
    assert "again" not in record(done).text


def test_a_pass_says_until_when_it_is_good_with_the_zone_of_its_property(simulator):
    home = household(simulator, people=3)
    home.family.property = PropertyFactory(time_zone="Europe/Lisbon")
    home.family.save()
    key = TempKey.objects.filter(family=home.family)[0]
    TempKey.objects.filter(pk=key.pk).update(ends_at=datetime(2030, 7, 1, 18, tzinfo=UTC))

    begun = begin(home)

    item = MoveOutItem.objects.get(move_out=begun, temp_key=key)
    assert item.detail == "until 1 July 2030, 19:00 (WEST)"


class TestTheFamilysPage:
    def page(self, client, home) -> str:
        return client.get(reverse("families:family_detail", args=[home.family.public_id])).text

    def test_it_leads_to_a_move_out_that_is_under_way_or_has_something_left(self, client, manager, simulator):
        home = household(simulator, auth="user", people=3)
        assert "See its record" not in self.page(client, home)
        begun = begin(home)
        url = reverse("access:move_out_detail", args=[begun.public_id])
        page = self.page(client, home)
        assert "A move-out is under way" in page
        assert url in page

        advancing.advance(begun, seconds=30)

        page = self.page(client, home)
        assert "2 things are left of a move-out" in page
        assert url in page

    def test_where_everything_is_gone_it_says_nothing(self, client, manager, simulator):
        home = household(simulator, people=3)
        move_out(home)
        assert "See its record" not in self.page(client, home)

    def test_an_auditor_is_told_and_a_family_admin_is_not(self, client, simulator):
        home = household(simulator, people=3)
        begin(home)
        client.force_login(AuditorFactory())
        assert "A move-out is under way" in self.page(client, home)
        person = UserFactory(role="family_admin")
        GrantFactory(person=person, family=home.family)
        client.force_login(person)
        page = self.page(client, home)
        assert home.family.name in page
        assert "move-out" not in page
