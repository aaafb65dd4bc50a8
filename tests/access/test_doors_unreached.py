"""Doors to which nothing can be sent say so, on the board, at their family, and to whoever presses all the same."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import Relay
from portal.accounts.models import User
from portal.audit.models import Command
from portal.connections.models import Connection, Health
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    GrantFactory,
    ManagerFactory,
    ReachFactory,
    RelayFactory,
)
from tests.families.house import HTMX
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def relay(simulator: SimulatorProcess) -> Relay:
    """A door that the connection “Riverside” reaches."""
    family, device, relay = simulator.door()
    reach = ReachFactory(
        connection=ConnectionFactory(name="Riverside", base_url=simulator.url, access_token=simulator.token),
        family__residence_id=family["residence_id"],
    )
    return RelayFactory(device__family=reach.family, device__mac=device["mac"], relay_id=relay["relay_id"])


@pytest.fixture
def manager(client: Client) -> User:
    user = ManagerFactory()
    client.force_login(user)
    return user


def in_trouble(state: str) -> None:
    now = timezone.now()
    fields: dict[str, dict[str, Any]] = {
        "signed out": {"health": Health.SIGNED_OUT},
        "paused": {"paused_at": now},
        "resting": {
            "health": Health.FAILING,
            "health_since": now - timedelta(minutes=3),
            "open_until": now + timedelta(seconds=50),
        },
    }
    Connection.objects.update(**fields[state])


def pages(relay: Relay) -> list[str]:
    return [
        reverse("access:device_list"),
        reverse("access:family_doors", args=[relay.device.family.public_id]),
    ]


def has_button(text: str) -> bool:
    return "press-button" in text


@pytest.mark.parametrize("state", ["signed out", "paused"])
def test_a_door_whose_connection_waits_for_somebody_has_no_button_and_says_why(
    client: Client, manager: User, relay: Relay, state: str
) -> None:
    for page in pages(relay):
        assert has_button(client.get(page).text)
    in_trouble(state)
    for page in pages(relay):
        text = client.get(page).text
        assert not has_button(text)
        assert "Cannot be opened now" in text
        assert text.count("“Riverside”") == 1
        assert f"The connection “Riverside” is {state}" in text
        assert ("Renew it" in text) == (state == "signed out")


def test_a_door_whose_upstream_rests_says_when_it_is_tried_again_and_keeps_its_button(
    client: Client, manager: User, relay: Relay
) -> None:
    in_trouble("resting")
    for page in pages(relay):
        text = client.get(page).text
        assert has_button(text)
        assert re.search(r"tried again by itself in \d+ seconds", text)


def test_a_family_admin_reads_no_name_of_a_connection_and_an_auditor_no_remedy(
    client: Client, relay: Relay
) -> None:
    in_trouble("signed out")
    client.force_login(GrantFactory(family=relay.device.family).person)
    for page in pages(relay):
        text = client.get(page).text
        assert "The doors cannot be reached at this moment" in text
        assert "Riverside" not in text
    client.force_login(AuditorFactory())
    for page in pages(relay):
        text = client.get(page).text
        assert "“Riverside” is signed out" in text
        assert "/renew/" not in text


def test_another_connection_that_works_is_as_good(client: Client, manager: User, relay: Relay) -> None:
    in_trouble("signed out")
    ReachFactory(family=relay.device.family, auth="guest")
    for page in pages(relay):
        text = client.get(page).text
        assert has_button(text)
        assert "is signed out" not in text


def test_the_fragment_within_another_page_leaves_the_words_to_that_page(
    client: Client, manager: User, relay: Relay
) -> None:
    in_trouble("signed out")
    text = client.get(pages(relay)[1], headers=HTMX).text
    assert "Cannot be opened now" in text
    assert "Riverside" not in text


@pytest.mark.parametrize("state", ["signed out", "paused", "resting"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_press_from_a_page_of_before_is_told_at_once_and_nothing_is_sent(
    client: Client,
    manager: User,
    relay: Relay,
    simulator: SimulatorProcess,
    state: str,
    headers: dict[str, str],
) -> None:
    page = client.get(pages(relay)[0]).text
    press = re.search(r'name="press" value="([^"]+)"', page)
    assert press is not None
    in_trouble(state)
    url = reverse("access:opening_create", args=[relay.device.family.public_id, relay.public_id])
    answer = client.post(url, {"press": press[1]}, headers=headers, follow=True)
    if state == "resting":
        assert "Not sent" in answer.text
        assert "The door system has not answered since" in answer.text
        assert "It is tried again in" in answer.text
        assert "stays as it was" in answer.text
        assert Command.objects.get().error == "resting"
    else:
        assert answer.status_code == 503
        assert "Nothing was sent." in answer.text
        assert f"The connection “Riverside” is {state}" in answer.text
        assert not Command.objects.exists()
    assert simulator.journal() == []


def test_the_board_costs_no_more_queries_for_many(client: Client, manager: User, relay: Relay) -> None:
    counts = []
    for number in (1, 8):
        for _ in range(number):
            reach = ReachFactory(connection__health=Health.SIGNED_OUT)
            RelayFactory(device__family=reach.family)
        with CaptureQueriesContext(database) as captured:
            client.get(pages(relay)[0])
        counts.append(len(captured))
    assert counts[0] == counts[1]
