"""Whom the visitors of a property call: typed, changed, put on the trail, and refused where nobody could read it."""

import re
from typing import Any

import pytest
from django.test import Client

from families.models import Property
from families.services import properties
from portal.accounts.models import User
from portal.audit.trail import By
from tests.families.properties import address, told

pytestmark = pytest.mark.django_db

CONTACT = "Caretaker Rui, +351 912 345 678"
SEEN = ("seen_name", "seen_zone", "seen_contact")


def seen_in(text: str) -> dict[str, str]:
    """How the property stood when the form was made; a field without a value is nobody."""
    found = {name: re.search(rf'name="{name}"(?: value="([^"]*)")?', text) for name in SEEN}
    assert all(found.values())
    return {name: (one and one[1]) or "" for name, one in found.items()}


def change(client: Client, place: Property, **fields: str) -> Any:
    form = client.get(address("property_change", place)).text
    seen = seen_in(form)
    return client.post(
        address("property_change", place),
        {"name": place.name, "time_zone": place.time_zone, **seen, **fields},
    )


def test_it_is_kept_shown_and_put_on_the_trail(client: Client, manager: User, tower: Property) -> None:
    answer = change(client, tower, visitor_contact=f"  {CONTACT.replace(' ', '  ', 1)} ")
    tower.refresh_from_db()
    assert tower.visitor_contact == CONTACT
    assert f"visitors call <bdi>{CONTACT}</bdi>" in client.get(answer["Location"]).text
    [row] = told("property.change")
    assert row["before"] == {"name": "Tower A", "zone": "Europe/Lisbon"}
    assert row["after"] == row["before"] | {"visitors_call": CONTACT}


def test_a_new_property_has_it_from_the_start(client: Client, manager: User) -> None:
    client.post(address("property_create"), {"name": "Mill", "time_zone": "UTC", "visitor_contact": CONTACT})
    assert Property.objects.get().visitor_contact == CONTACT
    assert told("property.add")[0]["after"]["visitors_call"] == CONTACT


def test_it_is_taken_away_again(client: Client, manager: User, tower: Property) -> None:
    change(client, tower, visitor_contact=CONTACT)
    tower.refresh_from_db()
    assert change(client, tower, visitor_contact="").status_code == 302
    tower.refresh_from_db()
    assert tower.visitor_contact == ""


def test_of_two_at_once_the_second_is_told_of_the_first(
    client: Client, manager: User, tower: Property
) -> None:
    form = client.get(address("property_change", tower)).text
    seen = seen_in(form)
    change(client, tower, visitor_contact=CONTACT)
    mine = {"name": "Tower A", "time_zone": "Europe/Lisbon", "visitor_contact": "Somebody else", **seen}
    answer = client.post(address("property_change", tower), mine)
    assert answer.status_code == 409
    assert f"visitors call “{CONTACT}”" in answer.text
    tower.refresh_from_db()
    assert tower.visitor_contact == CONTACT
    again = {**mine, **seen_in(answer.text)}
    assert client.post(address("property_change", tower), again).status_code == 302


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("x" * 121, "At most 120 characters; these are 121."),
        ("Rui\n+351", "LINE FEED (U+000A)"),
        ("Rui\u202e", "RIGHT-TO-LEFT OVERRIDE (U+202E)"),
        ("Rui\0", "NULL (U+0000)"),
    ],
)
def test_what_a_visitor_could_not_read_is_refused_beside_its_field(
    client: Client, manager: User, tower: Property, typed: str, words: str
) -> None:
    answer = change(client, tower, visitor_contact=typed)
    assert answer.status_code == 422
    assert words in answer.text
    tower.refresh_from_db()
    assert tower.visitor_contact == ""


def test_without_a_word_of_it_a_change_leaves_it(tower: Property) -> None:
    tower.visitor_contact = CONTACT
    tower.save()
    properties.change_property(By.operator(), tower, name="Tower B", time_zone="UTC")
    tower.refresh_from_db()
    assert (tower.name, tower.visitor_contact) == ("Tower B", CONTACT)
