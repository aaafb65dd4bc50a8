"""Whether the account of a connection may use devices: asked once for each family, told row by row."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from access.services.devices import checking
from portal.audit.models import Command, Entry
from portal.connections.models import Connection, Health
from tests.access.devicing import CHECK, Fitted
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    DeviceFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

MANY = "/doors/permissions/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def fitted(simulator) -> Fitted:
    return Fitted.of(simulator)


@pytest.fixture
def manager(client):
    manager = ManagerFactory(name="Ana")
    client.force_login(manager)
    return manager


def ask(client, fitted, **options):
    return client.post(fitted.path("device_check"), **{"headers": HTMX} | options)


def ask_many(client, devices, **options):
    return client.post(MANY, {"device": [device.public_id for device in devices]}, **options)


def entries():
    return list(Entry.objects.filter(event="device.check").order_by("number"))


class TestOneDevice:
    def test_the_answer_comes_in_its_place_with_the_account_and_the_connection(self, client, fitted, manager):
        answer = ask(client, fitted)

        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert 'id="device-check"' in answer.text
        assert "May use it" in answer.text
        assert "Office Desk" in answer.text
        assert "Riverside" in answer.text
        [asked] = fitted.simulator.journal()
        assert asked["command"] == CHECK
        assert asked["param"] == {
            "residence_id": fitted.family.residence_id,
            "devices": [{"mac": fitted.device.mac}],
        }

    def test_without_a_script_the_page_has_it(self, client, fitted, manager):
        answer = ask(client, fitted, headers={})

        assert "<html" in answer.text
        assert "May use it" in answer.text

    def test_it_is_on_the_trail(self, client, fitted, manager):
        ask(client, fitted)

        [entry] = entries()
        assert (entry.actor_name, entry.object_name) == ("Ana", fitted.device.name)
        assert (entry.outcome, entry.family_name) == ("succeeded", fitted.family.name)
        assert json.loads(entry.parameters) == {
            "account": "Office Desk",
            "connection": "Riverside",
            "devices": [fitted.device.name],
            "may": 1,
        }
        assert not Command.objects.exists()
        assert holds()

    def test_a_device_that_is_denied_may_not_be_used(self, client, fitted, manager):
        fitted.simulator.device(fitted.device.mac, is_denied=True)

        assert "May not use it" in ask(client, fitted).text

    def test_anothers_spelling_of_the_mac_is_the_same_device(self, client, fitted, manager):
        mac = fitted.device.mac
        spelt = ":".join(mac[start : start + 2] for start in range(0, len(mac), 2)).lower()
        fitted.answers(CHECK, [{"mac": spelt, "permission": True}])

        assert "May use it" in ask(client, fitted).text

    @pytest.mark.parametrize("said", [[], [True, False], ["yes"]])
    def test_what_is_not_told_is_not_guessed(self, client, fitted, manager, said):
        rows = [{"mac": fitted.device.mac, "permission": permission} for permission in said]
        fitted.answers(CHECK, rows)

        assert "Not told" in ask(client, fitted).text
        assert json.loads(entries()[0].parameters)["not_told"] == 1

    def test_what_nobody_asked_about_is_passed_over(self, client, fitted, manager):
        rows = [{"mac": mac, "permission": True} for mac in (fitted.device.mac, "0CFFFFFFFFFF", "x")]
        fitted.answers(CHECK, rows)

        text = ask(client, fitted).text

        assert "May use it" in text
        assert "2 devices that nobody had asked about" in text
        assert "0CFFFFFFFFFF" not in text


class TestTrouble:
    @pytest.mark.parametrize(
        ("kind", "options", "status", "words"),
        [
            ("refuse", {"words": "<b>No such</b> right"}, 502, "It was refused"),
            ("hang", {}, 503, "does not answer"),
            ("reset_before", {}, 503, "does not answer"),
            ("status", {"status": 500}, 503, "does not answer"),
            ("wrong_type", {}, 502, "We do not know"),
            ("busy", {"seconds": 3}, 503, "Wait 3 s"),
        ],
    )
    def test_is_told_in_words_and_on_the_trail(
        self, client, fitted, manager, settings, kind, options, status, words
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.5
        fitted.simulator.fault(CHECK, kind, **options)

        answer, page = ask(client, fitted), ask(client, fitted, headers={})

        assert answer.status_code == status
        assert words in answer.text
        assert "<html" not in answer.text
        assert "<b>No such" not in answer.text
        assert "<html" in page.text
        assert entries()[0].outcome != "succeeded"

    def test_a_door_system_that_is_switched_off_is_told(self, client, fitted, manager):
        fitted.simulator.stop()
        try:
            answer = ask(client, fitted)
        finally:
            fitted.simulator.start()
        assert answer.status_code == 503
        assert "does not answer" in answer.text or "could not be reached" in answer.text

    def test_without_a_connection_nothing_is_asked(self, client, fitted, manager):
        Connection.objects.update(health=Health.SIGNED_OUT)

        answer = ask(client, fitted)

        assert answer.status_code == 503
        assert "Not asked: no connection reaches this family" in answer.text
        assert fitted.simulator.journal() == []

    def test_a_device_that_is_gone_is_not_asked_about(self, client, fitted, manager, now):
        fitted.device.gone_at = now
        fitted.device.save()

        answer = ask(client, fitted)

        assert answer.status_code == 409
        assert "This device is gone" in answer.text
        assert fitted.simulator.journal() == []

    def test_what_cannot_be_written_down_is_not_shown(self, client, fitted, manager):
        with a_trail_that_refuses():
            answer, many = ask(client, fitted), ask_many(client, fitted.devices)
        for one in (answer, many):
            assert one.status_code == 503
            assert "May use it" not in one.text
            assert "Nothing is shown" in one.text


class TestWhoMay:
    def test_auditors_and_family_admins_ask_nothing(self, client, fitted):
        admin = GrantFactory(family=fitted.family).person
        for person in (AuditorFactory(), admin):
            client.force_login(person)
            assert ask(client, fitted).status_code == 403
            assert ask_many(client, fitted.devices).status_code == 403
            with pytest.raises(PermissionDenied):
                checking.check_devices(person, fitted.devices)
        assert fitted.simulator.journal() == []

    def test_nobody_without_signing_in(self, client, fitted):
        assert ask(client, fitted)["HX-Redirect"] == reverse("account_login")
        assert ask_many(client, fitted.devices).status_code == 302
        assert fitted.simulator.journal() == []

    def test_a_limited_manager_asks_about_their_property_alone(self, client, fitted):
        place = PropertyFactory()
        person = PropertyLimitFactory(property=place).person
        client.force_login(person)
        mine = DeviceFactory(family__property=place)
        assert ask(client, fitted).status_code == 404
        # One that is not theirs, and nothing is asked about any.
        assert ask_many(client, [mine, *fitted.devices]).status_code == 404
        with pytest.raises(PermissionDenied):
            checking.check_devices(person, [mine, *fitted.devices])
        assert fitted.simulator.journal() == []

    def test_a_look_at_the_address_asks_nothing(self, client, fitted, manager):
        assert client.get(fitted.path("device_check")).status_code == 405
        assert client.get(MANY).status_code == 405
        assert fitted.simulator.journal() == []


@pytest.fixture
def now():
    return timezone.now()
