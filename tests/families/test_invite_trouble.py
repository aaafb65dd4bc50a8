"""Inviting when something is wrong: what is said is true, and nothing goes out twice."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import FamilyInvitation
from portal.audit.models import Command, State
from portal.connections.models import Connection
from tests.audit.trails import holds
from tests.factories import (
    ManagerFactory,
)
from tests.families.asking import ANNA, INVITE, invite
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db


class TestTrouble:
    def test_a_refusal_stands_in_the_form_with_the_upstreams_words(self, client, simulator, family):
        simulator.fault(INVITE, "refuse", words="The family is full")

        answer = invite(client, ManagerFactory(), family)

        assert answer.status_code == 422
        assert "Nobody was invited. It was refused: “The family is full”" in answer.text
        assert f'value="{ANNA}"' in answer.text
        assert Command.objects.get().state == State.REFUSED
        assert (
            "Not joined yet"
            not in client.get(reverse("families:family_detail", args=[family.public_id])).text
        )

    @pytest.mark.parametrize(
        ("fault", "options"),
        [
            ("reset_before", {}),
            ("reset_after", {}),
            ("truncated", {}),
            ("status", {"status": 500}),
            ("html", {}),
            ("empty", {}),
            ("redirect", {"status": 307}),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_without_an_answer_it_may_have_been_sent(
        self, client, simulator, family, fault, options, headers
    ):
        simulator.fault(INVITE, fault, **options)

        answer = invite(client, ManagerFactory(), family, headers=headers)

        assert answer.status_code == 502
        assert f"The invitation to {ANNA} may have been sent." in answer.text
        assert "Ask them before sending another" in answer.text
        assert "notice--unknown" in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert "status--unknown" in answer.text
        assert "ask before sending another</span>" in answer.text
        assert Command.objects.get().state == State.UNKNOWN
        assert len(simulator.journal(INVITE)) == 1
        assert holds()

    def test_no_answer_within_the_deadline_is_unknown(self, client, simulator, family, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        simulator.fault(INVITE, "hang", seconds=6)

        answer = invite(client, ManagerFactory(), family)

        assert answer.status_code == 502
        assert Command.objects.get().state == State.UNKNOWN

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_an_upstream_that_is_switched_off_is_not_sent(self, client, simulator, family, headers):
        simulator.stop()

        answer = invite(client, ManagerFactory(), family, "anna@example.org", "user", headers=headers)

        assert answer.status_code == 503
        assert "Not sent" in answer.text
        assert f'value="{ANNA}"' in answer.text
        assert re.search(r'value="user"[^>]* checked', answer.text)
        assert ("<html" in answer.text) == (not headers)
        assert Command.objects.get().state == State.NOT_SENT
        assert "Not joined yet" not in answer.text

    def test_after_not_sent_the_same_form_sends(self, client, simulator, family):
        manager = ManagerFactory()
        simulator.stop()
        answer = invite(client, manager, family)
        simulator.start()

        assert invite(client, manager, family, press=token_in(answer.text)).status_code == 200
        assert len(simulator.journal(INVITE)) == 1

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_without_a_trail_nothing_is_sent(self, client, simulator, family, headers):
        manager = ManagerFactory()
        client.force_login(manager)
        with a_trail_that_refuses():
            answer = invite(client, manager, family, headers=headers)

        assert answer.status_code == 503
        assert "Not sent: the audit trail is not available." in answer.text
        assert f'value="{ANNA}"' in answer.text
        assert simulator.journal() == []
        assert not FamilyInvitation.objects.exists()

    def test_no_working_connection_is_said(self, client, simulator, family):
        Connection.objects.update(paused_at=timezone.now())

        answer = invite(client, ManagerFactory(), family)

        assert answer.status_code == 503
        assert "no connection reaches this family" in answer.text
        assert simulator.journal() == []

    def test_a_crash_after_sending_leaves_an_invitation_that_may_be_out(self, client, simulator, family):
        manager = ManagerFactory()
        invite(client, manager, family)
        past = timezone.now() - timedelta(minutes=1)
        Command.objects.update(state=State.SENT, deadline_at=past)

        asked = invite(client, manager, family)

        assert asked.status_code == 422
        assert "may be out already" in asked.text
        assert len(simulator.journal(INVITE)) == 1
