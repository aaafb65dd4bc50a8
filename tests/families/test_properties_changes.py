"""Making, renaming and deleting properties: what is asked, refused, and put on the trail."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from families.models import Family, Property, PropertyLimit
from families.services import properties
from portal.accounts.models import User
from portal.audit.trail import By
from tests.audit.trails import holds
from tests.consoles import run
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyFactory,
    PropertyLimitFactory,
    UserFactory,
)
from tests.families.house import a_trail_that_refuses
from tests.families.properties import address, deeds, hidden, limited, told

pytestmark = pytest.mark.django_db


class TestMaking:
    def test_it_is_made_and_the_trail_tells_it(self, client: Client, manager: User) -> None:
        answer = client.post(
            address("property_create"), {"name": "  Mill\u00a0Lane ", "time_zone": "europe/lisbon"}
        )
        made = Property.objects.get()
        assert (made.name, made.time_zone) == ("Mill Lane", "Europe/Lisbon")
        assert answer["Location"] == address("property_detail", made)
        assert "Put its families in" in client.get(answer["Location"]).text
        assert told("property.add") == [
            {"before": {}, "after": {"name": "Mill Lane", "zone": "Europe/Lisbon"}}
        ]
        assert deeds().get().actor_name == manager.name
        assert holds()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("", "needs a name"),
            ("   ", "spaces alone"),
            ("\u3000\u2003", "spaces alone"),
            ("x" * 101, "at most 100 characters; this one has 101"),
            ("x" * 10_000, "this one has 10,000"),
            ("a\u200bb", "ZERO WIDTH SPACE (U+200B)"),
            ("a\u202eb", "RIGHT-TO-LEFT OVERRIDE (U+202E)"),
            ("a\nb", "LINE FEED (U+000A)"),
            ("a\0b", "NULL (U+0000)"),
            ("a\U000e0fffb", "cannot be"),
            ("Tower A", "There is a property “Tower A” already"),
            ("tOWER a", "There is a property “Tower A” already"),
            (" TOWER  A", "There is a property “Tower A” already"),
        ],
    )
    def test_a_name_that_cannot_be_is_said_beside_the_field(
        self, client: Client, manager: User, tower: Property, name: str, words: str
    ) -> None:
        answer = client.post(address("property_create"), {"name": name, "time_zone": "UTC"})
        assert answer.status_code == 422
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert list(Property.objects.all()) == [tower]
        assert not deeds().exists()

    def test_names_that_differ_in_the_case_of_other_scripts_are_the_same(
        self, client: Client, manager: User
    ) -> None:
        PropertyFactory(name="Дом Straße")
        answer = client.post(address("property_create"), {"name": "ДОМ STRASSE", "time_zone": "UTC"})
        assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("zone", "words"),
        [
            ("", "Choose the time zone"),
            ("Mars/Base", "There is no time zone of that name. They are named like Europe/Lisbon."),
            ("Europe/Lisbn", "Is it Europe/Lisbon or "),
            ("Lisbo", "Is it Europe/Lisbon?"),
            ("../../etc/passwd", "There is no time zone"),
            ("Europe/Lisbon\0", "There is no time zone"),
            ("x" * 10_000, "There is no time zone"),
            ("Europe", "There is no time zone"),
        ],
    )
    def test_a_zone_that_is_none_is_said_beside_the_field(
        self, client: Client, manager: User, zone: str, words: str
    ) -> None:
        answer = client.post(address("property_create"), {"name": "Tower", "time_zone": zone})
        assert answer.status_code == 422
        assert words in answer.text
        assert not Property.objects.exists()

    @pytest.mark.parametrize(
        ("typed", "zone"),
        [
            ("Lisbon", "Europe/Lisbon"),
            (" new york", "America/New_York"),
            ("AMERICA/NEW YORK", "America/New_York"),
            ("utc", "UTC"),
            ("Etc/GMT+5", "Etc/GMT+5"),
        ],
    )
    def test_a_zone_may_be_typed_as_people_type(
        self, client: Client, manager: User, typed: str, zone: str
    ) -> None:
        client.post(address("property_create"), {"name": "Tower", "time_zone": typed})
        assert Property.objects.get().time_zone == zone

    def test_the_form_offers_the_zones_without_a_script(self, client: Client, manager: User) -> None:
        page = client.get(address("property_create")).text
        assert 'list="zone-names"' in page
        assert '<option value="Europe/Lisbon">' in page

    def test_fields_that_nobody_asked_for_do_nothing(self, client: Client, manager: User) -> None:
        family = FamilyFactory()
        fields = {"name": "Tower", "time_zone": "UTC", "family": family.public_id, "public_id": "mine"}
        client.post(address("property_create"), fields)
        family.refresh_from_db()
        assert family.property is None
        assert Property.objects.get().public_id != "mine"

    def test_without_a_trail_nothing_is_made(self, client: Client, manager: User) -> None:
        with a_trail_that_refuses():
            answer = client.post(address("property_create"), {"name": "Tower", "time_zone": "UTC"})
        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert not Property.objects.exists()


class TestChanging:
    def change(self, client: Client, place: Property, **fields: str) -> Any:
        form = client.get(address("property_change", place)).text
        seen = {name: hidden(form, name) for name in ("seen_name", "seen_zone")}
        return client.post(
            address("property_change", place),
            {"name": place.name, "time_zone": place.time_zone, **seen, **fields},
        )

    def test_it_is_changed_and_the_trail_tells_before_and_after(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        answer = self.change(client, tower, name="Tower B", time_zone="Asia/Kolkata")
        assert answer["Location"] == address("property_detail", tower)
        tower.refresh_from_db()
        assert (tower.name, tower.time_zone) == ("Tower B", "Asia/Kolkata")
        assert told("property.change") == [
            {
                "before": {"name": "Tower A", "zone": "Europe/Lisbon"},
                "after": {"name": "Tower B", "zone": "Asia/Kolkata"},
            }
        ]

    def test_its_own_name_in_other_case_is_no_other_property(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        assert self.change(client, tower, name="TOWER A").status_code == 302
        assert Property.objects.get().name == "TOWER A"

    def test_what_stays_is_not_put_on_the_trail(self, client: Client, manager: User, tower: Property) -> None:
        assert self.change(client, tower).status_code == 302
        assert not deeds().exists()

    def test_of_two_at_once_the_second_is_told_of_the_first(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        form = client.get(address("property_change", tower)).text
        seen = {name: hidden(form, name) for name in ("seen_name", "seen_zone")}
        self.change(client, tower, name="First")
        mine = {"name": "Second", "time_zone": "UTC", **seen}
        answer = client.post(address("property_change", tower), mine)
        assert answer.status_code == 409
        assert "Somebody else changed it meanwhile to “First”, Europe/Lisbon" in answer.text
        assert 'value="Second"' in answer.text
        tower.refresh_from_db()
        assert tower.name == "First"
        # Knowing that, one may insist.
        again = {**mine, **{name: hidden(answer.text, name) for name in seen}}
        assert client.post(address("property_change", tower), again).status_code == 302
        tower.refresh_from_db()
        assert tower.name == "Second"
        assert len(told("property.change")) == 2

    def test_history_is_told_in_the_new_zone_and_stays_what_it_was(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        family = FamilyFactory(property=tower)
        opening = OpeningFactory(family=family)
        self.change(client, tower, time_zone="Asia/Kolkata")
        assert Family.objects.get().time_zone == "Asia/Kolkata"
        before = (opening.at, opening.raw_time)
        opening.refresh_from_db()
        assert (opening.at, opening.raw_time) == before


class TestDeleting:
    def test_it_asks_first_and_says_who_loses_what(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        limited(ManagerFactory, tower, name="Bo Only")
        limited(AuditorFactory, tower, PropertyFactory(name="Mill Lane"), name="Cy Both")
        page = client.get(address("property_delete", tower)).text
        assert "sees no family from then on" in page.partition("Bo Only")[2].partition("</li>")[0]
        assert "keeps Mill Lane" in page.partition("Cy Both")[2].partition("</li>")[0]
        assert Property.objects.filter(pk=tower.pk).exists()

    def test_it_goes_with_its_limits_and_the_trail_names_them(
        self, client: Client, manager: User, tower: Property
    ) -> None:
        bo = limited(ManagerFactory, tower)
        answer = client.post(address("property_delete", tower))
        assert answer["Location"] == address("property_list")
        assert not Property.objects.exists()
        assert not PropertyLimit.objects.exists()
        bo.refresh_from_db()
        # Losing the last limit opens nothing.
        assert bo.is_limited
        assert not Family.objects.visible_to(bo).exists()
        assert told("property.delete") == [
            {"before": {"name": "Tower A", "zone": "Europe/Lisbon"}, "after": {}, "limits": [bo.email]}
        ]
        assert deeds().get().object_name == "Tower A"

    @pytest.mark.parametrize("gone_for", [None, timedelta(days=3)])
    def test_one_with_families_stays(
        self, client: Client, manager: User, tower: Property, gone_for: timedelta | None
    ) -> None:
        gone_at = timezone.now() - gone_for if gone_for else None
        FamilyFactory(property=tower, gone_at=gone_at)
        page = client.get(address("property_delete", tower)).text
        assert "1 family is in it" in page
        assert 'type="submit">Delete' not in page
        answer = client.post(address("property_delete", tower))
        assert answer.status_code == 409
        assert "Nothing was deleted" in answer.text
        assert Property.objects.exists()
        assert not told("property.delete")

    def test_twice_is_once(self, client: Client, manager: User, tower: Property) -> None:
        assert client.post(address("property_delete", tower)).status_code == 302
        assert client.post(address("property_delete", tower)).status_code == 404
        assert len(told("property.delete")) == 1


def test_the_services_check_the_right_again(tower: Property) -> None:
    for person in (
        AuditorFactory(),
        FamilyAdminFactory(),
        UserFactory(is_limited=True),
        PropertyLimitFactory(property=tower).person,
        ManagerFactory(is_active=False),
    ):
        by = By.person(person)
        with pytest.raises(PermissionDenied):
            properties.make_property(by, name="X", time_zone="UTC")
        with pytest.raises(PermissionDenied):
            properties.change_property(by, tower, name="X", time_zone="UTC")
        with pytest.raises(PermissionDenied):
            properties.delete_property(by, tower)
        with pytest.raises(PermissionDenied):
            properties.set_property(by, "X")
    assert [each.name for each in Property.objects.all()] == ["Tower A"]


def test_the_command_makes_no_second_one_in_other_case(tower: Property) -> None:
    ran = run("property", "tower a", "--zone", "UTC")
    assert ran.is_one_line_of_trouble
    assert "'Tower A'" in ran.err
    tower.refresh_from_db()
    assert tower.time_zone == "Europe/Lisbon"
