"""The page of a family says why nothing can be sent to it, as it stands this moment."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Family
from portal.connections.models import Connection, Health
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    GrantFactory,
    ManagerFactory,
    ReachFactory,
    SyncStateFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def family() -> Family:
    """A family that “Riverside” reaches."""
    found: Family = ReachFactory(connection__name="Riverside").family
    return found


def page_of(client: Client, family: Family, user: Any) -> str:
    client.force_login(user)
    return client.get(reverse("families:family_detail", args=[family.public_id])).text


def test_a_lost_sign_in_is_told_with_the_way_to_renew_it_to_whoever_may(
    client: Client, family: Family
) -> None:
    Connection.objects.update(health=Health.SIGNED_OUT)
    connection = Connection.objects.get()
    renewal = reverse("connections:connection_renew", args=[connection.public_id])
    assert renewal in page_of(client, family, ManagerFactory())
    text = page_of(client, family, AuditorFactory())
    assert "“Riverside” is signed out" in text
    assert renewal not in text
    text = page_of(client, family, GrantFactory(family=family).person)
    assert "Tell the property manager" in text
    assert "Riverside" not in text


def test_an_upstream_that_rests_is_told_with_when_it_is_tried_again(client: Client, family: Family) -> None:
    now = timezone.now()
    Connection.objects.update(health=Health.FAILING, health_since=now, open_until=now + timedelta(seconds=50))
    for user in (ManagerFactory(), GrantFactory(family=family).person):
        text = page_of(client, family, user)
        assert "Nothing is sent for now. What you see is from before." in text
        assert "It is tried again by itself in" in text


def test_one_call_without_an_answer_is_no_trouble_yet(client: Client, family: Family) -> None:
    Connection.objects.update(health=Health.FAILING)
    assert "does not answer" not in page_of(client, family, ManagerFactory())


def test_the_list_says_at_once_that_a_sign_in_is_lost_and_not_only_when_it_is_late(client: Client) -> None:
    connection = ConnectionFactory(name="Riverside", health=Health.SIGNED_OUT)
    SyncStateFactory(family=None, connection=connection, kind="families", last_good_at=timezone.now())
    ReachFactory(connection=connection)
    client.force_login(ManagerFactory())
    text = client.get(reverse("families:family_list")).text
    assert "freshness--stale" in text
    assert "“Riverside” is signed out" in text
