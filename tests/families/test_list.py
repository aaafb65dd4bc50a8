"""The list of families: what it shows, to whom, and at what cost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, SyncState
from families.selectors.listing import PAGE_SIZE
from portal.connections.models import Connection, Health
from portal.cursors import write_cursor
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
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

    def test_the_number_of_queries_stays_the_same(self, client, manager, django_assert_num_queries):
        def grow(count: int) -> None:
            for _ in range(count):
                family = FamilyFactory(property=PropertyFactory())
                ReachFactory(family=family)
                MemberFactory(family=family, first_name="Lena", search_text="lena")

        grow(2)
        client.get(url(q="len"))
        # Session and person, properties, families, members counted, connections, members found, freshness.
        with django_assert_num_queries(8):
            client.get(url(q="len"))
        grow(15)
        with django_assert_num_queries(8):
            assert client.get(url(q="len")).text.count("table__name") == 17

    def test_markup_in_a_name_is_text(self, client, manager):
        FamilyFactory(name="<script>alert(1)</script>{{ 7 }}", property=PropertyFactory(name="<b>x</b>"))

        page = client.get(url()).text

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 }}" in page
        assert "<b>x</b>" not in page


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


class TestFilters:
    def shown(self, client, **query: str) -> list[str]:
        names = ("Ana", "Bea", "Cid", "Dom")
        page = client.get(url(**query), headers=HTMX).text
        return sorted((name for name in names if f">{name}</a>" in page), key=page.index)

    @pytest.fixture
    def families(self, manager):
        usable = ConnectionFactory()
        ana = FamilyFactory(name="Ana", property=PropertyFactory())
        bea = FamilyFactory(name="Bea", is_online=False)
        cid = FamilyFactory(name="Cid", is_installed=False)
        dom = FamilyFactory(name="Dom", gone_at=timezone.now())
        for family in (ana, bea, cid, dom):
            ReachFactory(family=family, connection=usable)
        return {"ana": ana, "bea": bea, "cid": cid, "dom": dom}

    def test_families_that_are_gone_are_shown_when_asked_for(self, client, families):
        assert self.shown(client) == ["Ana", "Bea", "Cid"]
        assert self.shown(client, state="gone") == ["Dom"]

    def test_by_state(self, client, families):
        assert self.shown(client, state="offline") == ["Bea"]
        assert self.shown(client, state="not_installed") == ["Cid"]
        assert self.shown(client, state="attention") == ["Bea", "Cid"]

    def test_a_family_that_no_working_connection_reaches_needs_attention(self, client, families):
        Connection.objects.update(health=Health.SIGNED_OUT)

        assert self.shown(client, state="attention") == ["Ana", "Bea", "Cid"]

    def test_by_property(self, client, families):
        assert self.shown(client, property=families["ana"].property.public_id) == ["Ana"]
        assert self.shown(client, property="none") == ["Bea", "Cid"]

    def test_offline_first(self, client, families):
        assert self.shown(client, sort="offline") == ["Bea", "Ana", "Cid"]

    @pytest.mark.parametrize(
        "query",
        [
            {"sort": "password"},
            {"state": "DROP TABLE"},
            {"property": "no-such"},
            {"page": "-1"},
            {"before": "x", "after": "y"},
            {"after": write_cursor("families.name", True, "z")},
            {"after": write_cursor("doors", True, "z", 1)},
            {"is_superuser": "1"},
            {"q": " \t "},
        ],
    )
    def test_what_is_unknown_is_as_if_it_were_not_there(self, client, families, query):
        assert self.shown(client, **query) == ["Ana", "Bea", "Cid"]

    @pytest.mark.parametrize("text", ["%", "_", "a" * 10_000, "' OR 1=1 --", "\u202e", "{{ x }}"])
    def test_odd_searches_find_nothing_and_break_nothing(self, client, families, text):
        assert client.get(url(q=text)).status_code == 200
        assert self.shown(client, q=text) == []


class TestPages:
    def names(self, page: str) -> list[str]:
        return [part.split("<")[0] for part in page.split('/">')[1:] if part.startswith("Family ")]

    def walk(self, client, **query: str) -> list[list[str]]:
        pages, address = [], url(**query)
        while address:
            page = client.get(address).context["page"]
            pages.append([row.family.name for row in page.rows])
            address = url(**query, after=page.after) if page.after else ""
        return pages

    @pytest.mark.parametrize("sort", ["name", "offline"])
    def test_every_family_is_on_exactly_one_page(self, client, manager, sort):
        # Equal names, so that the order among them counts.
        for number in range(PAGE_SIZE * 2 + 7):
            FamilyFactory(name=f"Name {number % 5}", is_online=number % 3 > 0)

        pages = self.walk(client, sort=sort)

        assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 7]

    @pytest.mark.parametrize("sort", ["name", "offline"])
    def test_back_leads_where_one_came_from(self, client, manager, sort):
        for number in range(PAGE_SIZE * 2 + 7):
            FamilyFactory(name=f"Name {number % 5}", is_online=number % 3 > 0)
        first = client.get(url(sort=sort)).context["page"]
        second = client.get(url(sort=sort, after=first.after)).context["page"]
        third = client.get(url(sort=sort, after=second.after)).context["page"]

        back = client.get(url(sort=sort, before=third.before)).context["page"]
        home = client.get(url(sort=sort, before=back.before)).context["page"]

        assert [row.family for row in back.rows] == [row.family for row in second.rows]
        assert [row.family for row in home.rows] == [row.family for row in first.rows]
        assert not first.before
        assert not home.before
        assert not third.after

    def test_a_cursor_of_another_order_begins_at_the_top(self, client, manager):
        for number in range(PAGE_SIZE + 1):
            FamilyFactory(name=f"Name {number:03}")
        after = client.get(url()).context["page"].after

        page = client.get(url(sort="offline", after=after)).context["page"]

        assert page.rows[0].family.name == "Name 000"

    def test_the_links_keep_what_was_chosen(self, client, manager):
        for number in range(PAGE_SIZE + 1):
            FamilyFactory(name=f"Name {number:03}", is_online=False)

        page = client.get(url(q="name", state="offline")).text

        assert 'href="/families/?q=name&amp;state=offline&amp;after=' in page


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
