"""What was found changed outside the portal: a tab of a family's page."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import (
    AuditorFactory,
    ChangeFactory,
    ConnectionFactory,
    FamilyFactory,
    GrantFactory,
    ReachFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return FamilyFactory(name="Casa Núñez")


def url(family, **query: str) -> str:
    return reverse("families:family_changes", args=[family.public_id], query=query)


def older_in(text: str) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', text)
    return unescape(found[1]) if found else ""


class TestTheTab:
    def test_changes_outside_the_portal_are_told(self, client, manager, house):
        ChangeFactory(family=house, kind="rights", subject="Ana Reis", before="guest", after="user")
        ChangeFactory(family=house, kind="joined", subject="Bea", before="", after="guest")
        ChangeFactory(family=house, kind="left", subject="Cid", before="user", after="")
        ChangeFactory(family=house, kind="family_renamed", before="Old", after="New")
        ChangeFactory(family=house, kind="member_renamed", before="Dom", after="Dominic")
        ChangeFactory(family=house, kind="something_new", subject="X", before="a", after="b")
        ChangeFactory(kind="joined", subject="Somebody elsewhere")

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
        assert "Somebody elsewhere" not in page

    def test_htmx_gets_the_tab_alone_with_its_title(self, client, manager, house):
        page, fragment = client.get(url(house)).text, client.get(url(house), headers=HTMX).text

        assert 'id="family-frame"' in page
        assert 'id="family-frame"' not in fragment
        assert "<title>Changes · Casa Núñez · Gatehouse</title>" in fragment

    def test_nobody_sees_it_without_signing_in(self, client, house):
        assert client.get(url(house))["Location"].startswith(reverse("account_login"))
        assert client.get(url(house), headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_between_which_readings_it_happened_is_told_where_it_is_known(self, client, manager, house):
        noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
        minute = timedelta(minutes=1)
        ChangeFactory(family=house, at=noon, happened_after=noon - minute, happened_by=noon)
        ChangeFactory(family=house, at=noon, happened_after=noon - timedelta(days=1), happened_by=noon)

        page = client.get(url(house)).text

        assert "between the readings of 11:59:00 and 12:00:00" in page
        assert "between the readings of 19 Nov 2026 12:00 and 20 Nov 2026 12:00" in page

    def test_where_the_readings_are_not_known_nothing_is_made_up(self, client, manager, house):
        ChangeFactory(family=house, happened_by=timezone.now())

        assert "between the readings" not in client.get(url(house)).text

    def test_pages_hold_every_change_once(self, client, manager, house):
        moment = timezone.now()
        for number in range(120):
            ChangeFactory(
                family=house,
                at=moment - timedelta(seconds=number // 7),
                subject=f"Who{number:03}",
                kind="left",
            )

        seen: list[str] = []
        address = url(house)
        while address:
            page = client.get(address).text
            seen += re.findall(r"Who\d{3}", page)
            address = older_in(page)

        assert len(seen) == len(set(seen)) == 120

    @pytest.mark.parametrize("query", ["before=forged", "before=", "page=-1", "kind=password"])
    def test_what_it_does_not_know_is_ignored(self, client, manager, house, query):
        ChangeFactory(family=house, kind="left", subject="Cid")

        assert "Cid left" in client.get(f"{url(house)}?{query}").text

    def test_an_empty_tab_says_what_would_stand_there(self, client, manager, house):
        assert "Nothing was changed by others" in client.get(url(house)).text

    def test_markup_in_names_is_text(self, client, manager, house):
        ChangeFactory(family=house, kind="member_renamed", before="<b>a</b>", after="<i>{{ 7 }}</i>")

        page = client.get(url(house)).text

        assert "<b>a</b>" not in page
        assert "{{ 7 }}" in page

    def test_its_queries_stay_the_same(self, client, manager, house, django_assert_num_queries):
        ReachFactory(family=house)
        ChangeFactory.create_batch(30, family=house)
        client.get(url(house))
        # Session and person, family, changes.
        with django_assert_num_queries(4):
            client.get(url(house), headers=HTMX)
        # And the connections, the owners, how old everything is, what is open of move-outs.
        with django_assert_num_queries(8):
            client.get(url(house))

    def test_it_answers_while_the_upstream_is_switched_off_and_asks_it_nothing(
        self, client, manager, house, simulator
    ):
        ReachFactory(family=house, connection=ConnectionFactory(base_url=simulator.url))
        simulator.stop()

        assert client.get(url(house)).status_code == 200
        simulator.start()
        assert simulator.journal() == []


class TestWhoSees:
    def test_a_family_admin_sees_nothing_of_before_their_grant(self, client, house):
        grant = GrantFactory(family=house)
        before, after = grant.starts_at - timedelta(minutes=5), grant.starts_at + timedelta(minutes=5)
        ChangeFactory(family=house, kind="left", subject="Former tenant", at=before)
        ChangeFactory(
            family=house,
            kind="left",
            subject="Late tenant",
            at=after,
            happened_after=before,
            happened_by=after,
        )
        ChangeFactory(
            family=house,
            kind="joined",
            subject="New neighbour",
            at=after,
            happened_after=after,
            happened_by=after,
        )
        client.force_login(grant.person)

        page = client.get(url(house)).text

        assert "New neighbour" in page
        assert "Former tenant" not in page
        # It was seen after the grant began, and may have happened before.
        assert "Late tenant" not in page
        assert 'href="/changes/"' not in page

    def test_another_family_is_a_404(self, client, house):
        client.force_login(GrantFactory().person)

        assert client.get(url(house)).status_code == 404

    def test_an_auditor_looks(self, client, house):
        client.force_login(AuditorFactory())

        page = client.get(url(house)).text

        assert f'href="{reverse("families:change_list")}"' in page
