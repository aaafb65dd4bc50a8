"""NFC and Bluetooth on and off, a face registered and deleted: one command for a press, and words that are true."""

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from access.models import Credential, CredentialKind, Holder
from access.services.credentials.faces import delete_face, register_face
from access.services.credentials.switches import switch
from portal.audit.models import Command, Entry, State
from tests.access.credentials import (
    DELETE_FACE,
    GET_BLE,
    GET_FACE,
    GET_NFC,
    SET_BLE,
    SET_FACE,
    SET_NFC,
    Held,
    send,
)
from tests.accounts.signing_in import sign_in_recently
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory
from tests.families.house import HTMX, a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db

COMMANDS = {
    "nfc": (SET_NFC, GET_NFC, "enable_nfc", "nfc_code"),
    "ble": (SET_BLE, GET_BLE, "enable_ble", "ble_code"),
}


@pytest.fixture
def held(simulator) -> Held:
    return Held.of(simulator)


def turn(client, person, held, kind="nfc", on="no", **options):
    return send(client, person, held, "credential_switch", {"kind": kind, "on": on}, what=kind, **options)


def register(client, person, held, filename="maria.jpg", **options):
    return send(
        client, person, held, "face_register", {"filename": filename}, what="face-register", **options
    )


def delete(client, person, held, **options):
    return send(client, person, held, "face_delete", {}, what="face", **options)


# Each way to change something, with its command, and what reads it back.
DEEDS = {
    "nfc off": (lambda *who, **options: turn(*who, "nfc", "no", **options), SET_NFC, GET_NFC),
    "ble off": (lambda *who, **options: turn(*who, "ble", "no", **options), SET_BLE, GET_BLE),
    "face deleted": (delete, DELETE_FACE, GET_FACE),
    "face registered": (register, SET_FACE, GET_FACE),
}


@pytest.fixture
def ready(held) -> Held:
    """NFC and Bluetooth are on, no face is on file."""
    manager = ManagerFactory()
    for kind in (CredentialKind.NFC, CredentialKind.BLUETOOTH):
        switch(
            manager,
            family=held.family,
            holder=Holder.ORGANISATION,
            account_id=held.organisations.account_id,
            kind=kind,
            is_on=True,
            press=f"on {kind}",
        )
    of_face = {"family": held.family, "holder": Holder.ORGANISATION, "account_id": ""}
    if held.secret(GET_FACE, "is_uploaded"):
        delete_face(manager, press="off", **of_face)
    Command.objects.all().delete()
    held.simulator.clear_journal()
    return held


def with_a_face(held: Held, what: str) -> None:
    if what == "face deleted":
        register_face(
            ManagerFactory(),
            family=held.family,
            holder=Holder.ORGANISATION,
            account_id="",
            filename="old.png",
            press="old",
        )
        Command.objects.all().delete()
        held.simulator.clear_journal()


class TestSwitches:
    @pytest.mark.parametrize("kind", ["nfc", "ble"])
    def test_each_way_is_sent_once_as_the_reference_says(self, client, ready, kind):
        command, ask, field, code = COMMANDS[kind]
        manager = ManagerFactory()
        before = ready.secret(ask, code)

        off = turn(client, manager, ready, kind, "no")
        on = turn(client, manager, ready, kind, "yes")

        assert (off.status_code, on.status_code) == (200, 200)
        assert [row["param"] for row in ready.simulator.journal()] == [
            {"residence_id": ready.family.residence_id, field: False},
            {"residence_id": ready.family.residence_id, field: True},
        ]
        assert {row["command"] for row in ready.simulator.journal()} == {command}
        assert "is off." in off.text
        assert "Its code may be a new one" in on.text
        assert Credential.objects.get(kind=kind).is_there
        after = ready.secret(ask, code)
        assert before != after
        assert after not in on.text
        assert after not in str(list(Entry.objects.values_list("parameters", "words")))

    def test_a_repeat_sends_nothing_and_the_other_way_is_refused(self, client, ready):
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        page = client.get(ready.path("credential_list"))
        token = next(row.press for row in page.context["cards"][0].rows if row.kind == CredentialKind.NFC)

        answers = [turn(client, manager, ready, "nfc", on, press=token) for on in ("no", "no", "yes")]

        assert [one.status_code for one in answers] == [200, 200, 422]
        assert len(ready.simulator.journal()) == 1

    def test_without_a_script_one_comes_back_to_the_page(self, client, ready):
        answer = turn(client, ManagerFactory(), ready, headers={})

        assert answer["Location"] == ready.path("credential_list")
        assert "NFC is off." in client.get(answer["Location"]).text

    @pytest.mark.parametrize("fields", [("pin", "yes"), ("face", "no"), ("nfc", ""), ("nfc", "maybe")])
    def test_what_cannot_be_turned_is_not(self, client, ready, fields):
        assert turn(client, ManagerFactory(), ready, *fields).status_code == 409
        assert ready.simulator.journal() == []


class TestFace:
    def test_the_name_is_registered_and_then_deleted(self, client, ready):
        manager = ManagerFactory()

        registered = register(client, manager, ready, " maria.jpg")
        deleted = delete(client, manager, ready)

        assert registered["HX-Redirect"] == ready.path("credential_list")
        assert deleted.status_code == 200
        assert "The face is deleted." in deleted.text
        [sent] = ready.simulator.journal(SET_FACE)
        assert sent["param"] == {"residence_id": ready.family.residence_id, "filename": "maria.jpg"}
        [gone] = ready.simulator.journal(DELETE_FACE)
        assert gone["param"] == {"residence_id": ready.family.residence_id}
        assert not Credential.objects.get(kind="face").is_there

    def test_the_page_says_that_no_picture_goes_this_way(self, client, ready):
        sign_in_recently(client, ManagerFactory())

        page = client.get(ready.path("face_register") + "?account=organisation").text

        assert "takes no picture this way" in page
        assert 'type="file"' not in page

    @pytest.mark.parametrize(
        "name", ["../maria.jpg", "maria.svg", ".jpg", "a\nb.jpg", "", "x" * 300 + ".png"]
    )
    def test_a_name_that_cannot_be_is_said_and_kept_in_the_form(self, client, ready, name):
        answer = register(client, ManagerFactory(), ready, name)

        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert ready.simulator.journal() == []
        if name == "maria.svg":
            assert 'value="maria.svg"' in answer.text

    def test_one_that_is_not_there_is_refused_with_the_upstreams_words(self, client, ready):
        answer = delete(client, ManagerFactory(), ready)

        assert answer.status_code == 422
        assert "There is no face file" in answer.text

    def test_where_one_was_on_file_nobody_can_tell_whether_the_name_was_taken(self, client, ready):
        with_a_face(ready, "face deleted")
        ready.simulator.fault(SET_FACE, "reset_after")

        answer = register(client, ManagerFactory(), ready)

        assert answer.status_code == 502
        assert "We do not know whether the face was registered" in answer.text
        assert len(ready.simulator.journal(SET_FACE)) == 1


@pytest.mark.parametrize("what", DEEDS)
class TestTrouble:
    @pytest.mark.parametrize("fault", ["reset_after", "truncated", "empty"])
    def test_what_was_done_although_no_answer_came_is_done(self, client, ready, what, fault):
        with_a_face(ready, what)
        act, command, _ = DEEDS[what]
        ready.simulator.fault(command, fault)

        assert act(client, ManagerFactory(), ready).status_code in {200, 204}
        assert Command.objects.get().state == State.SUCCEEDED
        assert len(ready.simulator.journal(command)) == 1

    @pytest.mark.parametrize(
        ("fault", "options"), [("status", {"status": 500}), ("reset_before", {}), ("hang", {"seconds": 10})]
    )
    def test_what_was_not_done_may_be_tried_again(self, client, ready, settings, what, fault, options):
        settings.UPSTREAM_DEADLINE_SECONDS = 4.0
        with_a_face(ready, what)
        act, command, _ = DEEDS[what]
        ready.simulator.fault(command, fault, times=1, **options)
        manager = ManagerFactory()

        answer = act(client, manager, ready)

        assert answer.status_code == 503
        assert "No answer came, and nothing changed." in answer.text
        assert len(ready.simulator.journal(command)) == 1
        assert act(client, manager, ready).status_code in {200, 204}

    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_when_nobody_can_tell_it_is_called_unknown(self, client, ready, what, headers):
        with_a_face(ready, what)
        act, command, ask = DEEDS[what]
        ready.simulator.fault(command, "reset_after")
        if what == "face registered":
            ready.simulator.fault(ask, "latency", seconds=0, times=1)
        ready.simulator.fault(ask, "status", status=500)

        answer = act(client, ManagerFactory(), ready, headers=headers)

        assert answer.status_code == 502
        assert "We do not know whether" in answer.text
        assert Command.objects.get().state == State.UNKNOWN
        assert len(ready.simulator.journal(command)) == 1

    def test_refused_busy_and_signed_out_are_told_apart(self, client, ready, what):
        with_a_face(ready, what)
        act, command, _ = DEEDS[what]
        manager = ManagerFactory()
        ready.simulator.fault(command, "refuse", words="Not now", times=1)
        refused = act(client, manager, ready)
        ready.simulator.fault(command, "unauthorized", times=2)
        ready.simulator.fault("get_family_list", "unauthorized", times=2)
        signed_out = act(client, manager, ready)

        assert (refused.status_code, signed_out.status_code) == (422, 503)
        assert "It was refused: “Not now”" in refused.text
        assert "a manager has to sign it in again" in signed_out.text

    def test_a_busy_upstream_is_not_asked_again(self, client, ready, what):
        with_a_face(ready, what)
        act, command, _ = DEEDS[what]
        ready.simulator.fault(command, "busy", seconds=60)

        answer = act(client, ManagerFactory(), ready)

        assert answer.status_code == 503
        assert "Wait 60 s." in answer.text
        assert len(ready.simulator.journal(command)) == 1

    def test_without_a_trail_nothing_is_sent(self, client, ready, what):
        act, _, _ = DEEDS[what]
        manager = ManagerFactory()
        sign_in_recently(client, manager)
        with a_trail_that_refuses():
            answer = act(client, manager, ready)

        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert ready.simulator.journal() == []

    def test_who_may_not_is_refused_and_nothing_is_sent(self, client, ready, what):
        act, _, _ = DEEDS[what]
        for person, status in (
            (AuditorFactory(), 403),
            (GrantFactory(family=ready.family).person, 403),
            (GrantFactory().person, 404),
        ):
            client.logout()
            assert act(client, person, ready).status_code == status
        client.logout()
        name = {"nfc off": "credential_switch", "ble off": "credential_switch", "face deleted": "face_delete"}
        path = ready.path(name.get(what, "face_register"))
        assert client.post(path, headers=HTMX)["HX-Redirect"] == reverse("account_login")
        assert ready.simulator.journal() == []

    def test_an_old_press_is_refused(self, client, ready, what):
        act, _, _ = DEEDS[what]

        answer = act(client, ManagerFactory(), ready, press="forged")

        assert answer.status_code == 422
        assert "This page is too old" in answer.text
        assert token_in(answer.text)
        assert ready.simulator.journal() == []


def test_the_services_check_again(held) -> None:
    of = {"family": held.family, "holder": Holder.ORGANISATION, "account_id": "", "press": "p"}
    for person in (
        AuditorFactory(),
        GrantFactory(family=held.family).person,
        ManagerFactory(is_active=False),
    ):
        with pytest.raises(PermissionDenied):
            switch(person, kind=CredentialKind.NFC, is_on=True, **of)
        with pytest.raises(PermissionDenied):
            register_face(person, filename="a.jpg", **of)
        with pytest.raises(PermissionDenied):
            delete_face(person, **of)
    assert held.simulator.journal() == []
