"""manage.py upstream: one command of the reference, once, and nothing secret in the trail."""

import json
from typing import Any

import pytest

from portal.audit.models import Command, Entry, State
from portal.connections.models import Connection
from portal.upstream.commands import COMMANDS
from tests.connections.acting import pasted, signed_in
from tests.consoles import Ran, run
from tests.factories import FamilyFactory
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    return pasted(simulator, name="Riverside")


@pytest.fixture
def residence(simulator: SimulatorProcess) -> str:
    return simulator.family(auth="admin")["residence_id"]


def upstream(*words: str, stdin: str = "") -> Ran:
    return run("upstream", *words, "--connection", "Riverside", stdin=stdin)


@pytest.mark.usefixtures("connection")
def test_a_read_prints_its_result_before_any_sync(simulator: SimulatorProcess) -> None:
    ran = upstream("get_family_list", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.json) == 40
    assert Entry.objects.get().event == "upstream.read"


@pytest.mark.usefixtures("connection")
def test_a_secret_is_on_the_trail_before_it_is_shown_and_never_in_it(
    simulator: SimulatorProcess, residence: str
) -> None:
    command = "get_akuvox_open_door_private_key_config"
    pin = upstream(command, f"residence_id={residence}", "--json").json["private_key"]
    assert pin
    assert [entry.phase for entry in Entry.objects.order_by("number")] == ["intent", "outcome"]
    assert pin not in str(list(Entry.objects.values()))


@pytest.mark.usefixtures("connection")
def test_who_may_use_devices_is_told_and_the_trail_names_the_devices(
    simulator: SimulatorProcess, residence: str
) -> None:
    command = "check_akuvox_device_permission"
    devices = [{"mac": each["mac"]} for each in simulator.family(residence_id=residence)["devices"]]
    param = json.dumps({"residence_id": residence, "devices": devices})

    ran = upstream(command, "--param", param, "--json")

    assert (ran.code, ran.json) == (0, [{**each, "permission": True} for each in devices])
    assert simulator.journal(command)[0]["param"] == {"residence_id": residence, "devices": devices}
    entry = Entry.objects.get()
    assert entry.event == "upstream.read"
    assert devices[0]["mac"] in entry.parameters


@pytest.mark.usefixtures("connection")
def test_the_list_of_devices_is_told_whole_and_its_secrets_are_not_in_the_trail(
    simulator: SimulatorProcess, residence: str
) -> None:
    told = upstream("get_akuvox_device_list", f"residence_id={residence}", "--json").json

    stream = told[0].get("rtsp_url") or told[0].get("rtsp")
    assert "@" in stream
    entries = list(Entry.objects.order_by("number").values())
    assert [(one["event"], one["phase"]) for one in entries] == [
        ("upstream.reveal", "intent"),
        ("upstream.reveal", "outcome"),
    ]
    for secret in (stream.partition("//")[2].partition("@")[0], told[0]["ciphertext"]):
        assert secret not in str(entries)


@pytest.mark.usefixtures("connection")
def test_a_write_goes_through_intent_claim_and_outcome(simulator: SimulatorProcess, residence: str) -> None:
    family = FamilyFactory(residence_id=residence, name="Casa Núñez")
    command = "update_akuvox_open_door_private_key_config"
    ran = upstream(command, f"residence_id={residence}", "private_key=0042", "--json")
    assert (ran.code, ran.json) == (0, {})
    assert simulator.journal(command)[0]["param"] == {"residence_id": residence, "private_key": "0042"}
    told = Command.objects.get()
    assert (told.state, told.actor_kind, told.family_id) == (State.SUCCEEDED, "operator", family.pk)
    assert [entry.phase for entry in Entry.objects.order_by("number")] == ["intent", "sent", "outcome"]
    kept = str(list(Entry.objects.values())) + str(list(Command.objects.values()))
    assert "0042" not in kept
    assert residence in kept


@pytest.mark.usefixtures("connection")
def test_parameters_come_as_json_too(simulator: SimulatorProcess, residence: str) -> None:
    param = json.dumps({"residence_id": residence, "family_name": "Ångström & Söhne"})
    assert upstream("update_family_info", "--param", param).code == 0
    assert upstream("update_family_info", "--param", "-", stdin=param).code == 0
    assert [row["param"]["family_name"] for row in simulator.journal("update_family_info")] == [
        "Ångström & Söhne"
    ] * 2


@pytest.mark.usefixtures("connection")
def test_a_refusal_is_1_with_the_upstreams_words(simulator: SimulatorProcess, residence: str) -> None:
    simulator.fault("update_family_info", "refuse", words="Not on a Sunday")
    ran = upstream("update_family_info", f"residence_id={residence}", "family_name=x")
    assert (ran.code, ran.is_one_line_of_trouble) == (1, True)
    assert "Not on a Sunday" in ran.err
    read = upstream("get_family_info", "residence_id=nobody")
    assert (read.code, read.is_one_line_of_trouble) == (1, True)


@pytest.mark.usefixtures("connection")
def test_an_unknown_outcome_is_3_and_is_not_asked_twice(simulator: SimulatorProcess, residence: str) -> None:
    simulator.fault("*", "reset_after")
    for command, words in (("update_family_info", ["family_name=x"]), ("get_family_info", [])):
        ran = upstream(command, f"residence_id={residence}", *words)
        assert (ran.code, ran.is_one_line_of_trouble) == (3, True), ran
        assert len(simulator.journal(command)) == 1
    assert Command.objects.get().state == State.UNKNOWN


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("kind", ["status", "busy", "unauthorized"])
def test_nothing_is_asked_twice(simulator: SimulatorProcess, residence: str, kind: str) -> None:
    simulator.fault("*", kind, **({"status": 500} if kind == "status" else {}), times=1)
    assert upstream("get_family_info", f"residence_id={residence}").code in {1, 3}
    assert len(simulator.journal()) == 1


def test_a_token_that_has_expired_is_a_refusal_and_no_lost_sign_in(
    simulator: SimulatorProcess, residence: str
) -> None:
    connection = signed_in(simulator, name="Riverside")
    simulator.expire_tokens()
    simulator.clear_journal()
    assert upstream("get_family_list").code == 1
    assert [row["command"] for row in simulator.journal()] == ["get_family_list"]
    connection.refresh_from_db(fields=["health"])
    assert connection.health == "good"


@pytest.mark.usefixtures("connection")
def test_an_upstream_that_is_off_is_4(simulator: SimulatorProcess, settings: Any) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    simulator.stop()
    try:
        for words in (("get_family_list",), ("delete_akuvox_face_file_info", "residence_id=x")):
            ran = upstream(*words)
            assert (ran.code, ran.is_one_line_of_trouble) == (4, True), ran
    finally:
        simulator.start()


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize(
    "words",
    [
        ["get_family_lists"],
        ["get_family_info"],
        ["get_family_info", "residence"],
        ["get_family_info", "residence_id=a", "residence_id=b"],
        ["get_family_info", "family=a"],
        [
            "create_akuvox_open_door_temp_key_config",
            "residence_id=a",
            "start_time=x",
            "finish_time=y",
            "count=z",
        ],
        ["update_akuvox_open_door_nfc_config", "residence_id=a", "enable_nfc=perhaps"],
        ["get_family_info", "--param", "[]"],
        ["get_family_info", "--param", "{"],
        ["get_family_info", "--param", "{}", "residence_id=a"],
        ["update_akuvox_open_door_private_key_config", "residence_id=a", "private_key=CANARY", "x=CANARY"],
    ],
)
def test_what_the_reference_does_not_know_is_4_and_not_sent(
    simulator: SimulatorProcess, words: list[str]
) -> None:
    ran = upstream(*words)
    assert (ran.code, ran.is_one_line_of_trouble) == (4, True), ran
    assert "CANARY" not in ran.err
    assert simulator.journal() == []
    assert not Entry.objects.exists()


def test_a_connection_that_is_not_there_is_4() -> None:
    ran = upstream("get_family_list")
    assert (ran.code, ran.is_one_line_of_trouble) == (4, True)


def test_the_list_shows_all_thirty() -> None:
    lines = run("upstream", "--list").out.splitlines()
    assert len(lines) == 30
    assert set(run("upstream", "--list", "--json").json) == set(COMMANDS)
