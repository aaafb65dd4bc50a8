"""The whole address of a stream: on the trail first, to managers alone, once, and nowhere else."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from access.services.devices.streaming import reveal_stream
from portal.audit.models import Command, Entry
from portal.connections.models import Connection, Health
from tests.access.devicing import LIST, Fitted
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory, PropertyLimitFactory
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def fitted(simulator) -> Fitted:
    return Fitted.of(simulator)


@pytest.fixture
def manager(client):
    manager = ManagerFactory(name="Ana")
    sign_in_recently(client, manager)
    return manager


def shown(client, fitted, headers=HTMX):
    return client.post(fitted.path("device_stream"), headers=headers)


def row(fitted, **fields):
    return {"mac": fitted.device.mac, "device_name": "Panel", "online": True} | fields


def is_kept_nowhere(secret: str) -> bool:
    rows = [json.dumps(list(map(str, row))) for row in Entry.objects.values_list()]
    rows += [json.dumps(list(map(str, row))) for row in Command.objects.values_list()]
    return bool(rows) and not [row for row in rows if secret in row]


class TestShown:
    def test_it_is_read_live_and_told_on_the_trail_before(self, client, fitted, manager):
        address = fitted.stream()
        assert "@" in address
        assert address not in client.get(fitted.path()).text

        answer = shown(client, fitted)

        assert answer.status_code == 200
        assert address in answer.text
        assert 'data-vanishes="30"' in answer.text
        assert 'data-copy="#device-stream-whole"' in answer.text
        assert "<html" not in answer.text
        assert "no-store" in answer["Cache-Control"]
        [asked] = fitted.simulator.journal()
        assert (asked["command"], asked["param"]) == (LIST, {"residence_id": fitted.family.residence_id})
        entries = list(Entry.objects.filter(event="device.stream").order_by("number"))
        assert [(one.phase, one.outcome) for one in entries] == [("intent", ""), ("outcome", "succeeded")]
        assert (entries[0].actor_name, entries[0].object_name) == ("Ana", fitted.device.name)
        assert is_kept_nowhere(address.partition("//")[2].partition("@")[0])
        assert address not in client.get(fitted.path()).text
        assert holds()

    def test_without_a_script_the_page_shows_it_and_goes_on_by_itself(self, client, fitted, manager):
        address = fitted.stream()

        answer = shown(client, fitted, headers={})

        assert "<html" in answer.text
        assert address in answer.text
        assert answer["Refresh"] == f"30; url={fitted.path()}"
        assert "no-store" in answer["Cache-Control"]

    def test_a_mac_in_another_spelling_is_the_same_device(self, client, fitted, manager):
        mac = fitted.device.mac
        spelt = "-".join(mac[start : start + 2] for start in range(0, len(mac), 2)).lower()
        fitted.answers(LIST, [row(fitted, mac=spelt, rtsp="rtsp://u:p@10.0.0.9/one")])

        assert "rtsp://u:p@10.0.0.9/one" in shown(client, fitted).text

    def test_an_address_is_text_whatever_it_holds(self, client, fitted, manager):
        fitted.answers(LIST, [row(fitted, rtsp_url="javascript:<script>alert(1)</script>")])

        text = shown(client, fitted).text

        assert "<script>alert" not in text
        assert "href" not in text


class TestTrouble:
    @pytest.mark.parametrize("address", ["", " ", "rtsp://u:p@x\n/", "rtsp://u:p@" + "x" * 2001])
    def test_no_address_is_told(self, client, fitted, manager, address):
        fitted.answers(LIST, [row(fitted, rtsp_url=address)])

        answer = shown(client, fitted)

        assert answer.status_code == 502
        assert "no stream that can be shown" in answer.text
        assert "u:p@" not in answer.text

    def test_a_device_that_the_list_has_no_more_is_told(self, client, fitted, manager):
        fitted.answers(LIST, [row(fitted, mac="0CFFFFFFFFFF", rtsp_url="rtsp://u:p@x/")])

        answer = shown(client, fitted)

        assert answer.status_code == 502
        assert "does not name this device now" in answer.text
        assert "u:p@" not in answer.text

    def test_a_device_that_is_known_to_be_gone_is_not_asked_for(self, client, fitted, manager):
        fitted.device.gone_at = "2026-01-01T00:00Z"
        fitted.device.save()

        assert shown(client, fitted).status_code == 409
        assert fitted.simulator.journal() == []

    @pytest.mark.parametrize(
        ("kind", "status", "words"),
        [("refuse", 502, "refused"), ("hang", 503, "does not answer"), ("wrong_type", 502, "We do not know")],
    )
    def test_a_door_system_in_trouble_is_told_in_words(
        self, client, fitted, manager, settings, kind, status, words
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.5
        fitted.simulator.fault(LIST, kind)

        answer, page = shown(client, fitted), shown(client, fitted, headers={})

        assert answer.status_code == status
        assert words in answer.text
        assert "<html" in page.text
        assert Entry.objects.filter(event="device.stream", phase="intent").exists()

    def test_without_a_connection_nothing_is_asked(self, client, fitted, manager):
        Connection.objects.update(health=Health.SIGNED_OUT)

        answer = shown(client, fitted)

        assert answer.status_code == 503
        assert "Not asked: no connection reaches this family" in answer.text
        assert fitted.simulator.journal() == []

    @pytest.mark.parametrize(("phase", "calls"), [("intent", 0), ("outcome", 1)])
    def test_what_the_trail_does_not_take_is_not_shown(self, client, fitted, manager, phase, calls):
        address = fitted.stream()
        with a_trail_that_refuses(phase):
            answer = shown(client, fitted)
        assert answer.status_code == 503
        assert address not in answer.text
        assert len(fitted.simulator.journal()) == calls


class TestWhoMay:
    def test_auditors_and_family_admins_see_no_secret(self, client, fitted):
        admin = GrantFactory(family=fitted.family).person
        for person in (AuditorFactory(), admin):
            sign_in_recently(client, person)
            assert shown(client, fitted).status_code == 403
            with pytest.raises(PermissionDenied):
                reveal_stream(person, device=fitted.device)
        assert fitted.simulator.journal() == []
        assert not Entry.objects.filter(event="device.stream").exists()

    def test_anothers_device_is_a_404(self, client, fitted):
        person = PropertyLimitFactory().person
        sign_in_recently(client, person)

        assert shown(client, fitted).status_code == 404
        with pytest.raises(PermissionDenied):
            reveal_stream(person, device=fitted.device)
        assert fitted.simulator.journal() == []

    def test_nobody_without_signing_in(self, client, fitted):
        assert shown(client, fitted)["HX-Redirect"] == reverse("account_login")

    def test_whoever_signed_in_long_ago_signs_in_again_first(self, client, fitted):
        sign_in_recently(client, ManagerFactory(), seconds_ago=400)

        answer, plain = shown(client, fitted), shown(client, fitted, headers={})

        assert answer["HX-Redirect"].startswith(reverse("account_reauthenticate"))
        assert plain["Location"].startswith(reverse("account_reauthenticate"))
        assert fitted.simulator.journal() == []

    def test_a_look_at_the_address_shows_nothing(self, client, fitted, manager):
        assert client.get(fitted.path("device_stream")).status_code == 405
        assert fitted.simulator.journal() == []
