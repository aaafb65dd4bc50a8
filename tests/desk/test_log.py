"""The log page: everything that passed, newest first, only to those who may see it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import Opening
from portal.ids import find_hidden
from tests.factories import (
    AuditorFactory,
    CallFactory,
    CommandFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GapFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    OpeningFactory,
    PropertyFactory,
    PropertyLimitFactory,
)

HTMX = {"HX-Request": "true"}
LOG = "/log/"

pytestmark = pytest.mark.django_db


def ids(text: str) -> list[str]:
    """The rows of a page by kind and number, which the page itself hides."""
    found = re.findall(r'id="(opening|call|gap)-([\w-]{22})"', text)
    return [f"{kind}-{find_hidden(hidden, kind)}" for kind, hidden in found]


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


class TestThePage:
    def test_openings_calls_and_gaps_stand_together_newest_first(self, client, manager):
        now = timezone.now().replace(microsecond=0)
        first = OpeningFactory(at=now - timedelta(minutes=3))
        gap = GapFactory(at=now - timedelta(minutes=2), family=first.family)
        call = CallFactory(at=now - timedelta(minutes=1))

        assert ids(client.get(LOG).text) == [f"call-{call.pk}", f"gap-{gap.pk}", f"opening-{first.pk}"]

    @pytest.mark.parametrize(("cause", "words"), [("window", "more happened than"), ("clock", "went back")])
    def test_a_gap_says_why_rows_may_be_missing(self, client, manager, cause, words):
        gap = GapFactory(cause=cause)

        assert f"{gap.family.name}: " in client.get(LOG).text
        assert words in client.get(LOG).text

    def test_it_is_a_page_and_a_fragment(self, client, manager):
        OpeningFactory()

        page, fragment = client.get(LOG), client.get(LOG, headers=HTMX)

        assert "<html" in page.text
        assert "<html" not in fragment.text
        assert 'id="log"' in fragment.text
        assert "HX-Request" in fragment["Vary"]
        restored = client.get(LOG, headers={**HTMX, "HX-History-Restore-Request": "true"})
        assert "<html" in restored.text

    def test_pages_hold_every_row_once(self, client, manager):
        moment = timezone.now().replace(microsecond=0)
        family = FamilyFactory()
        expected = set()
        for number in range(70):
            at = moment - timedelta(seconds=number // 7)
            opening = OpeningFactory(at=at, family=family, number=number)
            call = CallFactory(at=at, family=family, number=number)
            expected |= {f"opening-{opening.pk}", f"call-{call.pk}"}
        seen, url = [], LOG
        while url:
            text = client.get(url).text
            seen += ids(text)
            older = re.search(r'rel="next" href="([^"]+)"', text)
            url = older[1].replace("&amp;", "&") if older else ""

        assert len(seen) == 140
        assert set(seen) == expected

    def test_an_empty_log_says_how_it_fills(self, client, manager):
        assert "after the first sync" in client.get(LOG).text

    def test_a_press_from_the_portal_names_the_person(self, client, manager):
        OpeningFactory(command=CommandFactory(actor_name="Ana Duarte", reason="locked out"))

        text = client.get(LOG).text

        assert "Ana Duarte" in text
        assert "from the portal" in text
        assert "locked out" in text

    def test_names_from_outside_are_shown_as_text(self, client, manager):
        OpeningFactory(account_name="<img src=x hx-get=/evil>", device_name="{{ settings.SECRET_KEY }}")

        text = client.get(LOG).text

        assert "<img src=x" not in text
        assert "{{ settings.SECRET_KEY }}" in text

    @pytest.mark.parametrize(
        "query",
        ["before=forged", "page=-1", "result=password", "from=x&to=y", "family=nobody", "from=0000-00-00"],
    )
    def test_a_strange_address_is_no_error(self, client, manager, query):
        opening = OpeningFactory()

        answer = client.get(f"{LOG}?{query}")

        assert answer.status_code == 200
        assert ids(answer.text) == [f"opening-{opening.pk}"]

    def test_the_number_of_queries_does_not_grow(self, client, manager, django_assert_max_num_queries):
        def rows(count: int) -> None:
            for _ in range(count):
                OpeningFactory()
                CallFactory()
                GapFactory()

        rows(2)
        client.get(LOG)
        with django_assert_max_num_queries(9) as few:
            client.get(LOG)
        rows(15)
        with django_assert_max_num_queries(len(few)):
            client.get(LOG)

    def test_a_fragment_asks_only_for_the_rows(self, client, manager, django_assert_max_num_queries):
        opening = OpeningFactory()
        older = {"to": f"{opening.at + timedelta(days=1):%Y-%m-%d}"}

        # The session, the person, openings, calls, gaps; on top of the log also the newest numbers.
        with django_assert_max_num_queries(6):
            client.get(LOG, headers=HTMX)
        with django_assert_max_num_queries(5):
            client.get(LOG, older, headers=HTMX)

    def test_numbers_of_rows_stand_nowhere_on_the_page(self, client, manager):
        opening = OpeningFactory(id=987_654_321)

        text = client.get(LOG).text

        assert ids(text) == [f"opening-{opening.pk}"]
        assert "987654321" not in text


class TestFilters:
    def test_by_family_and_door(self, client, manager):
        device = DeviceFactory()
        wanted = OpeningFactory(family=device.family, device=device)
        other_door = OpeningFactory(family=device.family)
        OpeningFactory()

        by_family = ids(client.get(LOG, {"family": device.family.public_id}).text)
        by_door = ids(client.get(LOG, {"family": device.family.public_id, "door": device.public_id}).text)

        assert set(by_family) == {f"opening-{wanted.pk}", f"opening-{other_door.pk}"}
        assert by_door == [f"opening-{wanted.pk}"]

    def test_by_result(self, client, manager):
        opened, refused, call = OpeningFactory(), OpeningFactory(is_success=False), CallFactory()

        assert ids(client.get(LOG, {"result": "opened"}).text) == [f"opening-{opened.pk}"]
        assert ids(client.get(LOG, {"result": "refused"}).text) == [f"opening-{refused.pk}"]
        assert ids(client.get(LOG, {"result": "calls"}).text) == [f"call-{call.pk}"]

    def test_by_property(self, client, manager):
        place = PropertyFactory()
        inside = OpeningFactory(family=FamilyFactory(property=place))
        OpeningFactory()

        assert ids(client.get(LOG, {"property": place.public_id}).text) == [f"opening-{inside.pk}"]

    def test_by_a_property_that_is_small_in_a_large_estate_or_empty(self, client, manager):
        place, empty = PropertyFactory(), PropertyFactory()
        inside = OpeningFactory(family=FamilyFactory(property=place))
        FamilyFactory.create_batch(25)
        OpeningFactory()

        assert ids(client.get(LOG, {"property": place.public_id}).text) == [f"opening-{inside.pk}"]
        assert ids(client.get(LOG, {"property": empty.public_id}).text) == []

    @pytest.mark.parametrize("text", ["nunez", "NÚÑ", "Courtyard", "josé"])
    def test_by_a_text_that_names_family_door_or_person(self, client, manager, text):
        family = FamilyFactory(name="Casa Núñez")
        device = DeviceFactory(family=family, name="Courtyard Gate")
        MemberFactory(family=family, first_name="José", last_name="Núñez")
        wanted = OpeningFactory(family=family, device=device, account_name="José Núñez")
        OpeningFactory()

        assert ids(client.get(LOG, {"q": text}).text) == [f"opening-{wanted.pk}"]

    def test_by_day_in_the_readers_zone(self, client):
        client.force_login(ManagerFactory(time_zone="Pacific/Auckland"))
        # 13:00 UTC is already the next day in Auckland.
        at = datetime(2026, 6, 10, 13, 0, tzinfo=UTC)
        opening = OpeningFactory(at=at)

        assert ids(client.get(LOG, {"from": "2026-06-11", "to": "2026-06-11"}).text) == [
            f"opening-{opening.pk}"
        ]
        assert ids(client.get(LOG, {"from": "2026-06-10", "to": "2026-06-10"}).text) == []


class TestWhoSees:
    def test_nobody_without_signing_in(self, client):
        assert client.get(LOG).status_code == 302
        assert client.get(LOG, headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_an_auditor_sees_all(self, client):
        opening = OpeningFactory()
        client.force_login(AuditorFactory())

        assert ids(client.get(LOG).text) == [f"opening-{opening.pk}"]

    def test_a_limited_manager_sees_their_property(self, client):
        limit = PropertyLimitFactory()
        inside = OpeningFactory(family=FamilyFactory(property=limit.property))
        OpeningFactory(family=FamilyFactory(name="Canary Family"))
        client.force_login(limit.person)

        answer = client.get(LOG)

        assert ids(answer.text) == [f"opening-{inside.pk}"]
        assert "Canary" not in answer.text

    def test_a_family_admin_sees_nothing_before_their_grant(self, client):
        grant = GrantFactory(starts_at=timezone.now() - timedelta(hours=1))
        after = OpeningFactory(family=grant.family, at=timezone.now() - timedelta(minutes=5))
        OpeningFactory(family=grant.family, at=timezone.now() - timedelta(hours=2), account_name="Canary")
        CallFactory(family=grant.family, at=timezone.now() - timedelta(hours=2), call_name="Canary")
        GapFactory(family=grant.family, at=timezone.now() - timedelta(hours=2))
        OpeningFactory(account_name="Canary")
        client.force_login(grant.person)

        answer = client.get(LOG)

        assert ids(answer.text) == [f"opening-{after.pk}"]
        assert "Canary" not in answer.text

    @pytest.mark.parametrize("count", [1, 2, 6])
    def test_everybody_sees_theirs_in_a_large_estate_too(self, client, count):
        FamilyFactory.create_batch(30 * count)
        limit = PropertyLimitFactory()
        home = GrantFactory(starts_at=timezone.now() - timedelta(hours=1))
        people = {limit.person: set(), home.person: set()}
        for _ in range(count):
            family = FamilyFactory(property=limit.property)
            people[limit.person].add(f"opening-{OpeningFactory(family=family).pk}")
            grant = GrantFactory(person=home.person, starts_at=home.starts_at)
            after = OpeningFactory(family=grant.family, at=timezone.now() - timedelta(minutes=5))
            people[home.person].add(f"opening-{after.pk}")
            OpeningFactory(family=grant.family, at=timezone.now() - timedelta(hours=2))
            OpeningFactory()

        for person, theirs in people.items():
            client.force_login(person)
            assert set(ids(client.get(LOG).text)) == theirs

    def test_a_gap_that_began_before_a_grant_begins_with_it(self, client):
        start = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=30)
        grant = GrantFactory(starts_at=start)
        GapFactory(
            family=grant.family, begins_at=start - timedelta(minutes=17), at=start + timedelta(minutes=10)
        )
        client.force_login(grant.person)

        text = client.get(LOG).text

        assert f"Not recorded {start:%H:%M}" in text
        assert f"{start - timedelta(minutes=17):%H:%M}" not in text

    def test_a_family_admin_cannot_ask_for_another_family(self, client):
        stranger = OpeningFactory(account_name="Canary")
        client.force_login(FamilyAdminFactory())

        answer = client.get(LOG, {"family": stranger.family.public_id})

        assert "Canary" not in answer.text
        assert ids(answer.text) == []

    def test_a_search_finds_no_stranger(self, client):
        OpeningFactory(family=FamilyFactory(name="Canary"))
        client.force_login(GrantFactory().person)

        assert ids(client.get(LOG, {"q": "canary"}).text) == []


class TestTheLiveTop:
    def poll_url(self, text: str) -> str:
        return re.search(r'hx-get="(/log/new/[^"]+)"', text)[1].replace("&amp;", "&")

    def test_a_poll_with_nothing_new_is_empty(self, client, manager):
        OpeningFactory()

        answer = client.get(self.poll_url(client.get(LOG).text), headers=HTMX)

        assert answer.status_code == 204

    def test_new_rows_come_on_top_once(self, client, manager):
        OpeningFactory(at=timezone.now() - timedelta(minutes=9))
        url = self.poll_url(client.get(LOG).text)
        new = OpeningFactory(at=timezone.now())

        answer = client.get(url, headers=HTMX)

        assert ids(answer.text) == [f"opening-{new.pk}"]
        assert "hx-swap-oob" in answer.text
        assert client.get(self.poll_url(answer.text), headers=HTMX).status_code == 204

    def test_the_first_row_of_an_empty_log_comes_too(self, client, manager):
        url = self.poll_url(client.get(LOG).text)
        new = OpeningFactory(at=timezone.now())

        assert ids(client.get(url, headers=HTMX).text) == [f"opening-{new.pk}"]

    @pytest.mark.parametrize(
        "top", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-21", "x"]
    )
    def test_a_top_that_is_no_moment_is_none(self, client, manager, top):
        OpeningFactory()
        answer = client.get("/log/new/", {"seen": "0.0", "top": top}, headers=HTMX)
        assert answer.status_code == 200
        assert len(ids(answer.text)) == 1

    def test_a_late_row_is_told_and_not_put_on_top(self, client, manager):
        OpeningFactory(at=timezone.now())
        url = self.poll_url(client.get(LOG).text)
        OpeningFactory(at=timezone.now() - timedelta(hours=1))

        answer = client.get(url, headers=HTMX)

        assert ids(answer.text) == []
        assert "1 row arrived late" in answer.text

    def test_the_filter_holds(self, client, manager):
        family = FamilyFactory()
        # The numbers of rows go on from test to test on PostgreSQL: only from one row to the next are they near.
        OpeningFactory(family=family)
        url = self.poll_url(client.get(LOG, {"family": family.public_id}).text)
        OpeningFactory(at=timezone.now())

        assert client.get(url, headers=HTMX).status_code == 204

    def test_nothing_of_another_family_comes(self, client):
        client.force_login(GrantFactory().person)
        OpeningFactory()
        url = self.poll_url(client.get(LOG).text)
        OpeningFactory(at=timezone.now(), account_name="Canary")

        assert client.get(url, headers=HTMX).status_code == 204

    def test_opened_directly_it_leads_to_the_log(self, client, manager):
        answer = client.get("/log/new/?seen=x&result=opened")

        assert answer.status_code == 302
        assert answer["Location"] == "/log/?result=opened"

    def test_an_older_page_does_not_poll(self, client, manager):
        family = FamilyFactory()
        for number in range(60):
            OpeningFactory(family=family, number=number)
        older = re.search(r'rel="next" href="([^"]+)"', client.get(LOG).text)[1]

        assert "hx-get" not in re.sub(r"<form.*?</form>", "", client.get(older).text, flags=re.DOTALL)
        assert Opening.objects.count() == 60
