"""Properties: the list and the page of one, and to whom they are shown."""

from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from families.models import Property
from families.selectors.properties import PAGE_SIZE
from portal.accounts.models import User
from tests.factories import (
    AuditorFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    UserFactory,
)
from tests.families.house import HTMX
from tests.families.properties import address, limited

pytestmark = pytest.mark.django_db


class TestList:
    def test_a_manager_sees_each_with_what_it_holds(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        first, second = FamilyFactory.create_batch(2, property=tower)
        FamilyFactory(property=tower, gone_at=timezone.now())
        DeviceFactory(family=first, is_online=False)
        DeviceFactory(family=second)
        for family in (first, second):
            DeviceFactory(family=family, mac="0C1105000001", is_public=True, is_online=False)
        limited(ManagerFactory, tower)
        limited(AuditorFactory, tower)
        limited(AuditorFactory, tower, is_active=False)
        with time_machine.travel("2026-07-04T10:30:00Z", tick=False):
            page = client.get(address("property_list"))
        (row,) = page.context["page"].properties
        # A door that both families share is one door.
        assert (row.families_in, row.doors_offline, row.people_limited) == (2, 2, 2)
        assert "Tower A" in page.text
        assert "Sat 11:30 WEST" in page.text

    def test_it_takes_as_many_queries_for_many_as_for_one(
        self, client: Client, manager: User, tower: Property, django_assert_num_queries: Any
    ) -> None:
        client.get(address("property_list"))
        # Session, person, the properties, the families in none.
        with django_assert_num_queries(4):
            client.get(address("property_list"))
        for place in PropertyFactory.create_batch(30):
            FamilyFactory(property=place)
        with django_assert_num_queries(4):
            client.get(address("property_list"))

    def test_every_property_is_on_exactly_one_page(self, client: Client, manager: User) -> None:
        PropertyFactory.create_batch(PAGE_SIZE + 5)
        first = client.get(address("property_list")).context["page"]
        second = client.get(address("property_list", after=first.after)).context["page"]
        back = client.get(address("property_list", before=second.before)).context["page"]
        assert [len(page.properties) for page in (first, second)] == [PAGE_SIZE, 5]
        assert len({each.pk for each in (*first.properties, *second.properties)}) == PAGE_SIZE + 5
        assert (back.properties, back.before, second.after) == (first.properties, "", "")

    def test_families_in_none_are_told_to_managers_of_everything_only(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        FamilyFactory.create_batch(3)
        page = client.get(address("property_list")).text
        assert "3 families are in no property" in page
        assert 'href="/families/?property=none"' in page
        for person in (AuditorFactory(), limited(ManagerFactory, tower)):
            client.force_login(person)
            assert "in no property" not in client.get(address("property_list")).text

    def test_a_limited_person_sees_theirs_and_changes_nothing(self, client: Client, tower: Property) -> None:
        other = PropertyFactory(name="Secret garden")
        for role in (ManagerFactory, AuditorFactory):
            client.force_login(limited(role, tower))
            page = client.get(address("property_list")).text
            assert "Tower A" in page
            assert "Secret garden" not in page
            assert "Make property" not in page
            assert client.get(address("property_detail", other)).status_code == 404
            assert client.get(address("property_detail", tower)).status_code == 200
            for name in ("property_change", "property_delete", "placement_create"):
                assert client.get(address(name, tower)).status_code == 403
            assert client.post(address("placement_delete", tower)).status_code == 403
            assert client.get(address("property_create")).status_code == 403

    def test_a_family_admin_may_not_come_here(self, client: Client, tower: Property) -> None:
        client.force_login(FamilyAdminFactory())
        assert client.get(address("property_list")).status_code == 403
        assert client.get(address("property_detail", tower)).status_code == 403

    @pytest.mark.parametrize(
        ("person", "words"),
        [
            (ManagerFactory, "Make the first one"),
            (AuditorFactory, "A manager who sees everything makes them"),
            (lambda: UserFactory(is_limited=True), "No property was given to you"),
        ],
    )
    def test_an_empty_list_says_what_to_do(self, client: Client, person: Any, words: str) -> None:
        client.force_login(person())
        assert words in client.get(address("property_list")).text

    def test_htmx_gets_the_table_alone(self, client: Client, manager: User, tower: Property) -> None:
        text = client.get(address("property_list"), headers=HTMX).text
        assert text.lstrip().startswith('<div class="properties" id="property-table">')


class TestDetail:
    def test_it_shows_its_families_and_who_is_limited_to_it(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        FamilyFactory(property=tower, name="Casa Núñez")
        FamilyFactory(name="Elsewhere")
        limited(AuditorFactory, tower, name="Bo Limited")
        limited(ManagerFactory, tower, name="Cy Gone", is_active=False)
        page = client.get(address("property_detail", tower)).text
        assert "Casa Núñez" in page
        assert "Bo Limited" in page
        assert "Elsewhere" not in page
        assert "Cy Gone" not in page
        assert f'href="/doors/?property={tower.public_id}&amp;show=offline"' not in page

    def test_its_doors_that_are_offline_are_one_step_away(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        DeviceFactory(family__property=tower, is_online=False, name="Broken door")
        page = client.get(address("property_detail", tower)).text
        link = f"/doors/?property={tower.public_id}&show=offline"
        assert link.replace("&", "&amp;") in page
        assert "Broken door" in client.get(link).text

    def test_a_limited_person_is_not_told_who_else_is(self, client: Client, tower: Property) -> None:
        limited(AuditorFactory, tower, name="Bo Limited")
        client.force_login(limited(ManagerFactory, tower))
        page = client.get(address("property_detail", tower)).text
        assert "Bo Limited" not in page
        assert 'type="checkbox"' not in page

    def test_a_family_is_found_by_its_name_and_by_its_members(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        MemberFactory(family=FamilyFactory(property=tower, name="Fly"), first_name="Zoë")
        FamilyFactory(property=tower, name="Other")
        for text in ("fly", "zoe"):
            answer = client.get(address("property_detail", tower, q=text), headers=HTMX)
            assert answer.text.lstrip().startswith('<div class="property-families" id="property-families">')
            assert "Fly" in answer.text
            assert "Other" not in answer.text
        assert "No family fits" in client.get(address("property_detail", tower, q="nobody")).text

    @pytest.mark.parametrize("text", ["%", "_", "a" * 10_000, "' OR 1=1 --", "\u202e"])
    def test_odd_searches_break_nothing(
        self, client: Client, manager: User, tower: Property, text: str
    ) -> None:
        FamilyFactory(property=tower)
        assert client.get(address("property_detail", tower, q=text)).status_code == 200

    def test_a_zone_that_this_machine_does_not_know_breaks_nothing(
        self, client: Client, manager: User
    ) -> None:
        place = PropertyFactory(time_zone="Mars/Base")
        for name in ("property_detail", "property_change"):
            assert client.get(address(name, place)).status_code == 200
        assert client.get(address("property_list")).status_code == 200
