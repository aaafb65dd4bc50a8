"""Showing a code: on the trail first, to whoever may, once, and nowhere else."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from access.models import CredentialKind, Holder
from access.services.credentials.revealing import reveal
from portal.audit.models import Command, Entry
from portal.connections.models import Connection
from tests.access.credentials import GET_BLE, GET_NFC, GET_PIN, Held, send
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db

OF_PIN = {"kind": "pin"}


@pytest.fixture
def held(simulator) -> Held:
    return Held.of(simulator)


def shown(client, person, held, fields=OF_PIN, **options):
    return send(client, person, held, "credential_reveal", dict(fields), **options)


def nothing_is_kept(code: str) -> bool:
    """Whether no entry and no command holds a code."""
    rows = [json.dumps(list(map(str, row))) for row in Entry.objects.values_list()]
    rows += [json.dumps(list(map(str, row))) for row in Command.objects.values_list()]
    return bool(rows) and not [row for row in rows if code in row]


def grouped(code: str) -> str:
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


class TestShown:
    @pytest.mark.parametrize(
        ("kind", "command", "field"),
        [("pin", GET_PIN, "private_key"), ("nfc", GET_NFC, "nfc_code"), ("ble", GET_BLE, "ble_code")],
    )
    def test_a_code_is_read_live_and_told_on_the_trail_before(self, client, held, kind, command, field):
        manager = ManagerFactory(name="Ana")
        code = held.secret(command, field)

        answer = shown(client, manager, held, {"kind": kind})

        assert answer.status_code == 200
        if code:
            assert grouped(code) in answer.text
        assert 'data-vanishes="30"' in answer.text
        assert f'id="code-organisation-{kind}"' in answer.text
        assert "no-store" in answer["Cache-Control"]
        assert "Refresh" not in answer
        [asked] = held.simulator.journal()
        assert (asked["command"], asked["param"]) == (command, {"residence_id": held.family.residence_id})
        entries = list(Entry.objects.filter(event="credential.reveal").order_by("number"))
        assert [(one.phase, one.outcome) for one in entries] == [("intent", ""), ("outcome", "succeeded")]
        assert entries[0].actor_name == "Ana"
        assert "Riverside" in entries[0].parameters
        assert not code or nothing_is_kept(code)
        assert holds()

    def test_without_a_script_the_page_shows_it_and_goes_on_by_itself(self, client, held):
        code = held.pin()

        answer = shown(client, ManagerFactory(), held, headers={})

        assert "<html" in answer.text
        assert grouped(code) in answer.text
        assert answer["Refresh"] == f"30; url={held.path('credential_list')}"
        assert "no-store" in answer["Cache-Control"]
        assert grouped(code) not in client.get(held.path("credential_list")).text

    def test_ones_own_is_ones_own_accounts(self, client, held):
        person = GrantFactory(family=held.family).person
        own = held.own_of(person)
        code = held.pin(own)
        assert code != held.pin()

        answer = shown(client, person, held, holder=Holder.OWN)

        assert grouped(code) in answer.text
        assert held.simulator.journal(GET_PIN)[0]["account_id"] == own.account_id

    def test_whoever_signed_in_long_ago_signs_in_again_first(self, client, held):
        manager = ManagerFactory()
        sign_in_recently(client, manager, seconds_ago=400)

        answer = shown(client, manager, held)
        plain = shown(client, manager, held, headers={})

        assert answer["HX-Redirect"].startswith(reverse("account_reauthenticate"))
        assert plain["Location"].startswith(reverse("account_reauthenticate"))
        assert held.simulator.journal() == []
        assert not Entry.objects.filter(event="credential.reveal").exists()

    def test_a_look_at_its_address_shows_nothing(self, client, held):
        sign_in_recently(client, ManagerFactory())

        assert client.get(held.path("credential_reveal")).status_code == 405
        assert held.simulator.journal() == []

    @pytest.mark.parametrize("fields", [{"kind": "face"}, {"kind": ""}, {"kind": "pin", "account": "hers"}])
    def test_what_has_no_code_is_not_asked_for(self, client, held, fields):
        answer = shown(client, ManagerFactory(), held, fields)

        assert answer.status_code == 409
        assert "Nothing was sent" in answer.text
        assert held.simulator.journal() == []


class TestWhoMay:
    def test_the_organisations_is_not_for_limited_managers_and_family_admins(self, client, held):
        held.family.property = PropertyFactory()
        held.family.save()
        limited = PropertyLimitFactory(property=held.family.property).person
        admin = GrantFactory(family=held.family).person

        for person in (limited, admin):
            client.logout()
            assert shown(client, person, held).status_code == 403
            with pytest.raises(PermissionDenied):
                reveal(person, family=held.family, holder=Holder.ORGANISATION, kind=CredentialKind.PIN)
        assert held.simulator.journal() == []

    def test_an_auditor_sees_no_secret(self, client, held):
        auditor = AuditorFactory()

        assert shown(client, auditor, held).status_code == 403
        for holder in Holder:
            with pytest.raises(PermissionDenied):
                reveal(auditor, family=held.family, holder=holder, kind=CredentialKind.PIN)
        assert held.simulator.journal() == []

    def test_another_family_is_a_404_and_nothing_is_asked(self, client, held):
        assert shown(client, GrantFactory().person, held).status_code == 404
        assert held.simulator.journal() == []

    def test_a_manager_without_an_own_account_has_none_to_show(self, client, held):
        answer = shown(client, ManagerFactory(), held, holder=Holder.OWN)

        assert answer.status_code == 503
        assert "Your account cannot be used in this family now" in answer.text
        assert held.simulator.journal() == []

    def test_nobody_is_shown_anything_without_signing_in(self, client, held):
        answer = client.post(held.path("credential_reveal"), OF_PIN, headers=HTMX)

        assert answer["HX-Redirect"] == reverse("account_login")
        assert held.simulator.journal() == []


class TestTrouble:
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_without_a_trail_nothing_is_asked(self, client, held, headers):
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        with a_trail_that_refuses():
            answer = shown(client, manager, held, headers=headers)

        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert held.simulator.journal() == []

    def test_what_cannot_be_told_on_the_trail_afterwards_is_not_shown(self, client, held):
        code, manager = held.pin(), ManagerFactory()
        sign_in_recently(client, manager)
        with a_trail_that_refuses("outcome"):
            answer = shown(client, manager, held)

        assert answer.status_code == 503
        assert grouped(code) not in answer.text

    @pytest.mark.parametrize(
        ("fault", "options", "status", "words"),
        [
            ("refuse", {"words": "Not yours"}, 502, "It was refused: “Not yours”"),
            ("busy", {"seconds": 60}, 503, "busy"),
            ("unauthorized", {}, 503, "signed out"),
            ("wrong_type", {}, 502, "We do not know what it is"),
            ("hang", {"seconds": 10}, 503, "does not answer"),
            ("reset_after", {}, 503, "does not answer"),
            ("reset_before", {}, 503, "does not answer"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_trouble_is_said_and_nothing_shown(
        self, client, held, settings, fault, options, status, words, headers
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        code = held.pin()
        held.simulator.fault(GET_PIN, fault, **options)
        if fault == "unauthorized":
            # Else the refusal is of this command alone.
            held.simulator.fault("get_family_list", fault)

        answer = shown(client, ManagerFactory(), held, headers=headers)

        assert answer.status_code == status
        assert words in answer.text
        assert grouped(code) not in answer.text
        assert "data-vanishes" not in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert "Refresh" not in answer
        last = Entry.objects.filter(event="credential.reveal").latest("number")
        assert (last.phase, last.outcome != "succeeded") == ("outcome", True)

    def test_an_upstream_that_is_switched_off_is_said(self, client, held):
        held.simulator.stop()

        answer = shown(client, ManagerFactory(), held)

        assert answer.status_code == 503
        assert "notice--off" in answer.text

    def test_an_own_connection_that_is_signed_out_says_where_to_go(self, client, held):
        person = ManagerFactory()
        held.own_of(person)
        Connection.objects.filter(owner=person).update(health="signed_out")

        assert "My account" in shown(client, person, held, holder=Holder.OWN).text
