"""Inviting somebody into a family: one press, one invitation, and words that are true."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import FamilyInvitation
from families.services import invitations
from families.services.invitations import AlreadyInvited, AlreadyMember
from portal.audit.models import Command, Entry, State
from portal.web.presses import PressInvalid, new_press
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyInvitationFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
)
from tests.families.asking import ANNA, INVITE, invite, invite_address
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db


class TestInviting:
    @pytest.mark.parametrize(("auth", "rights"), [("guest", "member"), ("user", "administrator")])
    def test_a_manager_invites_and_the_trail_tells_it(self, client, simulator, family, auth, rights):
        manager = ManagerFactory(name="Marta")

        answer = invite(client, manager, family, f" {ANNA} ", auth)

        assert answer.status_code == 200
        assert '<div class="member-invite" id="member-invite">' in answer.text
        assert f"{ANNA} was invited as {rights}." in answer.text
        assert 'hx-swap-oob="innerHTML:#notices"' in answer.text
        assert 'id="family-invitations" hx-swap-oob="true"' in answer.text
        assert answer["HX-Trigger"] == "member-invited"
        [sent] = simulator.journal(INVITE)
        assert sent["param"] == {"residence_id": family.residence_id, "email": ANNA, "auth": auth}
        assert sent["executed"]
        invitation = FamilyInvitation.objects.get()
        assert (invitation.family, invitation.email, invitation.auth) == (family, ANNA, auth)
        assert (invitation.sent_by, invitation.command.state) == (manager, State.SUCCEEDED)
        steps = Entry.objects.filter(event="member.invite").order_by("number")
        assert list(steps.values_list("phase", "outcome", "object_name")) == [
            ("intent", "", ANNA),
            ("sent", "", ANNA),
            ("outcome", "succeeded", ANNA),
        ]
        assert holds()

    def test_without_a_script_one_comes_back_to_the_page(self, client, simulator, family):
        answer = invite(client, ManagerFactory(), family, headers={})

        assert answer.status_code == 302
        page = client.get(answer["Location"]).text
        assert f"{ANNA} was invited as member." in page
        assert "Not joined yet" in page

    def test_without_a_script_the_notice_has_the_shape_of_what_happened(self, client, simulator, family):
        simulator.fault(INVITE, "reset_after")

        answer = invite(client, ManagerFactory(), family, headers={})

        assert answer.status_code == 502
        [_, notice, *_] = answer.text[answer.text.index('id="notices"') :].split('<div class="notice ')
        assert notice.startswith('notice--unknown"')
        assert "may have been sent" in notice

    def test_a_repeat_of_the_press_sends_nothing_more(self, client, simulator, family):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"invite:{family.public_id}")

        answers = [invite(client, manager, family, press=token) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert f"{ANNA} was invited" in answers[1].text
        assert len(simulator.journal(INVITE)) == 1
        assert FamilyInvitation.objects.count() == 1

    def test_a_press_that_invited_one_is_not_good_for_another(self, client, simulator, family):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"invite:{family.public_id}")
        invite(client, manager, family, press=token)

        answer = invite(client, manager, family, "ben@example.org", press=token)

        assert answer.status_code == 422
        assert "too old" in answer.text
        assert 'value="ben@example.org"' in answer.text
        assert len(simulator.journal(INVITE)) == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_presses_at_once_are_one_invitation(simulator, family):
    manager = ManagerFactory()
    token = new_press(manager.pk, f"invite:{family.public_id}")
    gate = threading.Barrier(20)
    clients = []
    for _ in range(20):
        client = Client()
        client.force_login(manager)
        clients.append(client)

    def press(client: Client) -> int:
        gate.wait()
        try:
            return invite(client, manager, family, press=token).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(press, clients))

    assert len(simulator.journal(INVITE)) == 1
    assert FamilyInvitation.objects.count() == 1
    # Those that came while it was on its way were told so; none was told of a failure, nor asked.
    assert set(answers) == {200}


@pytest.mark.django_db(transaction=True)
def test_an_outcome_that_cannot_be_written_down_is_called_unknown(client, simulator, family):
    manager = ManagerFactory()
    client.force_login(manager)
    with a_trail_that_refuses("outcome"):
        answer = invite(client, manager, family)

    assert answer.status_code == 502
    assert f"The invitation to {ANNA} may have been sent." in answer.text
    assert Command.objects.get().state == State.SENT
    assert len(simulator.journal(INVITE)) == 1


class TestAsking:
    def test_somebody_in_the_family_is_not_invited(self, client, simulator, family):
        MemberFactory(family=family, first_name="Anna", last_name="Reis", email="Anna@Example.ORG")

        answer = invite(client, ManagerFactory(), family)

        assert answer.status_code == 422
        assert "Anna Reis is in this family already" in answer.text
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_somebody_who_left_may_be_invited_again(self, client, simulator, family):
        MemberFactory(family=family, email=ANNA, gone_at=timezone.now())

        assert invite(client, ManagerFactory(), family).status_code == 200

    def test_a_second_invitation_is_asked_about_first(self, client, simulator, family):
        manager = ManagerFactory()
        invite(client, manager, family)

        asked = invite(client, manager, family, ANNA.upper(), "user")

        assert asked.status_code == 422
        assert "has not joined yet" in asked.text
        assert f'name="confirmed" id="id_confirmed" value="{ANNA}"' in asked.text
        assert f'value="{ANNA.upper()}"' in asked.text
        assert len(simulator.journal(INVITE)) == 1
        answer = invite(client, manager, family, ANNA, "user", press=token_in(asked.text), confirmed=ANNA)
        assert answer.status_code == 200
        assert len(simulator.journal(INVITE)) == 2

    def test_an_answer_for_one_address_is_none_for_another(self, client, simulator, family):
        FamilyInvitationFactory(family=family, email="ben@example.org")

        answer = invite(client, ManagerFactory(), family, "ben@example.org", confirmed=ANNA)

        assert answer.status_code == 422
        assert simulator.journal(INVITE) == []

    def test_one_that_may_have_been_sent_is_asked_about_too(self, client, simulator, family):
        FamilyInvitationFactory(family=family, email=ANNA, command__state=State.UNKNOWN)

        answer = invite(client, ManagerFactory(), family)

        assert answer.status_code == 422
        assert "may be out already" in answer.text
        assert simulator.journal(INVITE) == []

    @pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
    def test_one_that_never_went_out_is_no_reason_to_ask(self, client, simulator, family, state):
        FamilyInvitationFactory(family=family, email=ANNA, command__state=state)

        assert invite(client, ManagerFactory(), family).status_code == 200

    def test_one_from_before_the_grant_is_not_betrayed(self, client, simulator, family):
        grant = GrantFactory(family=family)
        FamilyInvitationFactory(family=family, email=ANNA, sent_at=grant.starts_at - timedelta(days=30))

        answer = invite(client, grant.person, family)

        assert answer.status_code == 200
        assert answer.text.count('<li class="invitation">') == 1


class TestForm:
    def test_the_form_is_a_fragment(self, client, simulator, family):
        client.force_login(ManagerFactory())

        answer = client.get(invite_address(family), headers=HTMX).text

        assert '<div class="member-invite" id="member-invite">' in answer
        assert "csrfmiddlewaretoken" in answer
        assert 'value="guest"' in answer
        assert 'value="user"' in answer
        assert 'value="admin"' not in answer
        assert "<html" not in answer

    @pytest.mark.parametrize(
        ("email", "words"),
        [
            ("", "Type the e-mail address"),
            ("   ", "no e-mail address"),
            ("anna", "no e-mail address"),
            ("anna@", "no e-mail address"),
            ("anna@example.org\nbcc: all@example.org", "on one line"),
            ("anna@example.org\r\nben@example.org", "on one line"),
            ("anna@example.org\n", "line break"),
            ("anna@example.org, ben@example.org", "Type one address"),
            ("anna@example.org;ben@example.org", "Type one address"),
            ("anna@example.org ben@example.org", "Type one address"),
            ("Anna <anna@example.org>", "Type one address"),
            ("an\u200bna@example.org", "ZERO WIDTH SPACE"),
            ("anna@exa\u202emple.org", "RIGHT-TO-LEFT OVERRIDE"),
            ("a\0@example.org", "NULL"),
            ("a" * 10_000 + "@example.org", "at most 254 characters; this one has 10,012"),
            ("=cmd|'/c'!A1@example", "no e-mail address"),
            ("anna@example..org", "no e-mail address"),
            ("\u212aarl@example.org", "KELVIN SIGN"),
            ("anna@\uff45xample.org", "FULLWIDTH LATIN SMALL LETTER E"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_what_is_no_address_is_said_beside_the_field(
        self, client, simulator, family, email, words, headers
    ):
        answer = invite(client, ManagerFactory(), family, email, "user", headers=headers)

        assert answer.status_code == 422
        assert words in answer.text
        assert 'id="id_email_error"' in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_what_was_typed_is_kept(self, client, simulator, family):
        answer = invite(client, ManagerFactory(), family, "anna@@example", "user")

        assert 'value="anna@@example"' in answer.text
        assert re.search(r'value="user"[^>]* checked', answer.text)

    @pytest.mark.parametrize("auth", ["admin", "", "owner", "USER", "guest\0", "x" * 10_000])
    def test_no_other_right_can_be_given(self, client, simulator, family, auth):
        answer = invite(client, ManagerFactory(), family, auth=auth)

        assert answer.status_code == 422
        assert 'id="id_auth_error"' in answer.text
        assert "Choose member or administrator" in answer.text
        assert f'value="{ANNA}"' in answer.text
        assert simulator.journal() == []

    @pytest.mark.parametrize("token", ["forged", "a:b:c", "x" * 5_000])
    def test_a_forged_press_asks_again(self, client, simulator, family, token):
        answer = invite(client, ManagerFactory(), family, press=token)

        assert answer.status_code == 422
        assert "too old" in answer.text
        assert simulator.journal() == []

    def test_a_form_without_a_token_asks_again(self, client, simulator, family):
        client.force_login(ManagerFactory())

        answer = client.post(invite_address(family), {"email": ANNA, "auth": "guest"}, headers=HTMX)

        assert answer.status_code == 422
        assert simulator.journal() == []

    def test_it_wants_the_token_of_the_session(self, simulator, family):
        manager = ManagerFactory()
        client = Client(enforce_csrf_checks=True)

        assert invite(client, manager, family).status_code == 403
        assert simulator.journal() == []


class TestWhoMay:
    @pytest.mark.parametrize("auth", ["guest", "user"])
    def test_a_family_admin_invites_into_their_own(self, client, simulator, family, auth):
        assert invite(client, GrantFactory(family=family).person, family, auth=auth).status_code == 200
        assert len(simulator.journal(INVITE)) == 1

    def test_another_family_is_a_404_and_nothing_is_sent(self, client, simulator, family):
        person = GrantFactory().person

        assert invite(client, person, family).status_code == 404
        assert client.get(invite_address(family), headers=HTMX).status_code == 404
        assert simulator.journal() == []

    def test_an_auditor_may_not(self, client, simulator, family):
        assert invite(client, AuditorFactory(), family).status_code == 403
        assert client.get(invite_address(family)).status_code == 403
        assert simulator.journal() == []

    def test_nobody_may_without_signing_in(self, client, simulator, family):
        assert client.post(invite_address(family), {}).status_code == 302
        assert client.post(invite_address(family), {}, headers=HTMX)["HX-Redirect"] == reverse(
            "account_login"
        )
        assert simulator.journal() == []

    def test_the_service_checks_again(self, simulator, family):
        for person in (AuditorFactory(), GrantFactory().person, ManagerFactory(is_active=False)):
            with pytest.raises(PermissionDenied):
                invitations.invite_member(person, family=family, email=ANNA, auth="guest", press="p")
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_the_service_asks_too(self, simulator, family):
        manager = ManagerFactory()
        member = MemberFactory(family=family, email="ben@example.org")
        invitations.invite_member(manager, family=family, email=ANNA, auth="guest", press="1")

        with pytest.raises(AlreadyInvited):
            invitations.invite_member(manager, family=family, email=ANNA, auth="guest", press="2")
        with pytest.raises(AlreadyMember):
            invitations.invite_member(manager, family=family, email=member.email, auth="guest", press="3")
        with pytest.raises(PressInvalid):
            invitations.invite_member(manager, family=family, email="cid@example.org", auth="user", press="1")
        assert len(simulator.journal(INVITE)) == 1
