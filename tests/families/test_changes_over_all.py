"""What was found changed outside the portal, over all families: for managers and auditors."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import (
    AuditorFactory,
    ChangeFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
)
from tests.families.house import HTMX
from tests.families.test_changes import older_in

pytestmark = pytest.mark.django_db

LIST = "/changes/"


def told(text: str, *names: str) -> set[str]:
    """Of these names those that the page tells."""
    return {name for name in names if name in text}


class TestThePage:
    def test_it_tells_of_every_family_and_leads_to_it(self, client, manager):
        first = ChangeFactory(
            kind="left", subject="Ana", family__property=PropertyFactory(name="Harbour Court")
        )
        ChangeFactory(kind="left", subject="Bea")

        page = client.get(LIST).text

        assert told(page, "Ana left", "Bea left", "Harbour Court") == {
            "Ana left",
            "Bea left",
            "Harbour Court",
        }
        assert reverse("families:family_changes", args=[first.family.public_id]) in page

    def test_htmx_gets_the_rows_alone(self, client, manager):
        ChangeFactory(kind="left", subject="Ana")

        fragment = client.get(LIST, headers=HTMX).text

        assert "Ana left" in fragment
        assert 'id="change-days"' in fragment
        assert "<html" not in fragment
        assert "<form" not in fragment

    def test_nobody_sees_it_without_signing_in(self, client):
        assert client.get(LIST)["Location"].startswith(reverse("account_login"))
        assert client.get(LIST, headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_only_looking_is_possible(self, client, manager):
        assert client.post(LIST).status_code == 405

    def test_pages_hold_every_change_once_while_new_ones_come(self, client, manager):
        family = FamilyFactory(name="Home")
        moment = timezone.now()
        for number in range(60):
            ChangeFactory(
                family=family, kind="left", subject=f"W{number:03}", at=moment - timedelta(minutes=number)
            )
        first = client.get(LIST).text
        ChangeFactory(family=family, kind="left", subject="Late", at=moment)

        second = client.get(older_in(first)).text

        assert "W049" in first
        assert "W050" not in first
        assert "W049" not in second
        assert "W050" in second
        assert "W059" in second
        assert older_in(second) == ""

    def test_its_queries_stay_the_same(self, client, manager, django_assert_num_queries):
        for _number in range(30):
            ChangeFactory(family__property=PropertyFactory())
        client.get(LIST)
        # Session and person, changes.
        with django_assert_num_queries(3):
            client.get(LIST, headers=HTMX)
        # And the properties of the filter.
        with django_assert_num_queries(4):
            client.get(LIST)

    def test_it_answers_while_the_upstream_is_switched_off_and_asks_it_nothing(
        self, client, manager, simulator
    ):
        ReachFactory(connection=ConnectionFactory(base_url=simulator.url))
        simulator.stop()

        assert client.get(LIST).status_code == 200
        simulator.start()
        assert simulator.journal() == []


class TestFilters:
    def test_by_kind(self, client, manager):
        ChangeFactory(kind="left", subject="Ana")
        ChangeFactory(kind="rights", subject="Bea", before="guest", after="user")

        assert told(client.get(LIST, {"kind": "rights"}).text, "Ana", "Bea,") == {"Bea,"}

    def test_by_property(self, client, manager):
        inside = ChangeFactory(kind="left", subject="Ana", family__property=PropertyFactory())
        ChangeFactory(kind="left", subject="Bea")

        page = client.get(LIST, {"property": inside.family.property.public_id}).text

        assert told(page, "Ana left", "Bea left") == {"Ana left"}

    @pytest.mark.parametrize("text", ["nunez", "NÚÑ", "Casa"])
    def test_by_the_family(self, client, manager, text):
        ChangeFactory(kind="left", subject="Ana", family__name="Casa Núñez")
        ChangeFactory(kind="left", subject="Bea", family__name="Elsewhere")

        assert told(client.get(LIST, {"q": text}).text, "Ana left", "Bea left") == {"Ana left"}

    def test_by_day(self, client, manager):
        ChangeFactory(kind="left", subject="Ana", at=datetime(2026, 11, 19, 23, 59, tzinfo=UTC))
        ChangeFactory(kind="left", subject="Bea", at=datetime(2026, 11, 20, 0, 0, tzinfo=UTC))
        ChangeFactory(kind="left", subject="Cid", at=datetime(2026, 11, 21, 0, 0, tzinfo=UTC))

        page = client.get(LIST, {"from": "2026-11-20", "to": "2026-11-20"}).text

        assert told(page, "Ana left", "Bea left", "Cid left") == {"Bea left"}

    @pytest.mark.parametrize(
        "query",
        ["kind=password", "property=nobody", "from=x&to=y", "before=forged", "page=-1", "sort=password"],
    )
    def test_what_it_does_not_know_is_ignored(self, client, manager, query):
        ChangeFactory(kind="left", subject="Ana")

        assert "Ana left" in client.get(f"{LIST}?{query}").text

    def test_nothing_found_says_how_to_go_on(self, client, manager):
        ChangeFactory(kind="left", subject="Ana")

        page = client.get(LIST, {"kind": "joined"}).text

        assert "Nothing matches" in page
        assert f'href="{LIST}"' in page


class TestWhoSees:
    def test_a_family_admin_has_the_tab_of_their_family_instead(self, client):
        client.force_login(GrantFactory().person)

        assert client.get(LIST).status_code == 403

    def test_an_auditor_looks(self, client):
        ChangeFactory(kind="left", subject="Ana")
        client.force_login(AuditorFactory())

        assert "Ana left" in client.get(LIST).text

    def test_limited_people_see_their_properties_alone(self, client):
        limit = PropertyLimitFactory()
        stranger = PropertyFactory()
        ChangeFactory(kind="left", subject="Ana", family__property=limit.property)
        ChangeFactory(kind="left", subject="Canary", family__property=stranger)
        ChangeFactory(kind="left", subject="Canary")
        client.force_login(limit.person)

        for query in ({}, {"property": stranger.public_id}):
            page = client.get(LIST, query).text
            assert "Ana left" in page
            assert "Canary" not in page
            assert stranger.name not in page


class TestWaysThere:
    def test_the_dashboard_leads_there(self, client, manager):
        ChangeFactory(
            kind="rights", subject="Ana Reis", before="guest", after="user", family__name="Casa Núñez"
        )

        page = client.get("/").text

        assert "Ana Reis, until then member, became administrator" in page
        assert f'href="{LIST}"' in page

    def test_a_family_admins_dashboard_leads_to_the_tab(self, client):
        grant = GrantFactory(family__name="Casa Núñez")
        ChangeFactory(kind="left", subject="Ana", family=grant.family)
        client.force_login(grant.person)

        page = client.get("/").text

        assert reverse("families:family_changes", args=[grant.family.public_id]) in page
        assert f'href="{LIST}"' not in page

    def test_the_audit_page_leads_there(self, client, manager):
        assert f'href="{LIST}"' in client.get(reverse("audit:entry_list")).text

    def test_nobody_else_is_led_there(self, client):
        client.force_login(FamilyAdminFactory())

        assert f'href="{LIST}"' not in client.get("/").text
