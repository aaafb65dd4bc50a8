"""What was found changed outside the portal: a tab of a family's page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.factories import ChangeFactory, FamilyFactory, GrantFactory
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return FamilyFactory(name="Casa Núñez")


def url(family, **query: str) -> str:
    return reverse("families:family_changes", args=[family.public_id], query=query)


def test_changes_outside_the_portal_are_told(client, manager, house):
    ChangeFactory(family=house, kind="rights", subject="Ana Reis", before="guest", after="user")
    ChangeFactory(family=house, kind="joined", subject="Bea", before="", after="guest")
    ChangeFactory(family=house, kind="left", subject="Cid", before="user", after="")
    ChangeFactory(family=house, kind="family_renamed", before="Old", after="New")
    ChangeFactory(family=house, kind="member_renamed", before="Dom", after="Dominic")
    ChangeFactory(family=house, kind="something_new", subject="X", before="a", after="b")

    page = client.get(url(house)).text

    for sentence in (
        "Ana Reis, until then member, became administrator",
        "Bea joined as member",
        "Cid left, or was removed (was administrator)",
        "The family, until then “Old”, was renamed to “New”",
        "Dom is now called Dominic",
        "X: a became b",
    ):
        assert sentence in page


def test_htmx_gets_the_tab_alone_with_its_title(client, manager, house):
    page, fragment = client.get(url(house)).text, client.get(url(house), headers=HTMX).text

    assert 'id="family-frame"' in page
    assert 'id="family-frame"' not in fragment
    assert "<title>Changes · Casa Núñez · Gatehouse</title>" in fragment


def test_what_was_before_the_grant_stays_hidden(client, house):
    grant = GrantFactory(family=house)
    hour = timedelta(minutes=30)
    ChangeFactory(family=house, kind="joined", subject="Former tenant", at=grant.starts_at - hour)
    ChangeFactory(family=house, kind="joined", subject="New neighbour", at=grant.starts_at + hour)
    client.force_login(grant.person)

    page = client.get(url(house)).text

    assert "New neighbour" in page
    assert "Former tenant" not in page
    assert client.get(url(FamilyFactory())).status_code == 404


def test_markup_in_names_is_text(client, manager, house):
    ChangeFactory(family=house, kind="member_renamed", before="<b>a</b>", after="<i>{{ 7 }}</i>")

    page = client.get(url(house)).text

    assert "<b>a</b>" not in page
    assert "{{ 7 }}" in page
