"""Renaming when something is wrong: what is said is true, and nothing is called done that is not known."""

import pytest
from django.utils import timezone

from families.services import names
from families.services.acting import NoConnection
from portal.audit.models import Command, State
from portal.connections.models import Connection, Health
from portal.web.presses import PressInvalid
from tests.factories import (
    ConnectionFactory,
    ManagerFactory,
    ReachFactory,
)
from tests.families.asking import RENAME, name_upstream, rename
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db


class TestTrouble:
    def test_a_refusal_stands_in_the_form_with_the_upstreams_words(self, client, simulator, family):
        simulator.fault(RENAME, "refuse", words="Only the owner & no other")

        answer = rename(client, ManagerFactory(), family)

        assert answer.status_code == 422
        assert "The name was not changed" in answer.text
        assert "It was refused: “Only the owner &amp; no other”" in answer.text
        assert 'value="New name"' in answer.text
        assert Command.objects.get().state == State.REFUSED
        assert len(simulator.journal(RENAME)) == 1

    def test_a_refusal_without_a_script_is_the_page_with_the_form(self, client, simulator, family):
        simulator.fault(RENAME, "refuse", words="Not allowed")

        answer = rename(client, ManagerFactory(), family, headers={})

        assert answer.status_code == 422
        assert "<html" in answer.text
        assert "Not allowed" in answer.text
        assert 'value="New name"' in answer.text

    @pytest.mark.parametrize(
        ("fault", "options"),
        [("reset_after", {}), ("truncated", {}), ("html", {}), ("empty", {})],
    )
    def test_a_name_that_was_taken_although_no_answer_came_is_done(
        self, client, simulator, family, fault, options
    ):
        simulator.fault(RENAME, fault, **options)

        answer = rename(client, ManagerFactory(), family)

        assert answer.status_code == 200
        assert "is now called “New name”" in answer.text
        assert Command.objects.get().state == State.SUCCEEDED
        assert len(simulator.journal(RENAME)) == 1

    @pytest.mark.parametrize(("fault", "options"), [("status", {"status": 500}), ("reset_before", {})])
    def test_a_name_that_was_not_taken_may_be_sent_again(self, client, simulator, family, fault, options):
        simulator.fault(RENAME, fault, times=1, **options)
        manager = ManagerFactory()

        answer = rename(client, manager, family)

        assert answer.status_code == 503
        assert "No answer came, and nothing changed" in answer.text
        assert 'hx-swap-oob="true"' in answer.text
        assert 'value="New name"' in answer.text
        assert Command.objects.get().state == State.REFUSED
        assert rename(client, manager, family, press=token_in(answer.text)).status_code == 200
        assert name_upstream(simulator, family) == "New name"

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_when_nobody_can_tell_it_is_called_unknown(self, client, simulator, family, headers):
        simulator.fault("*", "reset_after")

        answer = rename(client, ManagerFactory(), family, headers=headers)

        assert answer.status_code == 502
        assert "We do not know whether the name was changed" in answer.text
        assert "notice--unknown" in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert Command.objects.get().state == State.UNKNOWN
        assert len(simulator.journal(RENAME)) == 1
        family.refresh_from_db()
        assert family.name != "New name"

    def test_an_upstream_that_hangs_does_not_hold_the_page_longer_than_the_deadline(
        self, client, simulator, family, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        simulator.fault("*", "hang", seconds=10)
        began = timezone.now()

        answer = rename(client, ManagerFactory(), family)

        assert (timezone.now() - began).total_seconds() < 2.0 + 5
        assert answer.status_code == 502
        assert Command.objects.get().state == State.UNKNOWN

    def test_after_a_write_that_hangs_there_is_time_to_look(self, client, simulator, family, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 4.0
        simulator.fault(RENAME, "hang", seconds=10)

        answer = rename(client, ManagerFactory(), family)

        assert "No answer came, and nothing changed" in answer.text
        assert len(simulator.journal("get_family_info")) == 1

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_an_upstream_that_is_switched_off_is_not_sent(self, client, simulator, family, headers):
        simulator.stop()

        answer = rename(client, ManagerFactory(), family, headers=headers)

        assert answer.status_code == 503
        assert "Not sent" in answer.text
        assert 'value="New name"' in answer.text
        assert Command.objects.get().state == State.NOT_SENT

    def test_a_busy_upstream_is_not_asked_again(self, client, simulator, family):
        simulator.fault(RENAME, "busy", seconds=60, times=1)
        manager = ManagerFactory()

        answer = rename(client, manager, family)
        held = rename(client, manager, family, press=token_in(answer.text))

        assert answer.status_code == held.status_code == 503
        assert "The door system is busy. Wait 60 s." in answer.text
        assert "Not sent" in held.text
        assert len(simulator.journal(RENAME)) == 1

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_without_a_trail_nothing_is_sent(self, client, simulator, family, headers):
        manager = ManagerFactory()
        client.force_login(manager)
        with a_trail_that_refuses():
            answer = rename(client, manager, family, headers=headers)

        assert answer.status_code == 503
        assert "Not sent: the audit trail is not available." in answer.text
        assert 'value="New name"' in answer.text
        assert simulator.journal() == []

    @pytest.mark.parametrize(
        "state", [{"paused_at": timezone.now()}, {"health": Health.SIGNED_OUT}], ids=["paused", "signed out"]
    )
    def test_no_working_connection_is_said(self, client, simulator, family, state):
        Connection.objects.update(**state)

        answer = rename(client, ManagerFactory(), family)

        assert answer.status_code == 503
        assert "no connection reaches this family" in answer.text
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_anothers_personal_connection_is_not_used(self, simulator, family):
        Connection.objects.update(owner=ManagerFactory())

        with pytest.raises(NoConnection):
            names.rename_family(ManagerFactory(), family=family, name="X", press="p")

    def test_the_account_with_the_most_rights_acts(self, client, simulator, family):
        ReachFactory(family=family, connection=ConnectionFactory(base_url="http://127.0.0.1:9"), auth="guest")

        assert rename(client, ManagerFactory(), family).status_code == 200
        assert len(simulator.journal(RENAME)) == 1

    def test_a_repeat_with_another_name_raises(self, simulator, family):
        manager = ManagerFactory()
        names.rename_family(manager, family=family, name="One", press="p")

        with pytest.raises(PressInvalid):
            names.rename_family(manager, family=family, name="Two", press="p")
