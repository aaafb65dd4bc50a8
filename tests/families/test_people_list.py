"""The list of people: whom it shows, to whom, and at what cost."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from families.models import Property
from families.selectors.people import PAGE_SIZE
from portal.accounts import joining
from portal.accounts.models import Role
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    InvitedFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX
from tests.families.peopling import address

pytestmark = pytest.mark.django_db


def shown(client, *names: str, **query: str) -> list[str]:
    text = client.get(address("person_list", **query), headers=HTMX).text
    return [name for name in names if name in text]


class TestPage:
    def test_a_manager_sees_everybody_with_what_matters(self, client, manager):
        ana = AuditorFactory(name="Ana Núñez", email="ana@gatehouse.example")
        Authenticator.objects.create(user=ana, type=Authenticator.Type.TOTP, data={})
        UserSession.objects.create(
            user=ana, ip="192.0.2.1", session_key="s", last_seen_at=timezone.now() - timedelta(minutes=20)
        )
        PropertyLimitFactory(person__name="Bea", property__name="Tower A")
        GrantFactory(person__name="Cid", family__name="Casa Lima")
        joining.issue(InvitedFactory(email="dan@gatehouse.example"), sent_by=manager)
        InvitedFactory(email="eve@gatehouse.example")
        FamilyAdminFactory(name="Fay", is_active=False)

        page = client.get(address("person_list")).text

        assert "<html" in page
        assert address("person_detail", ana) in page
        for word in (
            "Ana Núñez",
            "ana@gatehouse.example",
            "Auditor",
            "Everything",
            "20 minutes ago",
            "Tower A",
        ):
            assert word in page
        for word in ("Casa Lima", "dan@gatehouse.example", "Link is dead", "Switched off", "Nothing", "Yes"):
            assert word in page
        assert page.count('status--stale"') == 1

    def test_htmx_gets_the_table_alone_and_the_clean_address(self, client, manager):
        answer = client.get(address("person_list", q="marta", role="", state=""), headers=HTMX)

        assert answer.text.lstrip().startswith('<div class="people" id="person-table">')
        assert "<html" not in answer.text
        assert answer["HX-Push-Url"] == "/people/?q=marta"

    def test_nobody_sees_it_without_signing_in(self, client):
        assert client.get(address("person_list"))["Location"].startswith("/account/login/")
        answer = client.get(address("person_list"), headers=HTMX)
        assert (answer["HX-Redirect"], answer.content) == ("/account/login/", b"")

    @pytest.mark.parametrize("factory", [AuditorFactory, FamilyAdminFactory])
    def test_only_managers_see_it(self, client, factory):
        client.force_login(factory())

        assert client.get(address("person_list")).status_code == 403
        assert "/people/" not in client.get("/").text

    def test_it_asks_the_upstream_nothing(self, client, manager, simulator):
        client.get(address("person_list"))
        assert simulator.journal() == []

    def test_the_number_of_queries_stays_the_same(self, client, manager, django_assert_num_queries):
        def grow(count: int) -> None:
            for _ in range(count):
                PropertyLimitFactory()
                GrantFactory.create_batch(2, person=FamilyAdminFactory())
                joining.issue(InvitedFactory(), sent_by=manager)

        grow(1)
        client.get(address("person_list"))
        # Session and person, properties, people, limits, grants, sessions, second factors, links.
        with django_assert_num_queries(9):
            client.get(address("person_list"))
        grow(12)
        with django_assert_num_queries(9):
            assert client.get(address("person_list")).text.count("table__name") == 40

    def test_markup_in_a_name_is_text(self, client, manager):
        AuditorFactory(name="<script>alert(1)</script>{{ 7 }}")

        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 }}" in client.get(address("person_list")).text


class TestFinding:
    def test_case_and_accents_do_not_count(self, client, manager):
        AuditorFactory(name="Ana Núñez", email="ana@gatehouse.example")
        assert shown(client, "Ana Núñez", "Marta Reis", q="NUNEZ") == ["Ana Núñez"]
        assert shown(client, "Ana Núñez", "Marta Reis", q="ana@gate") == ["Ana Núñez"]
        assert shown(client, "Nobody fits", q="zzz") == ["Nobody fits"]

    def test_a_new_name_is_found_at_once(self, client, manager):
        manager.name = "Núria"
        manager.save(update_fields=["name"])
        assert shown(client, "Núria", q="nuria") == ["Núria"]

    def test_by_role_state_and_property(self, client, manager):
        tower = PropertyFactory()
        names = ("Marta Reis", "Ana", "Bea", "Cid", "Dan")
        AuditorFactory(name="Ana", is_active=False)
        PropertyLimitFactory(person__name="Bea", property=tower)
        GrantFactory(person__name="Cid", family__property=tower)
        InvitedFactory(name="Dan", role=Role.AUDITOR)

        assert shown(client, *names, role="auditor") == ["Ana", "Dan"]
        assert shown(client, *names, state="off") == ["Ana"]
        assert shown(client, *names, state="waiting") == ["Dan"]
        assert shown(client, *names, state="joined") == ["Marta Reis", "Bea", "Cid"]
        assert shown(client, *names, property=tower.public_id) == ["Bea", "Cid"]

    @pytest.mark.parametrize(
        "query", [{"role": "owner"}, {"state": "x"}, {"property": "x"}, {"after": "x"}, {"before": "%00"}]
    )
    def test_what_is_unknown_means_nothing_was_chosen(self, client, manager, query):
        assert shown(client, "Marta Reis", **query) == ["Marta Reis"]

    def test_every_page_shows_others_and_one_comes_back(self, client, manager):
        people = [AuditorFactory(name=f"Person {number:03}") for number in range(PAGE_SIZE + 30)]
        names = [person.name for person in people]
        page = client.get(address("person_list"))
        assert [name for name in names if name in page.text] + ["Marta Reis"] != names
        further = page.context["after_url"]
        second = client.get(further)
        both = [[name for name in names if name in each.text] for each in (page, second)]
        assert both[0] + both[1] == names
        assert client.get(second.context["before_url"]).context["page"].rows[0].person == manager

    def test_two_thousand_people_stay_quick(self, client, manager, django_assert_num_queries):
        from portal.accounts.models import User

        User.objects.bulk_create(
            User(
                email=f"p{number}@gatehouse.example",
                name=f"P {number}",
                role=Role.AUDITOR,
                search_text=f"p {number} p{number}@gatehouse.example",
                joined_at=timezone.now(),
            )
            for number in range(2_000)
        )
        # As above; nobody is waiting, so no link is looked for.
        with django_assert_num_queries(8):
            began = timezone.now()
            assert client.get(address("person_list", q="199")).status_code == 200
        assert (timezone.now() - began).total_seconds() < 5


class TestScope:
    """Mine is a property of the limited manager; whoever reaches anything beyond it is not there for them."""

    @pytest.fixture
    def mine(self, client) -> Property:
        limit = PropertyLimitFactory(person__name="Lim", property__name="Mine")
        client.force_login(limit.person)
        return limit.property

    def test_whoever_reaches_nothing_beyond_is_there(self, client, mine):
        PropertyLimitFactory(person__name="Within", property=mine)
        PropertyLimitFactory(person__name="Audits", person__role=Role.AUDITOR, property=mine)
        GrantFactory(person__name="Admin", family__property=mine)
        assert shown(client, "Lim", "Within", "Audits", "Admin") == ["Lim", "Within", "Audits", "Admin"]

    def test_whoever_reaches_more_is_not(self, client, mine):
        ManagerFactory(name="Unlimited")
        AuditorFactory(name="Sees all")
        other = PropertyFactory(name="Elsewhere")
        PropertyLimitFactory(person__name="Other place", property=other)
        both = PropertyLimitFactory(person__name="Both places", property=mine).person
        PropertyLimitFactory(person=both, property=other)
        GrantFactory(person__name="Other house", family__property=other)
        GrantFactory(person__name="No place")
        two = GrantFactory(person__name="Two houses", family__property=mine).person
        GrantFactory(person=two, family=FamilyFactory(property=None))
        coming = GrantFactory(person__name="Soon elsewhere", family__property=mine).person
        GrantFactory(person=coming, family__property=other, starts_at=timezone.now() + timedelta(days=9))
        FamilyAdminFactory(name="Nothing at all")
        ManagerFactory(name="Limited to none", is_limited=True)

        page = client.get(address("person_list")).text
        for name in (
            *("Unlimited", "Sees all", "Other place", "Both places", "Other house", "No place", "Two houses"),
            *("Soon elsewhere", "Nothing at all", "Limited to none", "Elsewhere"),
        ):
            assert name not in page
        assert page.count("table__name") == 1

    def test_what_is_over_elsewhere_does_not_count_unless_it_is_all_there_was(self, client, mine):
        ended = timezone.now() - timedelta(days=1)
        moved = GrantFactory(person__name="Moved in", family__property=mine).person
        GrantFactory(person=moved, ends_at=ended)
        GrantFactory(person__name="Was mine", family__property=mine, ends_at=ended)
        GrantFactory(person__name="Was elsewhere", ends_at=ended)
        assert shown(client, "Moved in", "Was mine", "Was elsewhere") == ["Moved in", "Was mine"]

    def test_what_is_over_elsewhere_is_not_named_on_a_persons_page(self, client, mine):
        ended = timezone.now() - timedelta(days=1)
        moved = GrantFactory(family__property=mine, family__name="Casa Now").person
        GrantFactory(person=moved, family__property=mine, family__name="Casa Before", ends_at=ended)
        GrantFactory(person=moved, family__name="Casa Foreign", ends_at=ended)
        page = client.get(address("person_detail", moved)).text
        assert "Casa Now" in page
        assert "Casa Before" in page
        assert "Casa Foreign" not in page

    def test_finding_finds_nobody_beyond(self, client, mine):
        AuditorFactory(name="Secretname")
        assert shown(client, "Secretname", q="secretname") == []

    def test_a_right_withdrawn_is_gone_at_the_next_request(self, client, mine):
        person = PropertyLimitFactory(person__name="Within", property=mine).person
        assert shown(client, "Within") == ["Within"]
        PropertyLimitFactory(person=person)
        assert shown(client, "Within") == []
        assert client.get(address("person_detail", person)).status_code == 404


def test_the_families_to_choose_from_are_those_one_sees(client):
    limit = PropertyLimitFactory()
    mine = FamilyFactory(name="Casa Lima", search_text="casa lima", property=limit.property)
    FamilyFactory(name="Casa Foreign", search_text="casa foreign")
    FamilyFactory(name="Casa Gone", search_text="casa gone", property=limit.property, gone_at=timezone.now())
    client.force_login(limit.person)

    text = client.get(address("person_families", family_q="cas"), headers=HTMX).text

    assert mine.public_id in text
    assert "Foreign" not in text
    assert "Gone" not in text
    assert client.get(address("person_families", family_q="cas")).status_code == 302


def test_ten_thousand_families_can_be_chosen_from(client, django_assert_num_queries):
    from families.models import Family

    client.force_login(ManagerFactory())
    chosen = FamilyFactory(name="Chosen", search_text="chosen")
    Family.objects.bulk_create(
        Family(residence_id=f"r{number}", name=f"House {number}", search_text=f"house {number}")
        for number in range(10_000)
    )
    # Session and person, those chosen, those found, by which members.
    with django_assert_num_queries(5):
        text = client.get(
            address("person_families", family_q="house 99", family=chosen.public_id), headers=HTMX
        ).text
    assert text.count('type="checkbox"') == 21
    assert text.count("checked") == 1
    assert "There are more" in text


def test_without_signing_in_no_family_is_found():
    assert Client().get(address("person_families", family_q="a"), headers=HTMX)["HX-Redirect"]
