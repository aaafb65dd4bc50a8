"""Changing a PIN: one press, one command, and what was typed is nowhere afterwards."""

import json

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from access.models import Credential, Holder
from access.services.credentials.pins import change_pin
from portal.audit.models import Command, Entry, State
from portal.web.presses import new_press
from tests.access.credentials import GET_PIN, SET_PIN, Held, send
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db

# Long enough to stand in no time and no id by chance.
NEW = "07139462"


@pytest.fixture
def held(simulator) -> Held:
    return Held.of(simulator)


def change(client, person, held, pin=NEW, again=None, **options):
    fields = {"pin": pin, "again": pin if again is None else again}
    return send(client, person, held, "pin_change", fields, what="pin", **options)


def is_nowhere(pin: str) -> bool:
    """Whether no row that is kept of what was done holds a PIN."""
    rows = [
        json.dumps(list(map(str, row))) for row in Entry.objects.values_list("parameters", "words", "reason")
    ]
    rows += [json.dumps(list(map(str, row))) for row in Command.objects.values_list("parameters", "words")]
    rows += [str(session.get_decoded()) for session in Session.objects.all()]
    return bool(rows) and not [row for row in rows if pin in row]


class TestChanging:
    def test_it_is_sent_once_as_the_reference_says_and_kept_nowhere(self, client, held):
        before = held.pin()

        answer = change(client, ManagerFactory(name="Ana"), held)

        assert answer.status_code == 204
        assert answer["HX-Redirect"] == held.path("credential_list")
        [sent] = held.simulator.journal(SET_PIN)
        assert sent["param"] == {"residence_id": held.family.residence_id, "private_key": NEW}
        assert sent["executed"]
        assert len(held.simulator.journal()) == 2
        command = Command.objects.get()
        assert (command.state, command.event) == (State.SUCCEEDED, "credential.pin")
        assert is_nowhere(NEW)
        assert is_nowhere(before)
        assert held.pin() == NEW
        assert Credential.objects.get().is_there
        page = client.get(held.path("credential_list")).text
        assert "The PIN was changed." in page
        assert NEW not in page
        assert holds()

    def test_without_a_script_one_comes_back_to_the_page(self, client, held):
        answer = change(client, ManagerFactory(), held, headers={})

        assert answer.status_code == 302
        assert answer["Location"] == held.path("credential_list")

    def test_ones_own_is_changed_and_not_the_organisations(self, client, held):
        person = GrantFactory(family=held.family).person
        own = held.own_of(person)
        before = held.pin()

        change(client, person, held, holder=Holder.OWN, reach=own)

        assert held.pin(own) == NEW
        assert held.pin() == before

    def test_the_one_of_now_is_not_given_again(self, client, held):
        pin = held.pin()

        answer = change(client, ManagerFactory(), held, pin)

        assert answer.status_code == 422
        assert "It is the PIN of now already" in answer.text
        assert pin not in answer.text
        assert held.simulator.journal(SET_PIN) == []
        assert is_nowhere(pin)

    def test_a_repeat_of_the_press_sends_nothing_and_says_so(self, client, held):
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        page = client.get(held.path("pin_change") + "?account=organisation").text
        change(client, manager, held, press=token_in(page))

        change(client, manager, held, "90210", press=token_in(page))

        assert len(held.simulator.journal(SET_PIN)) == 1
        assert "what came now was not sent" in client.get(held.path("credential_list")).text
        assert held.pin() == NEW

    def test_after_the_connection_became_another_accounts_an_open_form_is_too_old(self, client, held):
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        page = client.get(held.path("pin_change") + "?account=organisation").text
        held.organisations.account_id = "another"
        held.organisations.save()

        answer = change(client, manager, held, press=token_in(page))

        assert answer.status_code == 422
        assert "This page is too old" in answer.text
        assert held.simulator.journal() == []


class TestForm:
    def test_it_names_whose_it_is_and_holds_no_pin(self, client, held):
        pin, manager = held.pin(), ManagerFactory()
        sign_in_recently(client, manager)

        page = client.get(held.path("pin_change") + "?account=organisation").text
        fragment = client.get(held.path("pin_change") + "?account=organisation", headers=HTMX).text

        assert "the one of “<bdi>Riverside</bdi>”" in page
        assert "From 4 to 8 digits" in page
        assert pin not in page
        assert fragment.count('type="password"') == 2
        assert "<html" not in fragment
        assert held.simulator.journal() == []

    @pytest.mark.parametrize("pin", ["12", "73a2", "7302857302857", "٧٣٠٢", "5555", "2345", ""])
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_one_that_cannot_be_is_said_and_does_not_come_back(self, client, held, pin, headers):
        answer = change(client, ManagerFactory(), held, pin, headers=headers)

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert "What you typed is not kept" in answer.text
        assert not pin or f'value="{pin}"' not in answer.text
        assert held.simulator.journal() == []
        assert not Command.objects.exists()

    def test_whoever_signed_in_long_ago_types_it_again(self, client, held):
        manager = ManagerFactory()
        sign_in_recently(client, manager, seconds_ago=400)

        answer = change(client, manager, held)

        assert answer["HX-Redirect"].startswith(reverse("account_reauthenticate"))
        assert NEW not in answer["HX-Redirect"]
        assert held.simulator.journal() == []
        assert NEW not in str(dict(client.session))

    @pytest.mark.parametrize("account", ["", "hers", "own&account="])
    def test_a_form_about_nobodys_account_is_refused(self, client, held, account):
        sign_in_recently(client, ManagerFactory())

        assert client.get(held.path("pin_change") + f"?account={account}").status_code == 409


class TestWhoMay:
    def test_others_may_not_change_the_organisations(self, client, held):
        for person in (GrantFactory(family=held.family).person, AuditorFactory()):
            client.logout()
            assert change(client, person, held).status_code == 403
            with pytest.raises(PermissionDenied):
                change_pin(
                    person,
                    family=held.family,
                    holder=Holder.ORGANISATION,
                    account_id="",
                    pin=NEW,
                    press="p",
                )
        assert held.simulator.journal() == []
        assert not Command.objects.exists()

    def test_another_family_is_a_404_and_nothing_is_sent(self, client, held):
        assert change(client, GrantFactory().person, held).status_code == 404
        assert held.simulator.journal() == []

    def test_nobody_may_without_signing_in_or_with_anothers_press(self, client, held):
        answer = client.post(held.path("pin_change"), {"pin": NEW}, headers=HTMX)
        assert answer["HX-Redirect"] == reverse("account_login")
        forged = new_press(ManagerFactory().pk, "pin")
        assert change(client, ManagerFactory(), held, press=forged).status_code == 422
        assert held.simulator.journal() == []


class TestTrouble:
    @pytest.mark.parametrize(
        ("fault", "options"),
        [("reset_after", {}), ("truncated", {}), ("html", {}), ("empty", {})],
    )
    def test_one_that_was_taken_although_no_answer_came_is_done(self, client, held, fault, options):
        held.simulator.fault(SET_PIN, fault, **options)

        assert change(client, ManagerFactory(), held).status_code == 204
        assert Command.objects.get().state == State.SUCCEEDED
        assert len(held.simulator.journal(SET_PIN)) == 1
        assert held.pin() == NEW

    @pytest.mark.parametrize(
        ("fault", "options"), [("status", {"status": 500}), ("reset_before", {}), ("hang", {"seconds": 10})]
    )
    def test_one_that_was_not_taken_may_be_typed_again(self, client, held, settings, fault, options):
        settings.UPSTREAM_DEADLINE_SECONDS = 4.0
        held.simulator.fault(SET_PIN, fault, times=1, **options)
        manager = ManagerFactory()

        answer = change(client, manager, held)

        assert answer.status_code == 503
        assert (
            "No answer came, and nothing changed. Type it once more: what you typed is not kept."
            in answer.text
        )
        assert 'hx-swap-oob="true"' in answer.text
        assert NEW not in answer.text
        assert change(client, manager, held, press=token_in(answer.text)).status_code == 204
        assert held.pin() == NEW
        assert is_nowhere(NEW)

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_when_nobody_can_tell_it_is_called_unknown(self, client, held, headers):
        held.simulator.fault(SET_PIN, "reset_after")
        held.simulator.fault(GET_PIN, "latency", seconds=0, times=1)
        held.simulator.fault(GET_PIN, "status", status=500)

        answer = change(client, ManagerFactory(), held, headers=headers)

        assert answer.status_code == 502
        assert "We do not know whether the PIN was changed" in answer.text
        assert Command.objects.get().state == State.UNKNOWN
        assert len(held.simulator.journal(SET_PIN)) == 1
        assert not Credential.objects.exists()
        assert is_nowhere(NEW)

    def test_where_the_one_of_before_cannot_be_read_nothing_is_sent(self, client, held):
        held.simulator.fault(GET_PIN, "status", status=500)

        answer = change(client, ManagerFactory(), held)

        assert answer.status_code == 503
        assert "Not sent." in answer.text
        assert Command.objects.get().state == State.NOT_SENT
        assert held.simulator.journal(SET_PIN) == []

    def test_a_refusal_is_said_without_either_pin(self, client, held):
        before = held.pin()
        held.simulator.fault(SET_PIN, "refuse", words=f"{NEW} is as easy as {before} was")

        answer = change(client, ManagerFactory(), held)

        assert answer.status_code == 422
        assert "It was refused: “●●●● is as easy as ●●●● was”" in answer.text
        assert is_nowhere(NEW)
        assert is_nowhere(before)
        assert len(held.simulator.journal(SET_PIN)) == 1

    def test_a_busy_upstream_is_not_asked_again(self, client, held):
        held.simulator.fault(SET_PIN, "busy", seconds=60)

        answer = change(client, ManagerFactory(), held)

        assert answer.status_code == 503
        assert "Wait 60 s." in answer.text
        assert len(held.simulator.journal(SET_PIN)) == 1

    def test_a_lost_sign_in_is_said(self, client, held):
        held.simulator.fault(SET_PIN, "unauthorized")
        held.simulator.fault("get_family_list", "unauthorized")

        answer = change(client, ManagerFactory(), held)

        assert answer.status_code == 503
        assert "a manager has to sign it in again" in answer.text

    def test_without_a_trail_nothing_is_sent(self, client, held):
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        with a_trail_that_refuses():
            answer = change(client, manager, held)

        assert answer.status_code == 503
        assert "Not sent: the audit trail is not available." in answer.text
        assert held.simulator.journal() == []

    def test_an_account_that_is_gone_meanwhile_is_said_among_the_notices(self, client, held):
        person = ManagerFactory()
        own = held.own_of(person)
        own.connection.health = "signed_out"
        own.connection.save(update_fields=["health"])

        answer = change(client, person, held, holder=Holder.OWN, reach=own)

        assert answer.status_code == 503
        assert answer.text.lstrip().startswith('<div class="notice notice--off">')
        assert "Your account cannot be used in this family now" in answer.text
        assert held.simulator.journal() == []

    def test_an_upstream_that_is_switched_off_is_not_sent(self, client, held):
        held.simulator.stop()

        answer = change(client, ManagerFactory(), held)

        assert answer.status_code == 503
        assert Command.objects.get().state == State.NOT_SENT
