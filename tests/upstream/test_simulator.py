"""The client and the simulator: every command's work and every fault, judged by the simulator's journal."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from portal.upstream import signin
from portal.upstream.client import Client, StaticToken, new_command_id
from portal.upstream.commands import COMMANDS
from portal.upstream.errors import (
    NotSent,
    OutcomeUnknown,
    SignInLost,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from portal.upstream.pictures import PictureRefused, fetch_picture, reencode
from portal.upstream.times import format_time, parse_time

READ = "get_akuvox_face_file_info"
SET = "update_family_info"
CREATE = "trigger_akuvox_remote_open_door"


class SignedIn:
    """Tokens of an OAuth sign-in, refreshed when one is refused."""

    def __init__(self, simulator) -> None:
        self.url, self.sign_in = simulator.url, simulator.sign_in
        names = ("username", "password", "client_id", "client_secret")
        self.tokens = signin.sign_in_with_password(self.url, **{name: self.sign_in[name] for name in names})

    def current(self) -> str:
        return self.tokens.access_token

    def renew(self, refused: str) -> str:
        try:
            self.tokens = signin.refresh(
                self.url,
                refresh_token=self.tokens.refresh_token,
                client_id=self.sign_in["client_id"],
                client_secret=self.sign_in["client_secret"],
            )
        except UpstreamRejected as error:
            raise SignInLost(error.reason) from None
        return self.tokens.access_token


@pytest.fixture
def client(simulator) -> Client:
    return Client(simulator.url, StaticToken(simulator.token))


def test_every_command_does_its_work(simulator, client):
    family, device, relay = next(
        (family, device, device["relays"][0])
        for family in simulator.estate()["families"]
        for device in family["devices"]
        if family["auth"] == "admin" and device["relays"] and device["online"]
    )
    rid = family["residence_id"]

    assert rid in {one.residence_id for one in client.get_family_list().result}
    client.update_family_info(residence_id=rid, family_name="Fly 李")
    assert client.get_family_info(residence_id=rid).result.family_name == "Fly 李"
    assert client.get_family_remote_connect(residence_id=rid).result.remote_connect_url.startswith("http")

    client.invite_family_account(residence_id=rid, email="nanny@post.example", auth="guest")
    newcomer = simulator.estate()["joinable"]["residence_id"]
    client.account_join_family(residence_id=newcomer, auth="user")
    made = [
        client.create_family_account(
            residence_id=rid, first_name="A", last_name="B", email=f"a{n}@post.example", auth="guest"
        ).result.account_id
        for n in range(3)
    ]
    client.update_family_account_auth(residence_id=rid, account_id=made[0], auth="user")
    client.batch_update_family_account_auth(
        residence_id=rid, accounts=[{"account_id": one, "auth": "user"} for one in made[1:]]
    )
    rights = {one.account_id: one.auth for one in client.get_family_info(residence_id=rid).result.accounts}
    assert [rights[one] for one in made] == ["user"] * 3
    client.delete_family_account(residence_id=rid, account_id=made[0])
    client.batch_delete_family_account(residence_id=rid, accounts=[{"account_id": made[1]}])
    left = {one.account_id for one in client.get_family_info(residence_id=rid).result.accounts}
    assert left & set(made) == {made[2]}

    assert device["mac"] in {one.mac for one in client.get_akuvox_device_list(residence_id=rid).result}
    [permission] = client.check_akuvox_device_permission(
        residence_id=rid, devices=[{"mac": device["mac"]}]
    ).result
    assert permission.mac == device["mac"]
    client.update_akuvox_open_door_private_key_config(residence_id=rid, private_key="0042")
    assert client.get_akuvox_open_door_private_key_config(residence_id=rid).result.private_key == "0042"
    client.update_akuvox_open_door_nfc_config(residence_id=rid, enable_nfc=True)
    assert client.get_akuvox_open_door_nfc_config(residence_id=rid).result.enable_nfc is True
    client.update_akuvox_open_door_ble_config(residence_id=rid, enable_ble=True)
    assert client.get_akuvox_open_door_ble_config(residence_id=rid).result.enable_ble is True

    now = datetime.now(UTC).replace(microsecond=0)
    keys = [
        client.create_akuvox_open_door_temp_key_config(
            residence_id=rid,
            start_time=format_time(now),
            finish_time=format_time(now + timedelta(hours=n)),
            count=n,
        ).result
        for n in (1, 2, 3)
    ]
    listed = {
        one.temp_key: one for one in client.get_akuvox_open_door_temp_key_config(residence_id=rid).result
    }
    assert parse_time(listed[keys[0].temp_key].start_time, UTC) == now
    assert listed[keys[2].temp_key].count == 3
    client.delete_akuvox_open_door_temp_key_config(residence_id=rid, temp_key=keys[0].temp_key)
    client.batch_delete_akuvox_open_door_temp_key_config(residence_id=rid, temp_key=[keys[1].temp_key])
    after = {one.temp_key for one in client.get_akuvox_open_door_temp_key_config(residence_id=rid).result}
    assert after & {key.temp_key for key in keys} == {keys[2].temp_key}

    client.update_akuvox_face_file_info(residence_id=rid, filename="my.jpg")
    assert client.get_akuvox_face_file_info(residence_id=rid).result.is_uploaded is True
    client.delete_akuvox_face_file_info(residence_id=rid)
    assert client.get_akuvox_face_file_info(residence_id=rid).result.is_uploaded is False
    client.trigger_akuvox_remote_open_door(residence_id=rid, mac=device["mac"], relay_id=relay["relay_id"])
    assert client.get_akuvox_open_door_history(residence_id=rid).result
    assert client.get_akuvox_call_history(residence_id=rid).unread == []
    client.change_family_admin(residence_id=rid, account_id=made[2])

    journal = simulator.journal()
    assert {one["command"] for one in journal} == set(COMMANDS)
    assert [one for one in journal if one["status"] != 200 or one["refused"]] == []


def test_the_whole_estate_is_read_without_a_row_set_aside(simulator, client):
    families = client.get_family_list()
    assert len(families.result) == 40
    assert families.unread == []
    for family in families.result:
        for read in (
            client.get_family_info,
            client.get_akuvox_device_list,
            client.get_akuvox_open_door_history,
            client.get_akuvox_call_history,
            client.get_akuvox_open_door_temp_key_config,
        ):
            answer = read(residence_id=family.residence_id)
            assert answer.result is not None
            assert answer.unread == []


def test_an_unchanged_result_has_the_same_digest_and_a_changed_one_another(simulator, client):
    family, *_ = simulator.door()
    rid = family["residence_id"]
    before = client.get_family_info(residence_id=rid).digest
    assert client.get_family_info(residence_id=rid).digest == before
    client.update_family_info(residence_id=rid, family_name="Another")
    assert client.get_family_info(residence_id=rid).digest != before


def test_an_expired_token_is_refreshed_and_the_door_opened_once(simulator):
    family, device, relay = simulator.door()
    client = Client(simulator.url, SignedIn(simulator))
    simulator.expire_tokens()
    press = {"residence_id": family["residence_id"], "mac": device["mac"], "relay_id": relay["relay_id"]}
    command_id = client.trigger_akuvox_remote_open_door(**press).command_id
    journal = simulator.journal(CREATE)
    assert [(one["status"], one["executed"], one["id"]) for one in journal] == [
        (401, False, command_id),
        (200, True, command_id),
    ]


def test_a_refresh_token_that_has_expired_too_is_a_lost_sign_in(simulator):
    client = Client(simulator.url, SignedIn(simulator))
    simulator.expire_tokens(refresh_too=True)
    with pytest.raises(SignInLost):
        client.get_family_list()


def test_a_wrong_password_is_refused(simulator):
    wrong = {name: simulator.sign_in[name] for name in ("username", "client_id", "client_secret")}
    with pytest.raises(UpstreamRejected):
        signin.sign_in_with_password(simulator.url, **wrong, password="wrong")


# A fault's options, what a write is told, and how often a read arrives when the fault strikes once: None
# where it eats up the time of a second try.
FAULTS = {
    "reset_before": ({}, OutcomeUnknown, 2),
    "reset_after": ({}, OutcomeUnknown, 2),
    "hang": ({"seconds": 2}, OutcomeUnknown, None),
    "drip": ({"seconds": 2}, OutcomeUnknown, None),
    "drip_headers": ({"seconds": 2}, OutcomeUnknown, None),
    "latency": ({"seconds": 2}, OutcomeUnknown, None),
    "status": ({"status": 503}, OutcomeUnknown, 2),
    "truncated": ({}, OutcomeUnknown, 2),
    "cut": ({}, OutcomeUnknown, 2),
    "redirect": ({}, OutcomeUnknown, 2),
    "huge": ({}, OutcomeUnknown, 2),
    "gzip_bomb": ({}, OutcomeUnknown, 2),
    "html": ({}, OutcomeUnknown, 2),
    "empty": ({}, OutcomeUnknown, 2),
    "refuse": ({"words": "the gate is bolted"}, UpstreamRejected, 1),
    "unauthorized": ({}, SignInLost, 1),
    "busy": ({"seconds": 1}, UpstreamBusy, 2),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_met_by_an_opening_at_most_once(simulator, kind):
    options, error, _ = FAULTS[kind]
    family, device, relay = simulator.door()
    simulator.clear_journal()
    simulator.fault(CREATE, kind, times=1, **options)
    client = Client(simulator.url, StaticToken(simulator.token), deadline_seconds=1)
    with pytest.raises(error) as caught:
        client.trigger_akuvox_remote_open_door(
            residence_id=family["residence_id"], mac=device["mac"], relay_id=relay["relay_id"]
        )
    time.sleep(0.2)
    assert len(simulator.journal(CREATE)) == 1
    if kind == "refuse":
        assert caught.value.words == "the gate is bolted"


@pytest.mark.parametrize("kind", [kind for kind, (*_, seen) in FAULTS.items() if seen])
def test_a_fault_that_passes_is_overcome_by_a_read(simulator, client, kind):
    options, error, seen = FAULTS[kind]
    family, *_ = simulator.door()
    simulator.clear_journal()
    simulator.fault(READ, kind, times=1, **options)
    try:
        answer = client.get_akuvox_face_file_info(residence_id=family["residence_id"])
    except UpstreamError as trouble:
        refused: UpstreamError | None = trouble
    else:
        refused = None
        assert isinstance(answer.result.is_uploaded, bool)
    assert isinstance(refused, error) if kind in ("refuse", "unauthorized") else refused is None
    assert len(simulator.journal(READ)) == seen


def test_a_write_of_a_strange_result_is_a_success(simulator, client):
    family, *_ = simulator.door()
    simulator.fault("create_akuvox_open_door_temp_key_config", "wrong_type", times=1)
    answer = client.create_akuvox_open_door_temp_key_config(
        residence_id=family["residence_id"],
        start_time="2020-03-12 13:32:43",
        finish_time="2040-03-12 13:32:43",
        count=1,
    )
    assert answer.result.temp_key == ""
    assert answer.unread


def test_an_upstream_that_is_switched_off_is_not_sent_to(simulator):
    family, device, relay = simulator.door()
    simulator.stop()
    client = Client(simulator.url, StaticToken("t"), deadline_seconds=3)
    with pytest.raises(NotSent):
        client.trigger_akuvox_remote_open_door(
            residence_id=family["residence_id"], mac=device["mac"], relay_id=relay["relay_id"]
        )
    with pytest.raises(UpstreamUnavailable) as caught:
        client.get_family_list()
    assert caught.value.sent is False


def test_another_familys_door_is_refused(simulator, client):
    _, device, relay = simulator.door()
    with pytest.raises(UpstreamRejected) as caught:
        client.trigger_akuvox_remote_open_door(
            residence_id="r" + "0" * 32, mac=device["mac"], relay_id=relay["relay_id"]
        )
    assert caught.value.words


def test_the_id_that_was_sent_is_in_the_journal(simulator, client):
    mine = new_command_id()
    assert client.get_family_list(command_id=mine).command_id == mine
    assert simulator.journal("get_family_list")[-1]["id"] == mine


def test_a_captured_picture_is_fetched_and_drawn_small(simulator, client):
    family, *_ = simulator.door()
    simulator.opening(residence_id=family["residence_id"])
    rows = client.get_akuvox_open_door_history(residence_id=family["residence_id"]).result
    address = next(row.capture_picture_url for row in rows if row.capture_picture_url)
    data = fetch_picture(address, allowed_hosts=[simulator.host], allow_loopback=True)
    assert reencode(data, max_side=96)[:3] == b"\xff\xd8\xff"
    for kind in ("svg", "pixel_flood", "redirect"):
        simulator.fault("pictures", kind, times=1)
        with pytest.raises(PictureRefused):
            fetch_picture(address, allowed_hosts=[simulator.host], allow_loopback=True)


def test_no_secret_of_the_simulator_stands_in_a_repr(simulator, client):
    secrets = simulator.canaries()
    shown = []
    for family in client.get_family_list().result[:5]:
        rid = {"residence_id": family.residence_id}
        for name, spec in COMMANDS.items():
            if not spec.is_write and set(spec.params) == {"residence_id"}:
                shown.append(repr(client.call(name, rid).result))
    assert len(shown) == 5 * 10
    assert [one for one in secrets if one in json.dumps(shown)] == []
