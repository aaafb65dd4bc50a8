"""The same for many devices: a question for each family, a row for each device, and limits."""

import json

import pytest

from access.models import Device
from access.services.devices import checking
from portal.audit.models import Entry
from portal.connections.models import Connection
from tests.access.devicing import CHECK, Fitted
from tests.factories import (
    ConnectionFactory,
    DeviceFactory,
    FamilyFactory,
    ManagerFactory,
    ReachFactory,
)
from tests.families.house import HTMX

MANY = "/doors/permissions/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def fitted(simulator) -> Fitted:
    return Fitted.of(simulator)


@pytest.fixture
def beside(simulator, fitted) -> Fitted:
    """Another family of the same connection."""
    told = next(
        each
        for each in simulator.estate()["families"]
        if each["devices"] and each["auth"] and each["residence_id"] != fitted.family.residence_id
    )
    reach = ReachFactory(
        connection=fitted.reach.connection,
        family__residence_id=told["residence_id"],
        family__name=told["family_name"],
        account_id=fitted.reach.account_id,
    )
    devices = [Fitted.device_of(reach.family, each) for each in told["devices"]]
    return Fitted(simulator, reach.family, devices, reach)


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


def ask(client, devices, **options):
    return client.post(MANY, {"device": [device.public_id for device in devices]}, **options)


def test_each_family_is_one_question_and_one_entry(client, fitted, beside, manager):
    devices = [*beside.devices, *fitted.devices]

    answer = ask(client, devices)

    assert answer.status_code == 200
    assert "<html" in answer.text
    journal = {one["residence_id"]: one for one in fitted.simulator.journal()}
    assert len(fitted.simulator.journal()) == 2
    for each in (fitted, beside):
        asked = journal[each.family.residence_id]
        assert asked["command"] == CHECK
        told = {device["mac"] for device in asked["param"]["devices"]}
        assert told == {device.mac for device in each.devices}
    for device in devices:
        assert f"/doors/{device.public_id}/" in answer.text
    entries = Entry.objects.filter(event="device.check")
    assert {entry.family_name for entry in entries} == {fitted.family.name, beside.family.name}
    assert entries.count() == 2


def test_it_is_a_fragment_for_htmx(client, fitted, manager):
    answer = ask(client, fitted.devices, headers=HTMX)

    assert "<html" not in answer.text
    assert 'id="device-check-many"' in answer.text


def test_each_device_has_its_own_answer(client, fitted, manager):
    may, may_not, untold = (
        fitted.device,
        DeviceFactory(family=fitted.family),
        DeviceFactory(family=fitted.family),
    )
    fitted.answers(
        CHECK, [{"mac": may.mac, "permission": True}, {"mac": may_not.mac.lower(), "permission": False}]
    )

    [checked] = checking.check_devices(manager, [may, may_not, untold])

    assert [str(row.verdict) for row in checked.rows] == ["may", "may_not", "not_told"]
    assert (checked.account_name, checked.connection_name) == ("Office Desk", "Riverside")
    text = ask(client, [may, may_not, untold]).text
    for words in ("May use it", "May not use it", "Not told"):
        assert words in text


def test_one_family_that_is_refused_says_nothing_of_the_next(client, fitted, beside, manager):
    fitted.simulator.fault(CHECK, "refuse", residence_id=fitted.family.residence_id, words="No such right")

    answer = ask(client, [*fitted.devices, *beside.devices])

    assert answer.status_code == 200
    assert "May use it" in answer.text
    assert "Could not be asked" in answer.text
    assert "It was refused: “No such right”" in answer.text


def test_a_door_system_that_hangs_is_asked_once_and_in_time(client, fitted, beside, manager, settings):
    settings.UPSTREAM_DEADLINE_SECONDS = 1.5
    fitted.simulator.fault(CHECK, "hang")

    answer = ask(client, [*fitted.devices, *beside.devices])

    assert answer.status_code == 503
    assert "<html" in answer.text
    assert answer.text.count("Could not be asked") >= len(fitted.devices) + len(beside.devices)
    assert len(fitted.simulator.journal(CHECK)) == 1
    assert Entry.objects.filter(event="device.check", outcome="unknown").count() == 1


def test_for_htmx_what_nobody_answered_comes_as_a_notice(client, fitted, manager):
    Connection.objects.update(paused_at="2026-01-01T00:00Z")

    answer = ask(client, fitted.devices, headers=HTMX)

    assert answer.status_code == 503
    assert "Not asked: no connection reaches this family" in answer.text
    assert 'id="device-check-many"' not in answer.text


def test_two_connections_are_asked_each_for_their_own(client, fitted, manager, simulator):
    away = ReachFactory(
        connection=ConnectionFactory(name="Away", base_url="http://127.0.0.1:9", access_token="x"),
        family=FamilyFactory(name="Far household"),
    )
    far = DeviceFactory(family=away.family, name="Far gate")

    answer = ask(client, [far, fitted.device])

    assert answer.status_code == 200
    assert "May use it" in answer.text
    assert "Could not be asked" in answer.text
    assert "Away" in answer.text
    assert len(simulator.journal(CHECK)) == 1


def test_more_than_the_limits_are_left_for_another_press(fitted, beside, manager):
    devices = [*fitted.devices, *beside.devices]
    for limits in ({"families_at_once": 1}, {"devices_at_once": len(fitted.devices)}):
        fitted.simulator.clear_journal()
        checks = checking.check_devices(manager, devices, **limits)
        left = [row for checked in checks for row in checked.rows if isinstance(row.error, checking.Left)]
        assert [row.device for row in left] == beside.devices
        assert len(fitted.simulator.journal(CHECK)) == 1


def test_what_was_left_is_offered_again(client, fitted, manager):
    first = [DeviceFactory(family__name=f"{number:02}") for number in range(checking.FAMILIES_AT_ONCE)]

    answer = ask(client, [*first, fitted.device])

    assert fitted.simulator.journal() == []
    assert f'name="device" value="{fitted.device.public_id}"' in answer.text
    assert "Ask again about 26 devices" in answer.text
    assert "too much at once" in answer.text


def test_what_is_gone_is_told_and_not_offered_again(client, fitted, manager):
    gone = DeviceFactory(family=fitted.family, gone_at="2026-01-01T00:00Z")

    answer = ask(client, [fitted.device, gone])

    assert "This device is gone" in answer.text
    assert "Ask again about" not in answer.text
    [asked] = fitted.simulator.journal(CHECK)
    assert asked["param"]["devices"] == [{"mac": fitted.device.mac}]


def test_a_device_named_twice_is_asked_about_once(client, fitted, manager):
    ask(client, [fitted.device, fitted.device])

    [asked] = fitted.simulator.journal(CHECK)
    assert asked["param"]["devices"] == [{"mac": fitted.device.mac}]


@pytest.mark.parametrize("fields", [{}, {"device": ""}, {"device": ["", ""]}])
def test_nothing_chosen_asks_nothing(client, fitted, manager, fields):
    answer = client.post(MANY, fields)

    assert answer.status_code == 422
    assert "No device is chosen" in answer.text
    assert fitted.simulator.journal() == []


@pytest.mark.parametrize("strange", ["x", "A" * 22, "\0", "' OR 1=1--"])
def test_a_strange_id_is_a_404(client, fitted, manager, strange):
    answer = client.post(MANY, {"device": [fitted.device.public_id, strange]})

    assert answer.status_code == 404
    assert fitted.simulator.journal() == []


def test_the_trail_says_how_many_of_which(client, fitted, manager):
    fitted.simulator.device(fitted.device.mac, is_denied=True)
    ask(client, Device.objects.all())

    told = json.loads(Entry.objects.get(event="device.check").parameters)
    assert told["may_not"] == 1
    assert told.get("may", 0) == len(fitted.devices) - 1
