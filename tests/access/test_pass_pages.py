"""The lists of passes: over all families, and as a tab of one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.models import SINCE_EVER
from access.selectors.passes import PAGE_SIZE, PassFilter, PassState, list_passes, state_of
from families.models import Kind
from tests.factories import (
    AuditorFactory,
    CommandFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    SyncStateFactory,
    TempKeyFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db

LIST = "/passes/"


@pytest.fixture
def family():
    place = PropertyFactory(name="Riverside", time_zone="Europe/Lisbon")
    return FamilyFactory(name="Casa Núñez", property=place)


@pytest.fixture
def reach(family):
    MemberFactory(family=family, account_id="ours", first_name="Estate", last_name="Office")
    return ReachFactory(family=family, account_id="ours")


def tab(family):
    return reverse("access:family_passes", args=[family.public_id])


def get(client, person, path, **headers):
    client.force_login(person)
    return client.get(path, headers=headers or None)


class TestThePage:
    def test_it_shows_what_is_known_of_each(self, client, family, reach):
        manager = ManagerFactory(name="Ana Prado")
        TempKeyFactory(
            family=family,
            reach=reach,
            label="Plumber",
            visitor_name="Rui Sá",
            visitor_email="rui@plumbers.example",
            made_by=manager,
            starts_at=datetime(2030, 7, 1, 8, tzinfo=UTC),
            ends_at=datetime(2030, 7, 1, 18, tzinfo=UTC),
            uses=3,
        )
        text = get(client, manager, LIST).content.decode()
        for words in ("Plumber", "Rui Sá, rui@plumbers.example", "Casa Núñez", "Ana Prado", "Coming", ">3<"):
            assert words in text
        # The property's zone, and UTC on hover.
        assert "1 Jul 2030 09:00 – 19:00" in text
        assert 'title="1 Jul 2030 08:00 – 18:00 UTC"' in text
        assert "Lisbon" in text

    def test_one_made_elsewhere_and_one_whose_window_cannot_be_read_are_shown_as_such(
        self, client, family, reach
    ):
        TempKeyFactory(family=family, reach=reach)
        TempKeyFactory(family=family, reach=reach, starts_at=None, raw_window="<b>whenever</b> – ", uses=None)
        text = get(client, ManagerFactory(), LIST).content.decode()
        assert "Made elsewhere" in text
        assert "Window not understood" in text
        assert "&lt;b&gt;whenever&lt;/b&gt;" in text
        assert "<b>whenever" not in text

    def test_what_is_gone_says_how(self, client, family, reach):
        gone = {"gone_at": timezone.now(), "family": family, "reach": reach}
        deletion = CommandFactory(actor_name="Ana Prado")
        TempKeyFactory(label="Deleted one", deletion=deletion, **gone)
        TempKeyFactory(label="Vanished one", made_by=ManagerFactory(), **gone)
        text = get(client, ManagerFactory(), LIST).content.decode()
        assert "deleted by Ana Prado" in text
        assert "not deleted here" in text

    def test_the_fragment_is_the_rows_alone(self, client, family, reach):
        TempKeyFactory(family=family, reach=reach, label="Plumber")
        text = get(client, ManagerFactory(), LIST, **HTMX).content.decode()
        assert '<div id="pass-results">' in text
        assert "<html" not in text

    def test_nobody_else_comes(self, client, family):
        for path in (LIST, tab(family)):
            assert client.get(path).headers["Location"].startswith("/account/login/")
            assert client.get(path, headers=HTMX)["HX-Redirect"] == "/account/login/"

    def test_without_any_it_says_what_comes(self, client, family):
        assert "No pass yet" in get(client, ManagerFactory(), LIST).content.decode()
        assert "No pass yet" in get(client, ManagerFactory(), tab(family)).content.decode()
        assert "No pass fits" in get(client, ManagerFactory(), f"{LIST}?q=zzz").content.decode()

    def test_how_old_it_is_and_what_could_not_be_read_is_said(self, client, family, reach):
        state = SyncStateFactory(family=family, kind=Kind.TEMP_KEYS, last_good_at=timezone.now(), failures=0)
        text = get(client, ManagerFactory(), LIST).content.decode()
        assert "read <time" in text
        assert "could not be read" not in text
        state.failures, state.not_understood = 2, "row 1: odd"
        state.save()
        text = get(client, ManagerFactory(), LIST).content.decode()
        assert "some families could not be read" in text
        assert "Read in part" in text

    def test_strange_filters_choose_nothing(self, client, family, reach):
        TempKeyFactory(family=family, reach=reach, label="Plumber")
        client.force_login(ManagerFactory())
        for query in (
            "state=x&made=y&property=z",
            "after=nonsense",
            "before=x",
            "state=gone&state=",
        ):
            assert client.get(f"{LIST}?{query}").status_code == 200
        assert "Plumber" in client.get(f"{LIST}?state=x&after=y&property=AAAA").content.decode()

    def test_the_navigation_leads_here(self, client, family):
        text = get(client, ManagerFactory(), LIST).content.decode()
        assert text.count('href="/passes/" aria-current="page"') == 2
        bar = text[text.index('class="bottom-bar"') : text.index('popovertarget="more"')]
        assert [word for word in ("Home", "Families", "Doors", "Passes", "Log") if f">{word}<" in bar] == [
            "Home",
            "Doors",
            "Passes",
            "Log",
        ]


class TestTheTab:
    def test_it_names_the_account_once_and_not_the_family_in_each_row(self, client, family, reach):
        TempKeyFactory(family=family, reach=reach, label="Plumber")
        TempKeyFactory(family=FamilyFactory(), label="Not here")
        text = get(client, ManagerFactory(), tab(family)).content.decode()
        assert text.count("Estate Office") == 1
        assert "Plumber" in text
        assert "Not here" not in text
        # The head of the page names the reader's zone, which is another.
        assert "windows in the time of Lisbon" in text
        assert 'aria-current="page"' in text[text.index("family-tab-passes") :][:200]

    def test_a_pass_of_another_account_says_so(self, client, family, reach):
        other = ReachFactory(family=family, account_id="another", auth="guest")
        TempKeyFactory(family=family, reach=other)
        assert "of another account" in get(client, ManagerFactory(), tab(family)).content.decode()

    def test_the_fragment_is_the_tab(self, client, family, reach):
        text = get(client, ManagerFactory(), tab(family), **HTMX).content.decode()
        assert 'id="family-tab"' in text
        assert "<html" not in text

    def test_somebody_elses_family_is_not_there(self, client, family):
        for person in (FamilyAdminFactory(), ManagerFactory(is_limited=True)):
            assert get(client, person, tab(family)).status_code == 404


class TestWhoSeesWhat:
    def test_a_family_admin_sees_none_that_may_be_from_before_and_no_connection(self, client, family, reach):
        person = FamilyAdminFactory()
        now = timezone.now()
        GrantFactory(person=person, family=family, starts_at=now - timedelta(minutes=30))
        TempKeyFactory(family=family, reach=reach, label="Old one", at=now, made_after=SINCE_EVER)
        TempKeyFactory(family=family, reach=reach, label="Theirs", at=now, made_by=person)
        TempKeyFactory(family=family, reach=reach, label="Of the office", at=now, made_by=ManagerFactory())
        for path in (LIST, tab(family)):
            text = get(client, person, path).content.decode()
            assert "Old one" not in text
            assert "Theirs" in text
            assert "Of the office" in text
            assert text.count('name="pass"') == 1
            assert reach.connection.name not in text

    def test_an_auditor_looks_only(self, client, family, reach):
        TempKeyFactory(family=family, reach=reach, label="Plumber")
        text = get(client, AuditorFactory(), LIST).content.decode()
        assert "Plumber" in text
        assert 'name="pass"' not in text

    def test_a_limited_manager_sees_their_property(self, client, family, reach):
        person = ManagerFactory(is_limited=True)
        PropertyLimitFactory(person=person, property=family.property)
        TempKeyFactory(family=family, reach=reach, label="Plumber")
        TempKeyFactory(label="Elsewhere one")
        text = get(client, person, LIST).content.decode()
        assert "Plumber" in text
        assert "Elsewhere one" not in text


class TestStates:
    NOW = timezone.now()
    HOUR = timedelta(hours=1)
    CASES = (
        (PassState.LIVE, {}),
        (PassState.LIVE, {"uses": None}),
        (PassState.COMING, {"starts_at": NOW + HOUR}),
        (PassState.OVER, {"starts_at": NOW - 50 * HOUR}),
        (PassState.USED_UP, {"uses": 0}),
        (PassState.USED_UP, {"uses": -1, "starts_at": NOW + HOUR}),
        (PassState.UNREAD, {"starts_at": None, "raw_window": "x"}),
        (PassState.GONE, {"gone_at": NOW, "starts_at": NOW + HOUR}),
    )

    @pytest.mark.parametrize(("state", "fields"), CASES)
    def test_the_filter_finds_what_the_row_says(self, state, fields):
        key = TempKeyFactory(**fields)
        manager = ManagerFactory()
        assert state_of(key, timezone.now()) == state
        found = {one for one in PassState if list_passes(manager, PassFilter(state=one)).rows}
        assert found == {state}

    def test_the_other_filters(self, family, reach):
        manager = ManagerFactory()
        mine = TempKeyFactory(family=family, reach=reach, label="Épicerie", made_by=manager)
        other = TempKeyFactory(visitor_name="Rui Sá")

        def found(**chosen):
            return list_passes(manager, PassFilter(**chosen)).rows

        assert found(made="here") == [mine]
        assert found(made="elsewhere") == [other]
        assert found(property_id=family.property.public_id) == [mine]
        assert found(text="epic") == [mine]
        assert found(text="RUI SA") == [other]
        assert found(text="%") == []
        assert found(family=family) == [mine]


class TestPages:
    def test_they_follow_each_other_without_losing_or_doubling_one(self, client, family, reach):
        at = timezone.now()
        for number in range(2 * PAGE_SIZE + 3):
            # Many that end at the same moment.
            TempKeyFactory(family=family, reach=reach, at=at + timedelta(minutes=number // 20))
        manager = ManagerFactory()
        pages, cursor = [], ""
        while True:
            page = list_passes(manager, PassFilter(), after=cursor)
            pages.append(page)
            cursor = page.after
            if not cursor:
                break
        rows = [row.pk for page in pages for row in page.rows]
        assert len(rows) == len(set(rows)) == 2 * PAGE_SIZE + 3
        assert [len(page.rows) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 3]
        ends = [row.sorted_at for page in pages for row in page.rows]
        assert ends == sorted(ends, reverse=True)
        back = list_passes(manager, PassFilter(), before=pages[1].before)
        assert [row.pk for row in back.rows] == [row.pk for row in pages[0].rows]
        assert back.before == ""
        text = get(client, manager, f"{LIST}?after={pages[0].after}").content.decode()
        assert 'rel="prev"' in text
        assert 'rel="next"' in text

    @pytest.mark.parametrize("role", [ManagerFactory, AuditorFactory, FamilyAdminFactory])
    @pytest.mark.parametrize("is_tab", [False, True])
    def test_a_page_costs_at_most_four_queries_however_many_there_are(
        self, client, family, reach, role, is_tab
    ):
        person = role()
        if person.is_family_admin:
            GrantFactory(person=person, family=family)
        client.force_login(person)
        # Of a tab the fragment: the frame around it is its own affair.
        path, headers = (tab(family), HTMX) if is_tab else (LIST, {})
        counts = []
        for more in (3, 30):
            TempKeyFactory.create_batch(more, family=family, reach=reach, at=timezone.now())
            client.get(path, headers=headers)
            with CaptureQueriesContext(database) as captured:
                assert client.get(path, headers=headers).status_code == 200
            beside = ("session", 'FROM "accounts_user"')
            counts.append(len([row for row in captured if not any(one in row["sql"] for one in beside)]))
        assert counts[0] == counts[1] <= 4

    @pytest.mark.django_db(transaction=True)
    def test_it_asks_the_upstream_nothing(self, client, simulator, family):
        connection = ConnectionFactory(base_url=simulator.url, access_token=simulator.token)
        TempKeyFactory(family=family, reach=ReachFactory(family=family, connection=connection))
        simulator.clear_journal()
        for path in (LIST, tab(family)):
            assert get(client, ManagerFactory(), path).status_code == 200
        assert simulator.journal() == []
        simulator.stop()
        for path in (LIST, tab(family)):
            assert "Made elsewhere" in get(client, ManagerFactory(), path).content.decode()
