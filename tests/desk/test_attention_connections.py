"""A connection in trouble is told to everybody it matters to, in their words, with what to do."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.connections.models import Connection, Health
from portal.desk.attention import Item, list_attention
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
)

pytestmark = pytest.mark.django_db
AGO = timedelta(minutes=7)


def items(user: User) -> list[Item]:
    return list_attention(user)


def states() -> dict[str, dict[str, Any]]:
    now = timezone.now()
    since = {"health_since": now - AGO}
    return {
        "signed out": {"health": Health.SIGNED_OUT, **since},
        "not answering": {"health": Health.FAILING, **since},
        "resting": {"health": Health.FAILING, "open_until": now + timedelta(seconds=41), **since},
        "unfit": {"last_good_at": now - AGO, "last_error": "refused"},
        "paused": {"paused_at": now - AGO},
        "ending": {"expires_at": now + timedelta(hours=30), "refresh_token": None},
    }


TOLD = {
    "signed out": ("“Riverside” is signed out", "No door opens through it", "Renew it"),
    "not answering": ("does not answer through “Riverside”", "tried again by itself", "See the connection"),
    "resting": (
        "does not answer through “Riverside”",
        "tried again by itself in 41 seconds",
        "See the connection",
    ),
    "unfit": (
        "“Riverside” answers, but not as it should",
        "What you see is from before",
        "See the connection",
    ),
    "paused": ("“Riverside” is paused", "Nothing is read or sent through it", "See the connection"),
    "ending": ("The sign-in of “Riverside” ends soon", "nothing can renew it: in 30 hours", "Renew it"),
}


@pytest.mark.parametrize("state", TOLD)
def test_an_unlimited_manager_is_told_what_it_is_and_led_to_where_it_is_mended(
    client: Client, state: str, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now().replace(hour=12, minute=0), tick=False)
    connection = ConnectionFactory(name="Riverside", **states()[state])
    user = ManagerFactory()
    (found,) = items(user)
    title, detail, action = TOLD[state]
    if state == "ending":
        detail = "nothing can renew it: tomorrow 18:00"
    assert title in found.title
    assert detail in found.detail
    assert found.action == action
    assert connection.public_id in found.url
    if state not in {"ending"}:
        assert "Since 7 minutes ago." in found.detail
    client.force_login(user)
    answer = client.get("/")
    assert title in answer.text
    assert found.url in answer.text


@pytest.mark.parametrize("state", TOLD)
def test_those_who_cannot_mend_it_are_told_and_not_led_to_a_closed_door(state: str) -> None:
    connection = ConnectionFactory(name="Riverside", **states()[state])
    limit = PropertyLimitFactory()
    ReachFactory(connection=connection, family__property=limit.property)
    for user in (AuditorFactory(), limit.person):
        (found,) = items(user)
        assert "“Riverside”" in found.title
        assert "manage.py" not in found.detail
        assert (found.url, found.action) == ("", "")


@pytest.mark.parametrize("state", ["signed out", "paused"])
def test_whether_its_families_are_read_all_the_same_is_told_truly(state: str) -> None:
    connection, working = ConnectionFactory(**states()[state]), ConnectionFactory()
    user = ManagerFactory()
    first = ReachFactory(connection=connection).family
    (found,) = items(user)
    assert "Its families are not being read" in found.detail
    ReachFactory(family=first, connection=working)
    (found,) = items(user)
    assert "Its family is read through another connection." in found.detail
    second = ReachFactory(connection=connection).family
    (found,) = items(user)
    assert "1 of its 2 families is not being read; the others are" in found.detail
    ReachFactory(family=second, connection=working)
    (found,) = items(user)
    assert "Its families are read through another connection." in found.detail
    assert "not being read" not in found.detail


def test_a_limited_manager_is_told_of_the_families_they_see_alone() -> None:
    connection = ConnectionFactory(paused_at=timezone.now())
    mine = ReachFactory(connection=connection, family__property=PropertyFactory()).family
    ReachFactory(family=mine)
    ReachFactory(connection=connection)
    limited = PropertyLimitFactory(property=mine.property).person
    (found,) = items(limited)
    assert "Its family is read through another connection." in found.detail


def test_a_working_connection_is_not_told_nor_one_that_is_held_or_looked_at() -> None:
    now = timezone.now()
    ConnectionFactory()
    ConnectionFactory(hold_until=now + timedelta(minutes=1))
    ConnectionFactory(open_until=now + timedelta(seconds=5))
    ConnectionFactory(expires_at=now + timedelta(hours=1), refresh_token="r")
    assert items(ManagerFactory()) == []


def test_a_removed_one_is_nobodys_trouble() -> None:
    ConnectionFactory(health=Health.SIGNED_OUT, removed_at=timezone.now())
    assert items(ManagerFactory()) == []


@pytest.mark.parametrize("state", ["signed out", "not answering", "unfit", "resting", "paused"])
def test_a_family_admin_is_told_once_and_without_a_word_of_connections(state: str) -> None:
    grant = GrantFactory()
    for name in ("Riverside", "Tower"):
        ReachFactory(family=grant.family, connection=ConnectionFactory(name=name, **states()[state]))
    (found,) = items(grant.person)
    assert found.title == "Your doors cannot be reached at this moment"
    assert "Since 7 minutes ago" in found.detail
    assert "connection" not in found.detail.lower()


def test_a_family_admin_whose_doors_another_connection_reaches_is_told_nothing() -> None:
    grant = GrantFactory()
    ReachFactory(family=grant.family, connection__health=Health.SIGNED_OUT)
    ReachFactory(family=grant.family)
    assert items(grant.person) == []


def test_the_owner_of_a_personal_connection_is_led_to_their_own_page() -> None:
    owner = FamilyAdminFactory()
    ConnectionFactory(owner=owner, name="Mine", health=Health.SIGNED_OUT)
    (found,) = items(owner)
    assert found.title == "Your own connection is signed out"
    assert "Doors and passes go on as before" in found.detail
    assert found.url == reverse("connections:own_connection")
    assert items(FamilyAdminFactory()) == []
    assert items(ManagerFactory()) == []


def test_many_cost_no_more_queries_than_one() -> None:
    user = ManagerFactory()
    counts = []
    for number in (1, 12):
        for turn in range(number):
            for name, fields in states().items():
                ConnectionFactory(name=f"{name} {number} {turn}", **fields)
        with CaptureQueriesContext(database) as captured:
            assert len(items(user)) == Connection.objects.count()
        counts.append(len(captured))
    assert counts[0] == counts[1]
