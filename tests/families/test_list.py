"""The list of families: what it shows, to whom, and at what cost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, Rights, SyncState
from portal.audit.models import State
from portal.connections.models import Health
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    SyncStateFactory,
    UserFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


def url(**query: str) -> str:
    return reverse("families:family_list", query=query)


class TestPage:
    def test_a_manager_sees_every_family_with_what_matters(self, client, manager):
        connection = ConnectionFactory(name="Tower account")
        family = FamilyFactory(name="Casa Núñez", property=PropertyFactory(name="Harbour Court"))
        ReachFactory(family=family, connection=connection)
        MemberFactory.create_batch(3, family=family)
        MemberFactory(family=family, gone_at=timezone.now())

        page = client.get(url()).text

        assert "<html" in page
        assert reverse("families:family_detail", args=[family.public_id]) in page
        for word in ("Casa Núñez", "Harbour Court", "Online", "Tower account"):
            assert word in page
        assert '<td data-label="People" class="number">3</td>' in page

    def test_a_propertys_name_is_text_in_every_choice_of_it(self, client, manager):
        place = PropertyFactory(name="<b>Court</b>")
        FamilyFactory(property=place)

        page = client.get(url(property=place.public_id)).text

        assert "<b>Court" not in page
        assert f'<option value="{place.public_id}" selected>&lt;b&gt;Court&lt;/b&gt;</option>' in page

    def test_htmx_gets_the_results_alone_and_the_clean_address(self, client, manager):
        FamilyFactory(name="Fly")

        answer = client.get(url(q="fly", property="", state="", sort="name"), headers=HTMX)

        assert answer.text.lstrip().startswith('<div class="family-results" id="family-results">')
        assert "<html" not in answer.text
        assert answer["HX-Push-Url"] == "/families/?q=fly"
        assert "HX-Request" in answer["Vary"]

    @pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
    def test_a_boosted_link_and_the_back_button_get_the_page(self, client, manager, header):
        assert "<html" in client.get(url(), headers=HTMX | {header: "true"}).text

    def test_nobody_sees_it_without_signing_in(self, client):
        assert client.get(url())["Location"].startswith(reverse("account_login"))
        answer = client.get(url(), headers=HTMX)
        assert answer["HX-Redirect"] == reverse("account_login")
        assert not answer.content

    def test_nothing_is_written_by_looking(self, client, manager):
        assert client.post(url()).status_code == 405

    def test_the_upstream_may_be_switched_off(self, client, manager, simulator):
        connection = ConnectionFactory(base_url=simulator.url, health=Health.FAILING, name="Tower account")
        long_ago = timezone.now() - timedelta(hours=3)
        SyncStateFactory(family=None, connection=connection, kind=Kind.FAMILIES, last_good_at=long_ago)
        ReachFactory(connection=connection, family__name="Fly")
        simulator.stop()

        page = client.get(url()).text

        assert "Fly" in page
        assert "freshness--stale" in page
        assert "“Tower account” does not answer" in page

    def test_it_asks_the_upstream_nothing(self, client, manager, simulator):
        ReachFactory(connection=ConnectionFactory(base_url=simulator.url, access_token=simulator.token))

        client.get(url(q="fam"))

        assert simulator.journal() == []

    def test_it_says_when_it_was_read(self, client, manager):
        SyncStateFactory(family=None, connection=ConnectionFactory(), kind=Kind.FAMILIES)

        page = client.get(url()).text

        assert "just now" in page
        assert "freshness--stale" not in page

    @pytest.mark.parametrize("query", [{}, {"q": "len"}, {"q": "len", "connection": "none", "invited": "1"}])
    def test_the_number_of_queries_stays_the_same(self, client, manager, django_assert_num_queries, query):
        def grow(count: int) -> None:
            for _ in range(count):
                family = FamilyFactory(property=PropertyFactory())
                ReachFactory(family=family)
                MemberFactory(family=family, first_name="Lena")
                DeviceFactory(family=family, name="Lena's door")
                FamilyInvitationFactory(family=family)

        # Session and person; properties, connections, families with their total, and what a text met in them.
        queries = 2 + 3 + ("q" in query and "connection" not in query)
        grow(2)
        client.get(url(**query))
        with django_assert_num_queries(queries):
            client.get(url(**query))
        grow(15)
        with django_assert_num_queries(queries):
            page = client.get(url(**query)).context["page"]
        assert page.total == len(page.rows) == (0 if "connection" in query else 17)

    def test_markup_in_a_name_is_text(self, client, manager):
        FamilyFactory(name="<script>alert(1)</script>{{ 7 }}", property=PropertyFactory(name="<b>x</b>"))

        page = client.get(url()).text

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 }}" in page
        assert "<b>x</b>" not in page


class TestRows:
    def test_a_family_says_how_many_are_invited(self, client, manager):
        family = FamilyFactory()
        FamilyInvitationFactory(family=family, email="Ana@house.example")
        FamilyInvitationFactory(family=family, email="ana@house.example")
        FamilyInvitationFactory(family=family, email="tom@house.example")
        FamilyInvitationFactory(family=family, accepted_at=timezone.now())
        FamilyInvitationFactory(family=family, forgotten_at=timezone.now())
        FamilyInvitationFactory(family=family, command__state=State.REFUSED)

        assert "2 invited" in client.get(url()).text

    def test_the_connection_that_works_is_named_before_one_that_does_not(self, client, manager):
        family = FamilyFactory()
        ReachFactory(family=family, connection=ConnectionFactory(name="A lost", health=Health.SIGNED_OUT))
        ReachFactory(family=family, connection=ConnectionFactory(name="B guest"), auth=Rights.GUEST)
        ReachFactory(family=family, connection=ConnectionFactory(name="C owner"))
        ReachFactory(family=family, connection=ConnectionFactory(name="D gone"), gone_at=timezone.now())
        ReachFactory(family=family, connection=ConnectionFactory(name="E own", owner=UserFactory()))

        row = client.get(url()).context["page"].rows[0]

        assert (row.connection.name, row.connection.trouble) == ("C owner", "")

    def test_a_connection_that_is_paused_is_named_with_its_trouble(self, client, manager):
        ReachFactory(connection=ConnectionFactory(name="Tower account", paused_at=timezone.now()))

        page = client.get(url()).text

        assert (
            '<span class="status__word">paused</span></span> <small class="quiet"><bdi>Tower account' in page
        )

    def test_a_family_that_nothing_reaches_says_so(self, client, manager):
        FamilyFactory()

        assert client.get(url()).context["page"].rows[0].connection is None

    def test_the_total_is_told(self, client, manager):
        FamilyFactory.create_batch(3, name="Fly")
        FamilyFactory(name="Other")

        assert ">4 families</p>" in client.get(url()).text
        assert ">3 families</p>" in client.get(url(q="fly"), headers=HTMX).text


class TestFound:
    def found(self, client, text: str) -> list[str]:
        return [", ".join(row.found) for row in client.get(url(q=text)).context["page"].rows]

    def test_what_a_search_met_is_named(self, client, manager):
        family = FamilyFactory(name="Fly")
        MemberFactory(family=family, first_name="Zoë", last_name="Lind", email="zoe@house.example")
        MemberFactory(family=family, first_name="", last_name="", email="zo@house.example", account_name="")
        MemberFactory(family=family, first_name="Tom")
        MemberFactory(family=family, first_name="Zoran", gone_at=timezone.now())
        DeviceFactory(family=family, name="Zoo gate")
        DeviceFactory(family=family, name="Zone", gone_at=timezone.now())

        assert self.found(client, "zo") == ["zo@house.example, Zoë Lind, Zoo gate"]
        assert self.found(client, "tom")[0].startswith("Tom ")
        assert self.found(client, "fly") == [""]

    def test_not_everybody_is_named_where_many_are_met(self, client, manager):
        MemberFactory.create_batch(5, family=FamilyFactory(), first_name="Zoë")

        assert self.found(client, "zoe")[0].count(",") == 2

    def test_markup_in_what_was_met_is_text(self, client, manager):
        MemberFactory(first_name="<b>Zoë</b>", last_name="")

        assert "&lt;b&gt;Zoë&lt;/b&gt;" in client.get(url(q="zoe")).text


class TestActions:
    def test_they_are_offered_to_those_who_may_visit_them(self, client, manager):
        offered = client.get(url()).context["actions"]

        assert {str(words) for _, words, _ in offered} <= {"Import residents", "Join a family"}
        client.force_login(AuditorFactory())
        assert client.get(url()).context["actions"] == []

    def test_what_is_kept_over_all_families_is_led_to(self, client, manager):
        names = [
            "families:invitation_list",
            "families:change_list",
            "access:move_out_list",
            "families:job_list",
        ]
        for person in (manager, AuditorFactory()):
            client.force_login(person)
            page = client.get(url())
            assert [address for address, _ in page.context["records"]] == [*map(reverse, names)]
            assert f'<a href="{reverse("access:move_out_list")}">Move-outs</a>' in page.text
        client.force_login(FamilyAdminFactory())
        assert "family-records" not in client.get(url()).text

    def test_pages_over_all_families_stand_under_families(self, client, manager):
        for name in ("import_list", "job_list", "invitation_list", "change_list"):
            assert 'href="/families/" aria-current="page"' in client.get(reverse(f"families:{name}")).text


class TestScope:
    def test_a_limited_manager_sees_their_properties_only(self, client):
        limit = PropertyLimitFactory()
        FamilyFactory(name="Mine", property=limit.property)
        FamilyFactory(name="Foreign", property=PropertyFactory(name="Elsewhere"))
        FamilyFactory(name="Homeless")
        client.force_login(limit.person)

        page = client.get(url()).text

        assert "Mine" in page
        assert "Foreign" not in page
        assert "Elsewhere" not in page
        assert "Homeless" not in page
        assert "Homeless" not in client.get(url(property="none")).text

    def test_a_limited_manager_cannot_ask_for_anothers_property(self, client):
        limit = PropertyLimitFactory()
        FamilyFactory(name="Mine", property=limit.property)
        foreign = FamilyFactory(name="Foreign", property=PropertyFactory())
        client.force_login(limit.person)

        page = client.get(url(property=foreign.property.public_id)).text

        assert "Mine" in page
        assert "Foreign" not in page

    def test_a_family_admin_sees_their_families_and_no_connection(self, client):
        grant = GrantFactory(family__name="Mine")
        ReachFactory(family=grant.family, connection=ConnectionFactory(name="Tower account"))
        GrantFactory(
            person=grant.person, family__name="Former", ends_at=timezone.now() - timedelta(minutes=1)
        )
        FamilyFactory(name="Foreign")
        client.force_login(grant.person)

        page = client.get(url()).text

        assert "Mine" in page
        assert "Former" not in page
        assert "Foreign" not in page
        assert "Tower account" not in page

    def test_an_auditor_sees_it_too(self, client):
        FamilyFactory(name="Fly")
        client.force_login(AuditorFactory())

        assert "Fly" in client.get(url()).text

    def test_searching_finds_nothing_beyond_ones_own(self, client):
        grant = GrantFactory(family__name="Mine")
        MemberFactory(family=FamilyFactory(name="Foreign"), search_text="secretname")
        client.force_login(grant.person)

        page = client.get(url(q="secretname"), headers=HTMX).text

        assert "Foreign" not in page
        assert "No family fits" in page


class TestEmpty:
    def test_a_manager_is_told_how_to_begin(self, client, manager):
        page = client.get(url()).text
        assert "A minute after a connection is added" in page
        assert f'class="button button--main" href="{reverse("connections:connection_list")}"' in page

    def test_with_a_connection_it_says_that_the_upstream_names_none(self, client, manager):
        SyncStateFactory(family=None, connection=ConnectionFactory(), kind=Kind.FAMILIES)

        assert "names no family" in client.get(url()).text

    def test_a_family_admin_is_told_whom_to_ask(self, client):
        client.force_login(FamilyAdminFactory())

        page = client.get(url()).text

        assert "Ask the property manager" in page
        assert "manage.py" not in page

    def test_a_limited_manager_is_told_whom_to_ask(self, client):
        client.force_login(UserFactory(is_limited=True))

        assert "Ask a manager who sees everything" in client.get(url()).text

    def test_a_search_without_result_offers_to_show_all(self, client, manager):
        FamilyFactory()

        page = client.get(url(q="nobody"), headers=HTMX).text

        assert "No family fits" in page
        assert 'href="/families/"' in page


def test_a_connection_that_was_never_read_says_so(client, manager):
    SyncStateFactory(family=None, connection=ConnectionFactory(), kind=Kind.FAMILIES, last_good_at=None)
    FamilyFactory()

    assert "not read yet" in client.get(url()).text
    assert SyncState.objects.count() == 1
