"""A1: pressing "open", from the request to the answer, beside a bare call of the upstream."""

import json

import requests

from access.models import Relay
from access.selectors import get_relay
from access.services.doors import Answers, open_door
from access.sync import runs
from access.sync.presses import OPEN_COMMAND
from access.views.cards import opener
from families.models import Kind
from portal.audit.models import Command, State
from portal.upstream.client import COMMANDS_PATH, new_command_id
from tests.benchmarks.asking import browser
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant
from tests.factories import ConnectionFactory, ManagerFactory
from tests.plugins.simulator import SimulatorProcess


@benchmark("A1", "pressing “open”, over what the upstream itself takes, beside bare requests")
def pressing(bench: Bench) -> None:
    folder = bench.folder / "simulator"
    folder.mkdir(exist_ok=True)
    simulator = SimulatorProcess(folder, "--families", "4")
    try:
        _press(bench, simulator)
    finally:
        simulator.stop()


def _press(bench: Bench, simulator: SimulatorProcess) -> None:
    connection = ConnectionFactory(
        base_url=simulator.url, access_token=simulator.token, calls_per_minute=1_000_000
    )
    told, device, _ = simulator.door()
    residence_id = told["residence_id"]
    runs.read_now([connection], residence_id=residence_id, kinds=(Kind.FAMILIES, Kind.MEMBERS, Kind.DEVICES))
    manager = ManagerFactory()
    found = Relay.objects.filter(device__mac=device["mac"], device__family__residence_id=residence_id)
    known = found.select_related("device__family").order_by("pk")[0]
    family_id = known.device.family.public_id
    client, session, token = browser(manager), requests.Session(), simulator.token

    url = ""
    # Twice within moments: each says of the one before that it is meant again.
    form = {"again": "", "reason": ""}

    def load_page() -> None:
        nonlocal url
        shown = opener(manager, known, known.device)
        url, form["press"] = shown["url"], shown["press"]
        form["again"] = pressed_before()

    def pressed_before() -> str:
        before = Command.objects.order_by("-created_at").values_list("public_id", flat=True)
        return before.first() or ""

    def whole() -> None:
        answer = client.post(url, form, headers={"HX-Request": "true"})
        assert answer.status_code == 200, answer.content.decode()[:400]

    def service() -> None:
        relay = get_relay(manager, family_id=family_id, relay_id=known.public_id)
        done = open_door(
            manager, relay=relay, press=new_command_id(), answers=Answers(again=pressed_before())
        )
        assert done.command.state == State.SUCCEEDED, done.command.words

    def bare() -> None:
        param = {"residence_id": residence_id, "mac": known.device.mac, "relay_id": known.relay_id}
        body = {"command": OPEN_COMMAND, "id": new_command_id(), "param": param}
        headers = {"Authorization": f"Bearer {token}"} | dict.fromkeys(
            ("Accept", "Content-Type"), "application/json"
        )
        answer = session.post(
            simulator.url + COMMANDS_PATH, data=json.dumps(body), headers=headers, timeout=10
        )
        assert answer.json()["success"], answer.text

    measured = bench.measure(
        Variant("ours", whole, before=load_page),
        Variant("the service alone", service),
        Variant("bare requests", bare),
        waits=True,
    )
    assert not Command.objects.exclude(state=State.SUCCEEDED).exists()
    over = measured.seconds["ours"] - measured.seconds["bare requests"]
    bench.tell(measured, [Claim("ours over bare requests, ms", over * 1000, most=15)])
