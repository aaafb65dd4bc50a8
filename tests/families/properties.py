"""What the tests of properties share."""

import json
import re
from typing import Any

from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from families.models import Family, Property, PropertyLimit
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.factories import ManagerFactory


def address(name: str, place: Property | None = None, /, **query: str) -> str:
    return reverse(f"families:{name}", args=[place.public_id] if place else [], query=query)


def hidden(text: str, name: str) -> str:
    """The value of a hidden field of the page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, name
    return found[1]


def ask_to_move(client: Client, name: str, place: Property, /, *families: Family, **fields: Any) -> Any:
    """Choose families and send the choice: the page that says what it would mean."""
    return client.post(address(name, place), {"family": [each.public_id for each in families], **fields})


def agree(client: Client, name: str, place: Property, page: Any) -> Any:
    """Say yes on that page."""
    families = re.findall(r'name="family" value="([^"]*)"', page.text)
    return client.post(address(name, place), {"family": families, "agreed": hidden(page.text, "agreed")})


def told(event: str) -> list[dict[str, Any]]:
    """The parameters of each entry of this event, oldest first."""
    entries = Entry.objects.filter(event=event).order_by("number")
    return [json.loads(entry.parameters) for entry in entries]


def deeds() -> QuerySet[Entry]:
    """What is on the trail beside who signed in."""
    return Entry.objects.exclude(event__startswith="person.sign_in")


def limited(role: type = ManagerFactory, *places: Property, **fields: Any) -> User:
    """Somebody who sees these properties and nothing else."""
    person: User = role(is_limited=True, **fields)
    for place in places:
        PropertyLimit.objects.create(person=person, property=place)
    return person
