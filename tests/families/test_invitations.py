"""Invitations after they were sent: who waits, sending again, forgetting, and joining at last."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from families.models import FamilyInvitation
from families.services import invitations
from families.services.invitations import NotWaiting
from portal.audit.models import Entry, State
from portal.web.presses import new_press
from tests.factories import (
    AuditorFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
)
from tests.families.asking import ANNA, INVITE
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db


def address(what, invitation) -> str:
    return reverse(f"families:invitation_{what}", args=[invitation.family.public_id, invitation.public_id])


def page_of(client, family) -> str:
    return client.get(reverse("families:family_detail", args=[family.public_id])).text


def send(client, user, invitation, *, press="", headers=HTMX, **more):
    token = press or new_press(user.pk, f"invite-again:{invitation.public_id}")
    return client.post(address("send", invitation), {"press": token, **more}, headers=headers)


def mark(client, what, invitation, *, headers=HTMX, **more):
    return client.post(address(what, invitation), more, headers=headers)


@pytest.fixture
def sent(family, manager) -> FamilyInvitation:
    """Sent ten days ago, and nobody joined."""
    return FamilyInvitationFactory(
        family=family, email=ANNA, auth="user", sent_by=manager, sent_at=timezone.now() - timedelta(days=10)
    )


class TestWhatThePageSays:
    def test_who_sent_it_when_and_for_how_long_it_waits(self, client, manager, sent):
        page = page_of(client, sent.family)

        for words in (ANNA, "Marta Reis", "waiting for 10 days", "Administrator", "Not joined yet"):
            assert words in page
        assert "status--warn" in page

    def test_one_of_today_is_no_trouble_yet(self, client, manager, sent):
        sent.sent_at = timezone.now()
        sent.save()

        page = page_of(client, sent.family)

        assert "status--warn" not in page.split('id="family-invitations"')[1]
        assert "waiting for" not in page

    def test_one_that_may_have_been_sent_says_to_ask_first(self, client, manager, sent):
        sent.command.state = State.UNKNOWN
        sent.command.save()

        page = page_of(client, sent.family)

        assert "May have been sent" in page
        assert "ask before sending another" in page
        assert "Nobody knows whether the first was sent. Ask them before you send another." in page

    def test_one_on_its_way_can_be_neither_sent_nor_forgotten(self, client, manager, sent):
        sent.command.state = State.SENT
        sent.command.save()

        page = page_of(client, sent.family)

        assert "On its way" in page
        assert address("send", sent) not in page
        assert send(client, manager, sent).status_code == 422

    def test_a_family_that_is_gone_offers_nothing(self, client, manager, sent):
        sent.family.gone_at = timezone.now()
        sent.family.save()

        page = page_of(client, sent.family)

        assert ANNA in page
        assert address("send", sent) not in page
        assert address("forget", sent) not in page


class TestSendingAgain:
    def test_it_is_a_command_of_its_own_and_the_first_stays_on_record(self, client, manager, simulator, sent):
        answer = send(client, manager, sent)

        assert answer.status_code == 200
        assert f"{ANNA} was invited as administrator." in answer.text
        [command] = simulator.journal(INVITE)
        assert command["param"] == {"residence_id": sent.family.residence_id, "email": ANNA, "auth": "user"}
        first, second = FamilyInvitation.objects.order_by("pk")
        assert (first, first.accepted_at, first.forgotten_at) == (sent, None, None)
        assert (second.email, second.auth, second.sent_by) == (ANNA, "user", manager)
        assert first.command_id != second.command_id
        # Of the two the page shows the last.
        assert answer.text.count('<li class="invitation">') == 1
        assert "waiting for" not in answer.text
        steps = Entry.objects.filter(event="member.invite").order_by("number")
        assert list(steps.values_list("phase", "object_name", "actor_name")) == [
            ("intent", ANNA, "Marta Reis"),
            ("sent", ANNA, "Marta Reis"),
            ("outcome", ANNA, "Marta Reis"),
        ]

    def test_a_repeat_of_the_press_sends_nothing_more(self, client, manager, simulator, sent):
        token = token_in(page_of(client, sent.family).split('id="family-invitations"')[1])

        answers = [send(client, manager, sent, press=token) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert len(simulator.journal(INVITE)) == 1

    @pytest.mark.parametrize("token", ["forged", "", "x" * 5_000])
    def test_without_a_press_of_this_invitation_nothing_is_sent(
        self, client, manager, simulator, sent, token
    ):
        answer = client.post(address("send", sent), {"press": token}, headers=HTMX)

        assert answer.status_code == 422
        assert "too old" in answer.text
        assert simulator.journal() == []

    def test_without_a_script_one_comes_back_to_where_one_was(self, client, manager, simulator, sent):
        answer = send(client, manager, sent, headers={}, back="/invitations/?age=7")
        elsewhere = send(client, manager, sent, headers={}, back="https://elsewhere.example/")

        assert (answer.status_code, answer["Location"]) == (302, "/invitations/?age=7")
        assert elsewhere["Location"].startswith(
            reverse("families:family_detail", args=[sent.family.public_id])
        )
        assert f"{ANNA} was invited as administrator." in client.get(answer["Location"]).text

    def test_who_is_a_member_by_now_is_not_invited_again(self, client, manager, simulator, sent):
        MemberFactory(family=sent.family, email=ANNA.upper(), first_name="Anna", last_name="Lima")

        answer = send(client, manager, sent)

        assert answer.status_code == 422
        assert "Anna Lima is in this family already. Nothing was sent." in answer.text.replace("</b>", " ")
        assert simulator.journal() == []

    @pytest.mark.parametrize("field", ["accepted_at", "forgotten_at"])
    def test_what_changed_since_the_page_was_opened_is_said(self, client, manager, simulator, sent, field):
        FamilyInvitation.objects.update(**{field: timezone.now()})

        answer = send(client, manager, sent)

        assert answer.status_code == 422
        assert "was changed since the page was opened" in answer.text
        assert simulator.journal() == []

    def test_without_an_answer_it_may_have_been_sent(self, client, manager, simulator, sent):
        simulator.fault(INVITE, "reset_after")

        answer = send(client, manager, sent)

        assert answer.status_code == 502
        assert "may have been sent" in answer.text
        assert 'id="family-invitations" hx-swap-oob="true"' in answer.text
        assert len(simulator.journal(INVITE)) == 1

    def test_without_a_script_too_the_unknown_has_a_shape_of_its_own(self, client, manager, simulator, sent):
        simulator.fault(INVITE, "reset_after")

        page = client.get(send(client, manager, sent, headers={})["Location"]).text

        notices = page[page.index('id="notices"') :]
        assert notices.index("notice--unknown") < notices.index("may have been sent")

    def test_without_a_trail_nothing_is_sent(self, client, manager, simulator, sent):
        with a_trail_that_refuses():
            answer = send(client, manager, sent)

        assert answer.status_code == 503
        assert simulator.journal() == []


class TestForgetting:
    def test_a_forgotten_one_is_shown_no_more_and_can_be_had_back(self, client, manager, simulator, sent):
        forgotten = mark(client, "forget", sent)

        assert forgotten.status_code == 200
        assert f"The invitation to {ANNA} is forgotten." in forgotten.text
        assert "whoever has it may still join by it" in forgotten.text
        assert "not joined yet" not in forgotten.text.lower()
        assert address("keep", sent) in forgotten.text

        kept = mark(client, "keep", sent)

        assert kept.status_code == 200
        assert "looked after again" in kept.text
        assert "Not joined yet" in kept.text
        sent.refresh_from_db()
        assert sent.forgotten_at is None
        events = Entry.objects.filter(event__startswith="member.").order_by("number")
        assert list(events.values_list("event", "object_name", "actor_name")) == [
            ("member.invitation_forget", ANNA, "Marta Reis"),
            ("member.invitation_keep", ANNA, "Marta Reis"),
        ]
        assert simulator.journal() == []

    def test_those_before_it_to_the_same_address_are_forgotten_with_it(self, client, manager, sent):
        last = FamilyInvitationFactory(family=sent.family, email=ANNA.upper(), sent_by=manager)
        other = FamilyInvitationFactory(family=sent.family, sent_by=manager)
        elsewhere = FamilyInvitationFactory(email=ANNA)

        mark(client, "forget", last)

        assert set(FamilyInvitation.objects.filter(forgotten_at=None)) == {other, elsewhere}

        mark(client, "keep", last)

        assert not FamilyInvitation.objects.exclude(forgotten_at=None).exists()

    def test_an_invitation_that_was_forgotten_is_no_reason_to_ask(self, client, manager, simulator, sent):
        mark(client, "forget", sent)

        invitations.invite_member(manager, family=sent.family, email=ANNA, auth="guest", press="p")

        assert len(simulator.journal(INVITE)) == 1

    @pytest.mark.parametrize("what", ["forget", "keep"])
    def test_twice_is_said(self, client, manager, sent, what):
        if what == "forget":
            mark(client, what, sent)

        answer = mark(client, what, sent)

        assert answer.status_code == 422
        assert "was changed since the page was opened" in answer.text

    def test_without_a_script(self, client, manager, sent):
        answer = mark(client, "forget", sent, headers={})

        page = client.get(answer["Location"]).text

        assert answer.status_code == 302
        assert f"The invitation to {ANNA} is forgotten." in page
        assert "One invitation forgotten lately" in page

    def test_after_a_week_it_cannot_be_undone_from_the_familys_page(self, client, manager, sent):
        FamilyInvitation.objects.update(forgotten_at=timezone.now() - timedelta(days=8))

        assert ANNA not in page_of(client, sent.family)

    def test_without_a_trail_nothing_is_forgotten(self, client, manager, sent):
        with a_trail_that_refuses():
            answer = mark(client, "forget", sent)

        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        sent.refresh_from_db()
        assert sent.forgotten_at is None

    @pytest.mark.parametrize("what", ["send", "forget", "keep"])
    def test_looking_changes_nothing(self, client, manager, sent, what):
        assert client.get(address(what, sent)).status_code == 405


class TestWhoMay:
    @pytest.mark.parametrize("what", ["send", "forget", "keep"])
    def test_nobody_without_signing_in(self, client, simulator, sent, what):
        client.logout()

        assert mark(client, what, sent)["HX-Redirect"] == reverse("account_login")
        assert mark(client, what, sent, headers={})["Location"].startswith(reverse("account_login"))
        assert simulator.journal() == []

    @pytest.mark.parametrize("what", ["send", "forget", "keep"])
    def test_an_auditor_only_looks(self, client, simulator, sent, what):
        client.force_login(AuditorFactory())

        page = page_of(client, sent.family)

        assert ANNA in page
        assert address(what, sent) not in page
        assert mark(client, what, sent).status_code == 403
        assert simulator.journal() == []

    def test_a_family_admin_looks_after_their_own_alone(self, client, simulator, family, sent):
        grant = GrantFactory(family=family, starts_at=timezone.now() - timedelta(days=30))
        own = FamilyInvitationFactory(family=family, sent_by=grant.person, email="ben@example.org")
        client.force_login(grant.person)

        page = page_of(client, family)

        assert ANNA in page
        assert address("forget", own) in page
        assert address("forget", sent) not in page
        for what in ("send", "forget", "keep"):
            assert mark(client, what, sent).status_code == 404
        assert send(client, grant.person, own).status_code == 200
        assert mark(client, "forget", own).status_code == 200
        assert len(simulator.journal(INVITE)) == 1
        sent.refresh_from_db()
        assert sent.forgotten_at is None

    @pytest.mark.parametrize("what", ["send", "forget", "keep"])
    def test_one_of_another_family_is_a_404(self, client, manager, simulator, sent, what):
        other = FamilyFactory()
        crossed = reverse(f"families:invitation_{what}", args=[other.public_id, sent.public_id])

        assert client.post(crossed).status_code == 404
        client.force_login(GrantFactory().person)
        assert mark(client, what, sent).status_code == 404
        assert simulator.journal() == []

    def test_the_services_check_again(self, simulator, sent):
        with pytest.raises(PermissionDenied):
            invitations.forget(AuditorFactory(), invitation=sent)
        with pytest.raises(PermissionDenied):
            invitations.send_again(GrantFactory().person, invitation=sent, press="p")
        FamilyInvitation.objects.update(accepted_at=timezone.now())
        with pytest.raises(NotWaiting):
            invitations.send_again(ManagerFactory(), invitation=sent, press="p")
        with pytest.raises(NotWaiting):
            invitations.forget(ManagerFactory(), invitation=sent)
        assert simulator.journal() == []
