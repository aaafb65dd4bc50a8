"""One person's page: what is changed, by whom, and what is refused."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from families.models import Family, Grant, PropertyLimit
from families.scope import visible_people
from portal.accounts import joining
from portal.accounts.models import Role, User
from portal.accounts.people import verify_address
from portal.audit.models import Entry
from tests.factories import (
    PASSWORD,
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    InvitedFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses, token_in
from tests.families.peopling import address, everything, link_in

pytestmark = pytest.mark.django_db
ACTIONS = (
    "person_invite_again",
    "person_revoke",
    "person_switch_off",
    "person_switch_on",
    "person_reset_factor",
)


def sign_in(client: Client, person: User) -> None:
    """By the password, just now: what asks for a recent sign-in finds one."""
    verify_address(person)
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})


def events() -> list[str]:
    told = Entry.objects.exclude(event__startswith="person.sign_").exclude(event="access.denied")
    return list(told.order_by("number").values_list("event", flat=True))


def press(client, person: User) -> str:
    return token_in(client.get(address("person_detail", person)).text)


class TestPage:
    def test_it_says_what_they_are_and_reach(self, client, manager):
        limit = PropertyLimitFactory(person__name="Bea", property__name="Tower A")
        page = client.get(address("person_detail", limit.person)).text
        for word in (
            "<html",
            "Bea",
            limit.person.email,
            "Property manager",
            "Tower A",
            "Joined",
            "Switch off",
        ):
            assert word in page

    def test_the_fragment_is_the_person_alone(self, client, manager):
        text = client.get(address("person_detail", AuditorFactory()), headers=HTMX).text
        assert "<html" not in text
        assert 'id="person-detail"' in text

    def test_a_family_admin_with_their_families(self, client, manager):
        grant = GrantFactory(family__name="Casa Lima", may_invite=True)
        page = client.get(address("person_detail", grant.person)).text
        for word in ("Casa Lima", "May invite other members", "no end", "Change days", "Give families"):
            assert word in page

    def test_one_sees_oneself_and_changes_nothing(self, client, manager):
        page = client.get(address("person_detail", manager)).text
        assert "This is you" in page
        for word in ("Switch off", "Change role", "Take it away"):
            assert word not in page

    def test_the_number_of_queries_stays_the_same(self, client, manager, django_assert_num_queries):
        person = GrantFactory().person
        client.get(address("person_detail", person))
        # Session and person, who it is, limits, grants, whom they invited, sessions, second factors, families,
        # properties, link, rights.
        with django_assert_num_queries(12):
            client.get(address("person_detail", person))
        for grant in GrantFactory.create_batch(12, person=person):
            joining.issue(GrantFactory(family=grant.family).person, sent_by=person)
        with django_assert_num_queries(12):
            client.get(address("person_detail", person))


class TestInvitedOnes:
    def test_another_link_makes_the_first_a_dead_one(self, client, manager):
        person = InvitedFactory()
        _, first = joining.issue(person, sent_by=manager)
        token = press(client, person)
        for _ in range(2):
            answer = client.post(address("person_invite_again", person), {"press": token})
            assert answer.status_code == 302
        assert len(mail.outbox) == 1
        assert client.get(first.removeprefix("http://127.0.0.1:8000")).status_code == 404
        assert Client().get(link_in(mail.outbox[0].body)).status_code == 200
        assert events() == ["person.invite_again"]

    def test_taken_back_they_are_gone_and_may_be_invited_anew(self, client, manager):
        grant = GrantFactory(person=InvitedFactory(role=Role.FAMILY_ADMIN))
        person, email = grant.person, grant.person.email
        _, link = joining.issue(person, sent_by=manager)
        answer = client.post(address("person_revoke", person))
        assert answer["Location"] == address("person_list")
        assert "is taken back" in client.get(answer["Location"]).text
        assert not User.objects.filter(email=email).exists()
        assert not Grant.objects.exists()
        assert Client().get(link.removeprefix("http://127.0.0.1:8000")).status_code == 404
        told = Entry.objects.get(event="person.invite_revoke")
        assert (told.object_id, told.object_name) == (person.public_id, email)

    @pytest.mark.parametrize("action", ["person_invite_again", "person_revoke"])
    def test_who_has_joined_has_no_invitation(self, client, manager, action):
        person = AuditorFactory()
        token = press(client, InvitedFactory())
        before = everything()
        answer = client.post(address(action, person), {"press": token})
        assert answer.status_code == 422
        assert everything() == before
        assert events() == []

    def test_they_are_neither_switched_off_nor_on(self, client, manager):
        person = InvitedFactory()
        for action in ("person_switch_off", "person_switch_on"):
            answer = client.post(address(action, person))
            assert answer.status_code == 422
            assert "has not joined yet" in answer.text
        assert events() == []


class TestSwitching:
    def test_off_signs_them_out_at_once_and_on_lets_them_in_again(self, client, manager):
        person = AuditorFactory(name="Ana")
        theirs = Client()
        sign_in(theirs, person)
        assert theirs.get("/audit/").status_code == 200

        answer = client.post(address("person_switch_off", person))

        assert "Ana is switched off" in client.get(answer["Location"]).text
        assert theirs.get("/audit/").status_code == 302
        sign_in(theirs, person)
        assert theirs.get("/audit/").status_code == 302
        client.post(address("person_switch_on", person))
        assert theirs.get("/audit/").status_code == 302
        sign_in(theirs, person)
        assert theirs.get("/audit/").status_code == 200
        assert [event for event in events() if "switch" in event] == ["person.switch_off", "person.switch_on"]

    def test_a_sign_in_that_ended_too_late_does_not_wake_up_with_them(self, client, manager):
        person = AuditorFactory()
        client.post(address("person_switch_off", person))
        late = Client()
        late.force_login(person)
        key = late.session.session_key
        UserSession.objects.create(user=person, session_key=key, ip="192.0.2.1", user_agent="Firefox")
        client.post(address("person_switch_on", person))
        assert late.get("/audit/").status_code == 302

    def test_with_htmx_the_page_changes_in_place(self, client, manager):
        answer = client.post(address("person_switch_off", AuditorFactory()), headers=HTMX)
        assert answer.text.count('id="person-detail"') == 1
        assert "Switch on" in answer.text
        assert 'hx-swap-oob="innerHTML:#notices"' in answer.text

    def test_twice_is_once(self, client, manager):
        person = AuditorFactory()
        for _ in range(2):
            assert client.post(address("person_switch_off", person)).status_code == 302
        assert events() == ["person.switch_off"]

    def test_without_a_trail_nobody_is_switched_off(self, client, manager):
        person = AuditorFactory()
        client.raise_request_exception = False
        with a_trail_that_refuses():
            assert client.post(address("person_switch_off", person)).status_code >= 500
        person.refresh_from_db()
        assert person.is_active

    def test_a_second_factor_is_taken_away_by_who_signed_in_just_now(self, client):
        sign_in(client, ManagerFactory())
        person = AuditorFactory()
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
        assert "Take it away" in client.get(address("person_detail", person)).text
        assert client.post(address("person_reset_factor", person)).status_code == 302
        assert not Authenticator.objects.exists()
        assert "person.second_factor_reset" in Entry.objects.values_list("event", flat=True)


class TestRole:
    def test_a_family_admin_becomes_a_limited_auditor(self, client, manager):
        grant = GrantFactory()
        tower = PropertyFactory()
        answer = client.post(
            address("person_change", grant.person),
            {"role": "auditor", "reach": "some", "property": tower.public_id, "name": "Ana"},
        )
        assert answer.status_code == 302
        person = User.objects.get(pk=grant.person.pk)
        assert (person.role, person.is_limited, person.name) == (Role.AUDITOR, True, "Ana")
        assert PropertyLimit.objects.get().property == tower
        assert not Grant.objects.now().exists()
        assert events() == ["person.change", "grant.end"]
        told = Entry.objects.get(event="person.change")
        assert '"before"' in told.parameters
        assert tower.name in told.parameters

    def test_a_manager_becomes_a_family_admin_of_given_families(self, client, manager):
        limit, family = PropertyLimitFactory(), FamilyFactory()
        client.post(
            address("person_change", limit.person), {"role": "family_admin", "family": family.public_id}
        )
        person = User.objects.get(pk=limit.person.pk)
        assert list(Family.objects.visible_to(person)) == [family]
        assert not PropertyLimit.objects.exists()

    def test_it_holds_at_the_next_request(self, client, manager):
        person = AuditorFactory()
        theirs = Client()
        theirs.force_login(person)
        assert theirs.get("/audit/").status_code == 200
        family = FamilyFactory()
        client.post(address("person_change", person), {"role": "family_admin", "family": family.public_id})
        assert theirs.get("/audit/").status_code == 403

    def test_a_family_admin_who_stays_one_keeps_their_families(self, client, manager):
        grant = GrantFactory()
        client.post(address("person_change", grant.person), {"role": "family_admin", "name": "Eve"})
        assert list(Family.objects.visible_to(User.objects.get(name="Eve"))) == [grant.family]
        assert events() == ["person.change"]

    def test_nothing_changed_is_on_no_trail(self, client, manager):
        person = AuditorFactory(name="Ana")
        client.post(
            address("person_change", person), {"role": "auditor", "reach": "everything", "name": "Ana"}
        )
        assert events() == []

    def test_another_role_makes_the_link_a_dead_one(self, client, manager):
        person = InvitedFactory()
        _, link = joining.issue(person, sent_by=manager)
        client.post(address("person_change", person), {"role": "auditor", "reach": "everything"})
        assert Client().get(link.removeprefix("http://127.0.0.1:8000")).status_code == 404
        assert "Link is dead" in client.get(address("person_detail", person)).text

    def test_the_form_is_filled_with_what_they_are(self, client, manager):
        limit = PropertyLimitFactory(person__role=Role.AUDITOR)
        page = client.get(address("person_change", limit.person)).text
        assert 'value="auditor" id="id_role_2" checked' in page.replace(" required", "")
        assert f'value="{limit.property.public_id}" checked' in page

    @pytest.mark.parametrize(
        ("fields", "place"),
        [
            ({"role": "owner"}, "id_role_error"),
            ({"role": "manager"}, "id_reach_error"),
            ({"role": "auditor", "reach": "some"}, "property-error"),
            ({"role": "family_admin"}, "family-error"),
            ({"role": "auditor", "reach": "everything", "name": "x" * 101}, "id_name_error"),
        ],
    )
    def test_what_cannot_be_is_said_beside_the_field(self, client, manager, fields, place):
        person = AuditorFactory()
        before = everything()
        answer = client.post(address("person_change", person), fields)
        assert answer.status_code == 422
        assert f'id="{place}"' in answer.text
        assert everything() == before

    def test_the_last_manager_of_everything_stays_one(self, client):
        only, limited = ManagerFactory(), PropertyLimitFactory().person
        ManagerFactory(is_active=False)
        # Nobody but themselves could, and nobody may change themselves.
        sign_in(client, only)
        for name in ACTIONS:
            assert client.post(address(name, only), {"press": "x"}).status_code == 403
        assert (
            client.post(
                address("person_change", only), {"role": "auditor", "reach": "everything"}
            ).status_code
            == 403
        )
        only.refresh_from_db()
        assert (only.role, only.is_active) == (Role.MANAGER, True)
        assert only not in visible_people(limited)


class TestWhoMayNot:
    @pytest.fixture
    def people(self):
        """One in each state, all beyond a limited manager's reach."""
        GrantFactory(family__property=PropertyFactory())
        return [
            AuditorFactory(),
            InvitedFactory(),
            ManagerFactory(is_active=False),
            Grant.objects.get().person,
        ]

    def requests(self, person):
        family = Grant.objects.get().family
        yield address("person_detail", person), "get"
        for name in ("person_change", "grant_begin"):
            yield address(name, person), "get"
            yield address(name, person), "post"
        for name in ACTIONS:
            yield address(name, person), "post"
        for name in ("grant_change", "grant_end"):
            yield address(name, person, family), "post"

    @pytest.mark.parametrize("factory", [AuditorFactory, FamilyAdminFactory])
    def test_auditors_and_family_admins(self, client, people, factory):
        client.force_login(factory())
        before = everything()
        for person in people:
            for where, method in self.requests(person):
                assert getattr(client, method)(where).status_code == 403, where
        assert everything() == before

    def test_a_limited_manager_beyond_their_properties(self, client, people):
        sign_in(client, PropertyLimitFactory().person)
        before = everything()
        for person in people:
            for where, method in self.requests(person):
                assert getattr(client, method)(where).status_code == 404, where
        assert everything() == before
        assert events() == []

    def test_a_limited_manager_on_themselves(self, client):
        limit = PropertyLimitFactory()
        sign_in(client, limit.person)
        grant = GrantFactory(family__property=limit.property)
        before = everything()
        assert client.get(address("person_detail", limit.person)).status_code == 200
        for where, method in self.requests(limit.person):
            if where != address("person_detail", limit.person):
                assert getattr(client, method)(where).status_code == 403, where
        assert everything() == before
        assert client.post(address("person_switch_off", grant.person)).status_code == 302

    def test_a_limited_manager_gives_nobody_more_than_they_have(self, client):
        limit = PropertyLimitFactory()
        person = PropertyLimitFactory(property=limit.property).person
        other = PropertyFactory()
        client.force_login(limit.person)
        before = everything()
        change = address("person_change", person)
        assert client.post(change, {"role": "manager", "reach": "everything"}).status_code == 422
        fields = {"role": "manager", "reach": "some", "property": [limit.property.public_id, other.public_id]}
        assert client.post(change, fields).status_code == 404
        assert everything() == before

    def test_nobody_without_signing_in(self, client, people):
        for where, method in self.requests(people[0]):
            answer = getattr(client, method)(where)
            assert answer.status_code == 302
            assert answer["Location"].startswith("/account/login/")
