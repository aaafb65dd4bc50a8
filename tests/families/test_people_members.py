"""A family admin invites another member of the family, where a manager allowed it."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from families.models import Family, Grant
from portal.accounts.models import Invitation, Role, User
from portal.audit.models import Entry
from portal.web.presses import new_press
from tests.factories import (
    PASSWORD,
    AuditorFactory,
    FamilyAdminFactory,
    GrantFactory,
    InvitedFactory,
    ManagerFactory,
    MemberFactory,
)
from tests.families.peopling import address, everything, link_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(client) -> Grant:
    """Theirs, who is signed in: a manager lets them invite, until in nine days."""
    held = GrantFactory(may_invite=True, ends_at=timezone.now() + timedelta(days=9))
    client.force_login(held.person)
    return held


@pytest.fixture
def member(grant):
    return MemberFactory(
        family=grant.family, first_name="Ana", last_name="Lima", email="Ana@Household.example"
    )


def invite(client, grant, member, *, token: str = ""):
    token = token or new_press(grant.person.pk, f"invite-member:{member.public_id}")
    return client.post(address("person_invite_member", grant.family, member), {"press": token})


def page(client, grant) -> str:
    return client.get(f"/families/{grant.family.public_id}/").text


class TestInviting:
    def test_the_member_joins_and_looks_after_that_family_alone(self, client, grant, member):
        assert address("person_invite_member", grant.family, member) in page(client, grant)
        answer = invite(client, grant, member)
        assert answer.status_code == 302
        person = User.objects.get(email="ana@household.example")
        assert (person.role, person.name, person.is_active) == (Role.FAMILY_ADMIN, "Ana Lima", False)
        given = Grant.objects.get(person=person)
        assert (given.family, given.member, given.may_invite) == (grant.family, member, False)
        assert given.ends_at == grant.ends_at
        assert timezone.now() - given.starts_at < timedelta(minutes=1)
        [message] = mail.outbox
        assert message.to == ["ana@household.example"]
        joined = {"name": "Ana", "password": PASSWORD, "again": PASSWORD, "time_zone": "UTC"}
        theirs = Client()
        assert theirs.post(link_in(message.body), joined).status_code == 302
        assert list(Family.objects.visible_to(User.objects.get(pk=person.pk))) == [grant.family]
        assert "In Gatehouse" not in page(theirs, grant)
        assert "Ana Lima was invited to Gatehouse" in client.get(answer["Location"]).text
        told = Entry.objects.filter(actor=grant.person).exclude(event__startswith="person.sign_")
        assert [entry.event for entry in told.order_by("number")] == ["person.invite", "grant.begin"]

    def test_a_repeat_of_the_press_sends_nothing_more(self, client, grant, member):
        token = new_press(grant.person.pk, f"invite-member:{member.public_id}")
        for _ in range(3):
            assert invite(client, grant, member, token=token).status_code == 302
        assert len(mail.outbox) == 1

    def test_nobody_is_flooded_with_invitations(self, client, grant, member):
        answers = [invite(client, grant, member) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [302] * 4 + [422] * 2
        assert "Wait a quarter of an hour" in answers[-1].text
        assert len(mail.outbox) == 4
        assert Invitation.objects.open().get().email == "ana@household.example"

    def test_pressed_again_another_link_goes_out_until_they_have_joined(self, client, grant, member):
        for _ in range(2):
            invite(client, grant, member)
        assert len(mail.outbox) == 2
        assert Invitation.objects.open().count() == 1
        assert Grant.objects.count() == 2

    def test_where_no_mail_leaves_the_link_is_shown(self, client, grant, member, settings, capsys):
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        answer = invite(client, grant, member)
        assert Client().get(link_in(answer.text)).status_code == 200

    def test_a_mail_that_fails_is_told(self, client, grant, member, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        invite(client, grant, member)
        assert "the mail could not be sent" in page(client, grant)

    def test_a_family_admin_of_another_family_gets_this_one_too(self, client, grant, member):
        other = GrantFactory(person=FamilyAdminFactory(email=member.email.lower()))
        invite(client, grant, member)
        assert not mail.outbox
        assert set(Family.objects.visible_to(other.person)) == {other.family, grant.family}
        assert "looks after this family now" in page(client, grant)

    def test_the_page_says_who_is_there_already(self, client, grant, member):
        invite(client, grant, member)
        text = page(client, grant)
        assert address("person_invite_member", grant.family, member) not in text
        assert "Invited" in text


class TestWhoCannotBeInvited:
    @pytest.mark.parametrize(
        "make",
        [
            lambda email: ManagerFactory(email=email),
            lambda email: AuditorFactory(email=email),
            lambda email: FamilyAdminFactory(email=email, is_active=False),
            lambda email: InvitedFactory(email=email),
        ],
    )
    def test_who_is_something_else_already(self, client, grant, member, make):
        make(member.email.lower())
        before = everything()
        assert invite(client, grant, member).status_code == 422
        assert everything() == before

    def test_whom_a_manager_invited_with_more(self, client, grant, member):
        invited = InvitedFactory(email=member.email.lower(), role=Role.FAMILY_ADMIN)
        GrantFactory(person=invited, family=grant.family, may_invite=True)
        before = everything()
        assert invite(client, grant, member).status_code == 422
        assert everything() == before

    @pytest.mark.parametrize("email", ["", "nonsense", "a@b.example, c@d.example", "a" * 300 + "@b.example"])
    def test_who_has_no_address(self, client, grant, email):
        member = MemberFactory(family=grant.family, email=email)
        before = everything()
        assert invite(client, grant, member).status_code == 422
        assert everything() == before

    def test_oneself(self, client, grant):
        mine = MemberFactory(family=grant.family, email=grant.person.email)
        assert invite(client, grant, mine).status_code == 422
        assert address("person_invite_member", grant.family, mine) not in page(client, grant)

    def test_members_of_other_families_and_those_who_left(self, client, grant, member):
        elsewhere = MemberFactory()
        gone = MemberFactory(family=grant.family, gone_at=timezone.now())
        before = everything()
        assert invite(client, grant, elsewhere).status_code == 404
        assert invite(client, grant, gone).status_code == 404
        assert client.post(address("person_invite_member", elsewhere.family, elsewhere)).status_code == 404
        assert client.post(address("person_invite_member", elsewhere.family, member)).status_code == 404
        assert everything() == before

    def test_with_a_token_of_another_member(self, client, grant, member):
        other = MemberFactory(family=grant.family)
        token = new_press(grant.person.pk, f"invite-member:{other.public_id}")
        assert invite(client, grant, member, token=token).status_code == 422
        assert not Invitation.objects.exists()


class TestWhoMayNot:
    @pytest.mark.parametrize(
        "held",
        [
            {"may_invite": False},
            {"may_invite": True, "ends_at": timezone.now() - timedelta(days=1)},
            {"may_invite": True, "starts_at": timezone.now() + timedelta(days=900)},
            {"may_invite": True, "suspended_at": timezone.now()},
        ],
    )
    def test_without_the_right_in_that_family_now(self, client, held):
        elsewhere = GrantFactory(may_invite=True)
        grant = GrantFactory(person=elsewhere.person, **held)
        client.force_login(grant.person)
        member = MemberFactory(family=grant.family)
        before = everything()
        assert invite(client, grant, member).status_code in {403, 404}
        assert everything() == before
        assert "portal-invitations" not in page(client, grant)

    @pytest.mark.parametrize("factory", [ManagerFactory, AuditorFactory])
    def test_another_role(self, client, grant, member, factory):
        client.force_login(factory())
        assert invite(client, grant, member).status_code == 403

    def test_unsigned(self, grant, member):
        assert invite(Client(), grant, member)["Location"].startswith("/account/login/")


def test_a_manager_sees_who_looks_after_a_family_and_invites_on_their_own_page(client):
    grant = GrantFactory(person__name="Eve Lima")
    client.force_login(ManagerFactory())
    text = page(client, grant)
    assert address("person_detail", grant.person) in text
    assert address("person_invite", family=grant.family.public_id) in text
    client.force_login(AuditorFactory())
    assert "Eve Lima" not in page(client, grant)
