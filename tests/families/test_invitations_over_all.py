"""The invitations to all families: those that wait, the old first."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.audit.models import State
from tests.factories import (
    AuditorFactory,
    FamilyInvitationFactory,
    GrantFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db

LIST = "/invitations/"


def invited(name, days=0, **fields):
    return FamilyInvitationFactory(
        email=f"{name}@x.example", sent_at=timezone.now() - timedelta(days=days), **fields
    )


def told(text) -> list[str]:
    """The addresses of the rows, in their order."""
    return re.findall(r'<span class="invitation__who"><bdi>(\w+)@x\.example', text)


class TestThePage:
    def test_those_that_wait_stand_there_the_old_first(self, client, manager):
        invited("new", 1)
        invited("old", 40, family__name="Casa Núñez", family__property=PropertyFactory(name="Harbour Court"))
        invited("unknown", 3, command__state=State.UNKNOWN)
        invited("joined", 9, accepted_at=timezone.now())
        invited("forgotten", 9, forgotten_at=timezone.now())
        invited("refused", 9, command__state=State.REFUSED)

        page = client.get(LIST).text

        assert told(page) == ["old", "unknown", "new"]
        for words in ("Casa Núñez", "Harbour Court", "waiting for 40 days"):
            assert words in page

    @pytest.mark.parametrize("state", [State.CLOSED_BY_USER, State.CONFIRMED_BY_HISTORY])
    def test_one_whose_unknown_outcome_was_settled_still_waits(self, client, manager, state):
        invited("anna", 3, command__state=state)

        assert told(client.get(LIST).text) == ["anna"]

    def test_of_each_address_in_a_family_the_last(self, client, manager):
        first = invited("anna", 9)
        FamilyInvitationFactory(family=first.family, email="ANNA@x.example")
        invited("anna", 2)

        page = client.get(LIST).text

        assert page.count('<li class="invitation">') == 2
        assert "waiting for 9 days" not in page

    def test_htmx_gets_the_rows_alone(self, client, manager):
        invited("anna")

        fragment = client.get(LIST, headers=HTMX).text

        assert told(fragment) == ["anna"]
        assert 'id="invitation-table"' in fragment
        assert "<html" not in fragment

    def test_nobody_sees_it_without_signing_in(self, client):
        assert client.get(LIST)["Location"].startswith(reverse("account_login"))
        assert client.get(LIST, headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_pages_hold_every_invitation_once(self, client, manager):
        for number in range(120):
            invited(f"i{number}", number // 9)

        seen, address = [], LIST
        while address:
            page = client.get(address).text
            seen += told(page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            address = unescape(following[1]) if following else ""

        assert len(seen) == len(set(seen)) == 120

    def test_its_queries_stay_the_same_and_nothing_is_asked(
        self, client, manager, simulator, django_assert_num_queries
    ):
        for number in range(40):
            invited(f"i{number}", sent_by=manager, family__property=PropertyFactory())
        client.get(LIST)
        # Session and person, invitations; the page its properties too.
        with django_assert_num_queries(3):
            client.get(LIST, headers=HTMX)
        with django_assert_num_queries(4):
            client.get(LIST)
        assert simulator.journal() == []

    def test_its_forms_lead_back_to_it(self, client, manager):
        one = invited("anna", 9)

        page = client.get(LIST, {"age": "7"}).text

        assert 'name="back" value="/invitations/?age=7"' in page
        assert reverse("families:invitation_forget", args=[one.family.public_id, one.public_id]) in page

    def test_markup_is_text(self, client, manager):
        FamilyInvitationFactory(email="<u>@x.example", family__name="<b>{{ 7 }}</b>")

        page = client.get(LIST).text

        assert "<u>@" not in page
        assert "&lt;b&gt;{{ 7 }}" in page


class TestFilters:
    def test_by_state_age_and_property(self, client, manager):
        place = PropertyFactory()
        invited("week", 8, family__property=place)
        invited("month", 31)
        invited("new", 6)
        invited("joined", 9, accepted_at=timezone.now())
        invited("forgotten", 9, forgotten_at=timezone.now())

        assert told(client.get(LIST, {"age": "7"}).text) == ["month", "week"]
        assert told(client.get(LIST, {"age": "30"}).text) == ["month"]
        assert told(client.get(LIST, {"property": place.public_id}).text) == ["week"]
        assert told(client.get(LIST, {"state": "accepted"}).text) == ["joined"]
        assert told(client.get(LIST, {"state": "forgotten"}).text) == ["forgotten"]

    @pytest.mark.parametrize(
        "query", ["state=password", "age=-1", "age=x", "age=9999999999", "property=no", "after=x", "page=-1"]
    )
    def test_what_it_does_not_know_is_ignored(self, client, manager, query):
        invited("anna")

        assert told(client.get(f"{LIST}?{query}").text) == ["anna"]

    def test_nothing_found_says_how_to_go_on(self, client, manager):
        page = client.get(LIST).text
        assert "Nobody is waited for" in page
        assert "has joined or was forgotten" in page
        assert "Nothing matches" in client.get(LIST, {"age": "30"}).text


class TestWhoSees:
    def test_a_family_admin_has_their_familys_page_instead(self, client):
        client.force_login(GrantFactory().person)

        assert client.get(LIST).status_code == 403

    def test_an_auditor_looks_and_has_no_form(self, client):
        invited("anna")
        client.force_login(AuditorFactory())

        page = client.get(LIST).text

        assert told(page) == ["anna"]
        assert "/forgetting/" not in page

    def test_limited_people_see_their_properties_alone(self, client):
        limit = PropertyLimitFactory()
        invited("mine", family__property=limit.property)
        invited("canary")
        client.force_login(limit.person)

        assert told(client.get(LIST).text) == ["mine"]


class TestTheDashboard:
    def test_who_waits_for_a_week_is_named_with_the_way_there(self, client, manager):
        invited("anna", 8, family__name="Casa Núñez")
        invited("young", 6)

        page = client.get("/").text

        assert "An invitation has waited for a week" in page
        assert "anna@x.example. The oldest, to Casa Núñez" in page
        assert "young@x.example" not in page
        assert f'href="{LIST}?age=7"' in page

    def test_a_family_admin_is_led_to_the_family(self, client):
        grant = GrantFactory(starts_at=timezone.now() - timedelta(days=30))
        invited("anna", 8, family=grant.family)
        invited("canary", 8)
        invited("former", 31, family=grant.family)
        client.force_login(grant.person)

        page = client.get("/").text

        assert "anna@x.example" in page
        assert "canary@" not in page
        assert "former@" not in page
        assert f'href="{reverse("families:family_detail", args=[grant.family.public_id])}#family-inv' in page
