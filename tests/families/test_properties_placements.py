"""Putting families into properties and taking them out: chosen, told beforehand, agreed to, and done."""

import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from families.models import Family, Property
from families.selectors.properties import PAGE_SIZE
from families.services import placements, properties
from families.services.placements import MOST_AT_ONCE, MoveChanged, place_families, weigh_move
from portal.accounts.models import User
from portal.audit.trail import By
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses
from tests.families.properties import address, agree, ask_to_move, hidden, limited, told

pytestmark = pytest.mark.django_db
PUT, TAKE = "placement_create", "placement_delete"


@pytest.fixture
def lane() -> Property:
    return PropertyFactory(name="Mill Lane", time_zone="Europe/Lisbon")


def place_of(family: Family) -> Property | None:
    return Family.objects.select_related("property").get(pk=family.pk).property


class TestChoosing:
    def shown(self, client: Client, tower: Property, /, **query: str) -> list[str]:
        page = client.get(address(PUT, tower, **query)).context["page"]
        return [family.name for family in page.families]

    def test_those_in_none_come_first(
        self, client: Client, manager: User, tower: Property, lane: Property
    ) -> None:
        FamilyFactory(name="Free")
        FamilyFactory(name="Gone", gone_at=timezone.now())
        FamilyFactory(name="There", property=lane)
        FamilyFactory(name="Here", property=tower)
        assert self.shown(client, tower) == ["Free"]
        assert self.shown(client, tower, place="any") == ["Free", "Here", "There"]
        assert self.shown(client, tower, place=lane.public_id) == ["There"]
        assert self.shown(client, tower, place="nonsense") == ["Free"]
        page = client.get(address(PUT, tower, place="any")).text
        assert "here already" in page
        assert page.count('type="checkbox"') == 2

    def test_a_search_is_answered_with_the_rows_alone(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        MemberFactory(family=FamilyFactory(name="Fly"), first_name="Zoë")
        FamilyFactory(name="Other")
        answer = client.get(address(PUT, tower, q="zoe"), headers=HTMX)
        assert answer.text.lstrip().startswith('<div class="property-choice" id="property-choice">')
        assert "Fly" in answer.text
        assert "Other" not in answer.text

    def test_many_families_cost_no_more_queries(
        self, client: Client, manager: User, tower: Property, django_assert_max_num_queries: Any
    ) -> None:
        FamilyFactory.create_batch(PAGE_SIZE + 20)
        with django_assert_max_num_queries(8):
            page = client.get(address(PUT, tower)).context["page"]
        assert (len(page.families), page.total) == (PAGE_SIZE, PAGE_SIZE + 20)
        rest = client.get(address(PUT, tower, after=page.after)).context["page"]
        assert len(rest.families) == 20
        assert not {each.pk for each in rest.families} & {each.pk for each in page.families}
        assert client.get(address(PUT, tower, before=rest.before)).context["page"].families == page.families

    @pytest.mark.parametrize("name", [PUT, TAKE])
    def test_choosing_nothing_is_said_beside_the_choice(
        self, client: Client, manager: User, tower: Property, name: str
    ) -> None:
        FamilyFactory(property=tower if name == TAKE else None)
        answer = client.post(address(name, tower))
        assert answer.status_code == 422
        assert "Choose at least one family" in answer.text


class TestMoving:
    def test_families_are_put_in_after_one_has_agreed(
        self, client: Client, manager: User, tower: Property, lane: Property
    ) -> None:
        free, there, here = FamilyFactory(name="Free"), FamilyFactory(property=lane), FamilyFactory()
        Family.objects.filter(pk=here.pk).update(property=tower)
        page = ask_to_move(client, PUT, tower, free, there, here)
        assert "Put 2 families in Tower A" in page.text
        assert "out of Mill Lane" in page.text
        assert place_of(free) is None
        done = agree(client, PUT, tower, page)
        assert done["Location"] == address("property_detail", tower)
        assert "2 families were put in “Tower A”" in client.get(done["Location"]).text
        assert {place_of(each) for each in (free, there, here)} == {tower}
        moves = sorted(told("family.place"), key=lambda move: move["before"])
        assert moves == [
            {"before": "", "after": "Tower A"},
            {"before": "Mill Lane", "after": "Tower A"},
        ]
        assert holds()

    def test_families_are_taken_out_after_one_has_agreed(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        family, other = FamilyFactory(property=tower), FamilyFactory(property=tower)
        page = ask_to_move(client, TAKE, tower, family)
        assert "Take 1 family out of Tower A" in page.text
        assert "only those who see everything see them" in page.text
        assert "told in UTC from then on" in page.text
        agree(client, TAKE, tower, page)
        assert (place_of(family), place_of(other)) == (None, tower)
        assert told("family.place") == [{"before": "Tower A", "after": ""}]

    def test_agreeing_twice_moves_once(self, client: Client, manager: User, tower: Property) -> None:
        page = ask_to_move(client, PUT, tower, FamilyFactory())
        for _ in range(2):
            assert agree(client, PUT, tower, page).status_code == 302
        assert len(told("family.place")) == 1

    def test_all_that_fit_are_moved_at_once(self, client: Client, manager: User, tower: Property) -> None:
        for number in range(PAGE_SIZE + 10):
            FamilyFactory(name=f"Flat {number}")
        FamilyFactory(name="Another")
        choice = client.get(address(PUT, tower, q="flat")).text
        assert f"All {PAGE_SIZE + 10} that fit" in choice
        page = ask_to_move(client, PUT, tower, all="1", q="flat", place="none")
        assert f"Put {PAGE_SIZE + 10} families in Tower A" in page.text
        agree(client, PUT, tower, page)
        assert tower.families.count() == PAGE_SIZE + 10

    def test_so_many_at_once_and_no_more(self, client: Client, manager: User, tower: Property) -> None:
        families = [
            Family(name=f"Flat {n}", search_text=f"flat {n}", residence_id=f"r{n}")
            for n in range(MOST_AT_ONCE + 1)
        ]
        Family.objects.bulk_create(families)
        answer = ask_to_move(client, PUT, tower, *families)
        assert answer.status_code == 422
        assert f"At most {MOST_AT_ONCE} families at once" in answer.text
        page = ask_to_move(client, PUT, tower, all="1")
        assert agree(client, PUT, tower, page).status_code == 302
        assert tower.families.count() == MOST_AT_ONCE

    @pytest.mark.parametrize("name", [PUT, TAKE])
    @pytest.mark.parametrize("unknown", ["nothing-of-that-name-22", "\u202e", "' OR 1=1 --", "x" * 5000])
    def test_a_family_that_is_none_is_a_404_and_nothing_moves(
        self, client: Client, manager: User, tower: Property, name: str, unknown: str
    ) -> None:
        family = FamilyFactory(property=tower if name == TAKE else None)
        for agreed in ("", "0" * 32):
            fields = {"family": [family.public_id, unknown], "agreed": agreed}
            assert client.post(address(name, tower), fields).status_code == 404
        assert place_of(family) == (tower if name == TAKE else None)
        assert told("family.place") == []

    def test_a_family_of_another_property_is_not_taken_out_of_it(
        self, client: Client, manager: User, tower: Property, lane: Property
    ) -> None:
        there = FamilyFactory(property=lane)
        answer = ask_to_move(client, TAKE, tower, there, agreed="x")
        assert "Nothing was moved" in client.get(answer["Location"]).text
        assert place_of(there) == lane

    def test_without_a_trail_nothing_moves(self, client: Client, manager: User, tower: Property) -> None:
        family = FamilyFactory()
        page = ask_to_move(client, PUT, tower, family)
        with a_trail_that_refuses():
            answer = agree(client, PUT, tower, page)
        assert answer.status_code == 503
        assert place_of(family) is None


class TestWhoSeesIt:
    def test_who_loses_and_who_gains_is_said_before(
        self, client: Client, manager: User, tower: Property, lane: Property
    ) -> None:
        family = FamilyFactory(property=lane)
        lost = [limited(AuditorFactory, lane, name=f"Loser {n}") for n in range(3)]
        limited(AuditorFactory, lane, tower, name="Sees both")
        gains = limited(ManagerFactory, tower, name="Gainer")
        limited(ManagerFactory, lane, name="Switched off", is_active=False)
        invited = limited(AuditorFactory, tower, name="Invited", is_active=False, joined_at=None)
        GrantFactory(family=family, person__name="Family admin")
        page = ask_to_move(client, PUT, tower, family).text
        losing, gaining = page.partition("will no longer see some of them")[2].partition(
            "will see them from then on"
        )[::2]
        assert "3 people" in page
        assert all(person.name in losing for person in lost)
        assert all(person.name in gaining for person in (gains, invited))
        for name in ("Sees both", "Switched off", "Family admin"):
            assert name not in page
        assert [Family.objects.visible_to(person).count() for person in (*lost, gains)] == [1, 1, 1, 0]
        agree(client, PUT, tower, ask_to_move(client, PUT, tower, family))
        assert [Family.objects.visible_to(person).count() for person in (*lost, gains)] == [0, 0, 0, 1]

    def test_where_nobody_is_concerned_that_is_said(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        assert "Everybody sees what they saw" in ask_to_move(client, PUT, tower, FamilyFactory()).text

    def test_what_changed_meanwhile_has_to_be_agreed_to_anew(
        self, client: Client, manager: User, tower: Property, lane: Property
    ) -> None:
        family = FamilyFactory()
        limited(AuditorFactory, lane, name="Loser")
        page = ask_to_move(client, PUT, tower, family)
        Family.objects.update(property=lane)
        again = agree(client, PUT, tower, page)
        assert again.status_code == 409
        assert "Somebody else changed something meanwhile" in again.text
        assert "Loser" in again.text
        assert place_of(family) == lane
        assert agree(client, PUT, tower, again).status_code == 302
        assert place_of(family) == tower

    def test_it_costs_one_query_however_many_move(
        self, tower: Property, lane: Property, django_assert_num_queries: Any
    ) -> None:
        families = FamilyFactory.create_batch(20, property=lane)
        for _ in range(5):
            limited(AuditorFactory, lane)
        with django_assert_num_queries(1):
            assert len(weigh_move(tower, families).losing) == 5


def test_the_service_checks_the_right_again(tower: Property) -> None:
    family = FamilyFactory()
    for person in (AuditorFactory(), limited(ManagerFactory, tower), GrantFactory().person):
        with pytest.raises(PermissionDenied):
            place_families(By.person(person), tower, [family])
    assert place_of(family) is None


def test_a_property_that_went_meanwhile_takes_nobody(tower: Property) -> None:
    family = FamilyFactory()
    properties.delete_property(By.operator(), tower)
    with pytest.raises(Property.DoesNotExist):
        place_families(By.operator(), tower, [family])
    assert told("family.place") == []


@pytest.mark.django_db(transaction=True)
def test_of_two_moves_at_once_the_second_finds_what_the_first_did(tower: Property, lane: Property) -> None:
    families = FamilyFactory.create_batch(5)
    agreed = {place: weigh_move(place, families).digest for place in (tower, lane)}
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def move(place: Property) -> None:
        try:
            barrier.wait()
            placements.place_families(By.operator(), place, families, agreed=agreed[place])
            outcomes.append("moved")
        except MoveChanged:
            outcomes.append("changed")
        finally:
            database.close()

    threads = [threading.Thread(target=move, args=[place]) for place in (tower, lane)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed", "moved"]
    assert len({place_of(family) for family in families}) == 1
    assert len(told("family.place")) == 5


@pytest.mark.django_db(transaction=True)
def test_of_two_properties_of_one_name_at_once_there_is_one() -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def make(name: str) -> None:
        try:
            barrier.wait()
            properties.make_property(By.operator(), name=name, time_zone="UTC")
            outcomes.append("made")
        except properties.NameTaken:
            outcomes.append("taken")
        finally:
            database.close()

    threads = [threading.Thread(target=make, args=[name]) for name in ("Tower", "TOWER")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "taken"]
    assert Property.objects.count() == 1


def test_the_digest_is_in_the_form_and_nothing_else_is_taken_for_it(
    client: Client, manager: User, tower: Property
) -> None:
    family = FamilyFactory()
    page = ask_to_move(client, PUT, tower, family)
    assert hidden(page.text, "agreed") == weigh_move(tower, [family]).digest
    forged = client.post(address(PUT, tower), {"family": family.public_id, "agreed": "yes"})
    assert forged.status_code == 409
    assert place_of(family) is None
