"""My account: what I say of myself and how pages speak to me; what I may do, and whom I ask for more."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import Entry
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)

pytestmark = pytest.mark.django_db
PAGES = ("/account/", "/account/sign-in/", "/account/sessions/", "/account/rights/")
FRAGMENT = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>{{ settings.SECRET_KEY }}"


@pytest.fixture
def ana() -> User:
    ana: User = ManagerFactory.create(name="Ana", email="ana@gatehouse.example", time_zone="Europe/Lisbon")
    return ana


@pytest.fixture
def client(ana: User) -> Client:
    return signed_in(ana)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def wanted(**changes: str) -> dict[str, str]:
    return {"name": "Ana", "language": "en", "time_zone": "Europe/Lisbon", "theme": "system", **changes}


class TestThePages:
    @pytest.mark.parametrize("address", PAGES)
    def test_everybody_has_them(self, address: str) -> None:
        for factory in (ManagerFactory, AuditorFactory, FamilyAdminFactory):
            page = signed_in(factory.create()).get(address)
            assert page.status_code == 200
            assert "<h1>My account</h1>" in page.text
            assert 'aria-current="page"' in page.text

    @pytest.mark.parametrize("address", PAGES)
    def test_a_fragment_is_only_its_part(self, client: Client, address: str) -> None:
        fragment = client.get(address, headers=FRAGMENT).text
        assert "<html" not in fragment
        assert fragment.strip()

    @pytest.mark.parametrize("address", PAGES)
    def test_a_stranger_signs_in_first(self, address: str) -> None:
        assert Client().get(address)["Location"] == f"/account/login/?next={address}"

    @pytest.mark.parametrize("address", PAGES)
    def test_a_hostile_name_is_text(self, ana: User, client: Client, address: str) -> None:
        User.objects.filter(pk=ana.pk).update(name=HOSTILE)
        ManagerFactory.create(name=HOSTILE)
        page = client.get(address).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ settings.SECRET_KEY }}" in page

    @pytest.mark.parametrize("address", PAGES)
    def test_they_take_few_queries(
        self, client: Client, address: str, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(7):
            client.get(address)

    def test_the_frame_leads_there(self, client: Client) -> None:
        assert 'href="/account/">Account</a>' in client.get("/families/").text


class TestPreferences:
    def test_what_was_chosen_is_kept_and_on_the_trail(self, ana: User, client: Client) -> None:
        answer = client.post(
            "/account/preferences/", wanted(name="Ana Sousa", time_zone="Asia/Tokyo", theme="dark")
        )
        assert answer["Location"] == "/account/"
        ana.refresh_from_db()
        assert (ana.name, ana.time_zone, ana.theme) == ("Ana Sousa", "Asia/Tokyo", "dark")
        entry = Entry.objects.get(event="person.change")
        assert (entry.actor_id, entry.object_id) == (ana.pk, ana.public_id)
        assert '"after": {"name": "Ana Sousa", "time_zone": "Asia/Tokyo"}' in entry.parameters

    def test_nothing_changed_is_no_entry(self, client: Client) -> None:
        assert "Nothing was changed." in client.post("/account/preferences/", wanted(), follow=True).text
        assert not Entry.objects.filter(event="person.change").exists()

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("name", "", "Type your name"),
            ("name", "  ", "spaces alone"),
            ("name", " \u200b ", "cannot be seen"),
            # Letters by their category, of which nothing is seen.
            ("name", "\u3164\u2800", "cannot be seen"),
            ("name", "a\nb", "cannot be seen"),
            ("name", "a\x00b", "cannot be seen"),
            ("name", "x" * 10_000, "10,000"),
            ("language", "tlh", "does not speak that language"),
            ("time_zone", "", "Choose a time zone"),
            ("time_zone", "Europe/Lisbonn", "Europe/Lisbon"),
            ("time_zone", "../../etc/passwd", "no time zone of that name"),
            ("time_zone", "a\x00b", "no time zone of that name"),
            ("theme", "neon", "no such colours"),
            ("theme", "", "Choose one of the three"),
        ],
    )
    def test_what_cannot_be_is_said_beside_its_field(
        self, ana: User, client: Client, field: str, value: str, words: str
    ) -> None:
        answer = client.post("/account/preferences/", wanted(**{field: value}))
        assert (answer.status_code, words in answer.text) == (422, True)
        ana.refresh_from_db()
        assert (ana.name, ana.time_zone, ana.theme) == ("Ana", "Europe/Lisbon", "")
        assert not Entry.objects.filter(event="person.change").exists()

    def test_a_zone_is_found_by_its_city(self, ana: User, client: Client) -> None:
        client.post("/account/preferences/", wanted(time_zone="new york"))
        ana.refresh_from_db()
        assert ana.time_zone == "America/New_York"

    def test_nobody_changes_more_of_themselves_than_that(self, ana: User, client: Client) -> None:
        more = {"role": "auditor", "is_limited": "on", "email": "x@x.example", "is_superuser": "1"}
        client.post("/account/preferences/", wanted(name="Ana S", **more))
        before, ana = ana, User.objects.get(pk=ana.pk)
        assert (ana.name, ana.role, ana.is_limited, ana.email) == ("Ana S", before.role, False, before.email)

    def test_the_zones_that_people_here_use_come_first(self, client: Client) -> None:
        ManagerFactory.create(time_zone="Pacific/Auckland")
        page = client.get("/account/").text
        order = [
            page.index(f'<option value="{zone}">') for zone in ("Europe/Lisbon", "UTC", "Pacific/Auckland")
        ]
        assert order == sorted(order)
        assert order[-1] < page.index('<option value="Africa/Abidjan">')
        assert page.count('<option value="Europe/Lisbon">') == 1

    def test_times_are_told_in_the_chosen_zone(self, ana: User, client: Client) -> None:
        client.post("/account/preferences/", wanted(time_zone="Asia/Tokyo"))
        assert "times in Tokyo" in client.get("/account/sessions/").text


class TestColours:
    def test_they_are_the_accounts_wherever_somebody_signs_in(self, ana: User, client: Client) -> None:
        answer = client.post("/account/theme/", {"theme": "dark"}, headers=FRAGMENT)
        assert (answer.status_code, answer.cookies["theme"].value) == (204, "dark")
        assert '<html lang="en" dir="ltr" data-theme="dark">' in signed_in(ana).get("/families/").text

    def test_what_the_browser_kept_counts_for_nobody_signed_in(self, ana: User, client: Client) -> None:
        client.cookies["theme"] = "light"
        assert "data-theme" not in client.get("/families/").text.partition(">")[0]
        assert 'data-theme="light"' in Client(headers={"Cookie": "theme=light"}).get("/account/login/").text

    def test_as_the_system_forgets_the_cookie(self, client: Client) -> None:
        client.post("/account/theme/", {"theme": "dark"})
        client.post("/account/theme/", {"theme": ""})
        assert client.cookies["theme"].value == ""
        assert 'data-theme="dark"' not in client.get("/families/").text

    def test_without_a_script_one_stays_on_the_page(self, client: Client) -> None:
        answer = client.post(
            "/account/theme/", {"theme": "dark"}, headers={"Referer": "http://testserver/doors/?q=a"}
        )
        assert answer["Location"] == "/doors/?q=a"
        answer = client.post(
            "/account/theme/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"}
        )
        assert answer["Location"] == "/account/"

    def test_others_are_refused(self, ana: User, client: Client) -> None:
        assert client.post("/account/theme/", {"theme": '"><script>'}).status_code == 422
        ana.refresh_from_db()
        assert ana.theme == ""

    def test_a_forged_cookie_is_no_colour(self) -> None:
        page = Client(headers={"Cookie": "theme=neon"}).get("/account/login/").text
        assert "data-theme=" not in page
        assert "neon" not in page


class TestWhatIMayDo:
    def test_a_manager_of_everything(self, client: Client) -> None:
        FamilyFactory.create_batch(3)
        page = client.get("/account/rights/").text
        assert "All families" in page
        assert "You see 3 families now." in page

    def test_a_limited_manager_reads_their_properties(self) -> None:
        limit = PropertyLimitFactory.create(property__name="Tower A")
        PropertyFactory.create(name="Tower B")
        page = signed_in(limit.person).get("/account/rights/").text
        assert "Tower A" in page
        assert "Tower B" not in page

    def test_a_family_admin_reads_their_families_with_start_and_end(self) -> None:
        now = timezone.now()
        lena = FamilyAdminFactory.create()
        for name, start, end in (
            ("Silva", -10, 10),
            ("Later", 5, None),
            ("Ended House", -10, -5),
        ):
            GrantFactory.create(
                person=lena,
                family__name=name,
                starts_at=now + timedelta(days=start),
                ends_at=None if end is None else now + timedelta(days=end),
            )
        GrantFactory.create(family__name="Somebody Else")
        page = signed_in(lena).get("/account/rights/").text
        assert "Silva</a>" in page
        assert "until" in page
        assert "Later</span>" in page
        assert "Ended House" not in page
        assert "Somebody Else" not in page

    def test_a_suspended_grant_is_called_so(self) -> None:
        grant = GrantFactory.create(suspended_at=timezone.now())
        page = signed_in(grant.person).get("/account/rights/").text
        assert "Suspended" in page
        assert "No family is given to you yet" in page


class TestWhomToAsk:
    @pytest.mark.parametrize("address", ["/", "/account/rights/"])
    @pytest.mark.parametrize(
        ("factory", "fields", "words"),
        [
            (FamilyAdminFactory, {}, "No family is given to you yet"),
            (ManagerFactory, {"is_limited": True}, "No property is given to you yet"),
            (AuditorFactory, {"is_limited": True}, "No property is given to you yet"),
        ],
    )
    def test_whoever_sees_nothing_reads_who_may_change_that(
        self, ana: User, address: str, factory: Any, fields: dict[str, Any], words: str
    ) -> None:
        ManagerFactory.create(email="limited@gatehouse.example", is_limited=True)
        ManagerFactory.create(email="gone@gatehouse.example", is_active=False)
        AuditorFactory.create(email="auditor@gatehouse.example")
        page = signed_in(factory.create(**fields)).get(address).text
        assert words in page
        assert "Ana</bdi>" in page
        assert ana.email in page
        for other in ("limited@", "gone@", "auditor@"):
            assert other not in page

    @pytest.mark.parametrize("address", ["/", "/account/rights/"])
    def test_where_there_is_no_manager_it_is_whoever_runs_gatehouse(self, address: str) -> None:
        assert "whoever runs Gatehouse" in signed_in(FamilyAdminFactory.create()).get(address).text

    def test_whoever_sees_something_is_not_told_so(self) -> None:
        for person in (
            GrantFactory.create().person,
            PropertyLimitFactory.create().person,
            ManagerFactory.create(),
        ):
            assert "given to you yet" not in signed_in(person).get("/").text


def test_the_address_is_not_said_to_be_changeable_by_somebody(client: Client) -> None:
    page = client.get("/account/").text
    assert "it stays. A manager can invite you at another one" in page
    assert "A manager can change it" not in page
