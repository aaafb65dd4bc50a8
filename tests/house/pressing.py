"""Everything that a person can send about doors and credentials, ready to be pressed through the real views.

One press is one form with its token, sent once, again, or several times at once, while the stand-in has one fault
waiting for its command, and perhaps one for the look that follows. What is true is what the stand-in's journal says.
"""

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import time_machine
from django.test import Client
from django.urls import reverse

from access.models import CredentialKind, Relay, TempKey
from access.sync import runs
from access.views.cards import press_purpose
from access.views.credentials import faces, pins
from access.views.credentials.parts import purpose_of
from access.views.passes.deletions import delete_purpose
from access.views.passes.making import PURPOSE as MAKE_PASSES
from families.models import Family, Kind, Reach
from families.sync import states
from portal.accounts.models import User
from portal.audit.models import Command
from portal.connections.models import Connection, Health
from portal.connections.tokens import StoredTokens
from portal.upstream.client import Client as Upstream
from portal.web.presses import new_press, read_press
from tests.access.credentials import (
    DELETE_FACE,
    GET_BLE,
    GET_FACE,
    GET_NFC,
    SET_BLE,
    SET_FACE,
    SET_NFC,
    SET_PIN,
)
from tests.access.making import CREATE
from tests.access.passing import DELETE
from tests.accounts.signing_in import sign_in_recently
from tests.connections.acting import OPEN, at_once, pasted, signed_in
from tests.factories import ManagerFactory, ReachFactory
from tests.families.house import HTMX
from tests.plugins.simulator import SimulatorProcess

# A fault, and how many of fifty presses meet it. The quick ones are drawn more often: each hang costs a deadline.
FAULTS: list[tuple[str, dict[str, Any], int]] = [
    ("", {}, 12),
    ("refuse", {"words": "Not for this account"}, 3),
    ("busy", {"seconds": 0.2}, 3),
    ("unauthorized", {}, 3),
    ("status", {"status": 500}, 2),
    ("status", {"status": 503}, 2),
    ("status", {"status": 404}, 2),
    ("html", {}, 2),
    ("empty", {}, 2),
    ("redirect", {"status": 302}, 2),
    ("redirect", {"status": 307}, 2),
    ("reset_before", {}, 3),
    ("reset_after", {}, 3),
    ("truncated", {}, 3),
    ("cut", {}, 2),
    ("wrong_type", {}, 2),
    ("drip", {"seconds": 0.5}, 1),
    ("drip_headers", {"seconds": 0.5}, 1),
    ("hang", {"seconds": 5}, 1),
    ("hang", {"seconds": 5, "executes": True}, 1),
]
HOW_OFTEN = ("once", "once", "once", "again", "at once")
AT_ONCE = 3
# Longer than a press may wait for its row in the history, and than a pause of the upstream.
ROUND_SECONDS = 150


@dataclass
class Form:
    """What is sent: where, with which fields, signed for what."""

    path: str
    fields: dict[str, str]
    purpose: str
    press_field: str = "press"
    # The page on which an unknown outcome is still said afterwards, made of the command; "" where the answer says it.
    page: Callable[[Command], str] | None = None


@dataclass
class Told:
    """One press, what met it, and what everybody says of it afterwards."""

    command_name: str
    residence_id: str
    fault: str
    can_renew: bool
    command: Command
    # Its state when all answers were there, before anything else was read.
    said: str
    statuses: list[int]
    texts: list[str]
    page: Callable[[Command], str] | None
    journal: list[dict[str, Any]]

    @property
    def state(self) -> str:
        return self.command.state

    @property
    def executed(self) -> int:
        return sum(row["executed"] for row in self.journal)

    @property
    def taken(self) -> int:
        """How often it was sent and neither turned away for its token nor for want of time (401, 429)."""
        return sum(row["status"] not in (401, 429) for row in self.journal)

    def __str__(self) -> str:
        rows = [(row["status"], row["fault"], row["executed"]) for row in self.journal]
        return f"{self.command_name} {self.fault or 'no fault'}: {self.state} {self.command.error} {rows}"


class Desk:
    """A manager before an estate that is reached by a few connections, each worked by one thread."""

    def __init__(self, simulator: SimulatorProcess, seed: int, workers: int) -> None:
        self.simulator = simulator
        self.seed = seed
        self.round = 0
        self.manager: User = ManagerFactory(name="Ana")
        self.client = Client()
        # A pasted token and one that can be renewed meet a 401 differently.
        self.connections = [
            (pasted if number % 2 else signed_in)(simulator, name=f"Office {number}")
            for number in range(workers)
        ]
        self.on: dict[tuple[str, str], bool] = {}
        told = [each for each in simulator.estate()["families"] if each["auth"] and not each["is_gone"]]
        account = simulator.sign_in["account_id"]
        for number, each in enumerate(told):
            reach = ReachFactory(
                connection=self.connections[number % workers],
                family__residence_id=each["residence_id"],
                family__name=each["family_name"],
                account_id=account,
            )
            states.make_for_families([reach.family_id])
        self.read(Kind.DEVICES, Kind.OPENINGS, Kind.TEMP_KEYS)

    def read(self, *kinds: str) -> None:
        """The sync reads these kinds of all families."""
        self.rest()
        report = runs.read_now(self.connections, kinds=kinds)
        assert report.good
        assert not report.failures

    def rest(self, *connections: Connection) -> None:
        """Time enough goes by that nothing keeps from calling any more."""
        some = Connection.objects.filter(pk__in=[one.pk for one in connections or self.connections])
        some.update(
            open_until=None,
            hold_until=None,
            failures=0,
            recent_failures=[],
            health=Health.GOOD,
            last_error="",
        )

    def sign_in(self) -> None:
        """The manager shows the password once more."""
        sign_in_recently(self.client, self.manager)

    def later(self, clock: time_machine.Traveller) -> None:
        """Some minutes go by, here and there: the next round begins."""
        self.round += 1
        clock.shift(ROUND_SECONDS)
        self.simulator.advance(ROUND_SECONDS)

    def forms(self, reach: Reach) -> Iterator[tuple[str, str, Callable[[], Form | None]]]:
        """What can be pressed in a family in one round: the command, the one that looks after it alone ("" where it is
        read before too, and a look that fails would keep it from being sent), and the form."""
        family = reach.family
        for relay in self.doors(family):
            yield OPEN, "", lambda relay=relay: self.door(relay)
        yield SET_PIN, "", lambda: self.pin(reach)
        for kind, command, look in (
            (CredentialKind.NFC, SET_NFC, GET_NFC),
            (CredentialKind.BLUETOOTH, SET_BLE, GET_BLE),
        ):
            yield command, look, lambda kind=kind: self.switch(reach, kind)
        yield (
            DELETE_FACE if self.is_on(reach, CredentialKind.FACE) else SET_FACE,
            "",
            lambda: self.face(reach),
        )
        yield DELETE, "", lambda: self.deletion(family)
        yield CREATE, "", lambda: self.making(family)

    def doors(self, family: Family) -> list[Relay]:
        """One door of each device whose name is the only one in the family: by it the history is read. None that several
        families share: of a press of moments ago through another one a person would be asked first.
        """
        devices = [
            one for one in family.devices.all() if one.is_online and not one.is_public and one.gone_at is None
        ]
        names = [device.name for device in devices]
        found = []
        for device in devices:
            relay = device.relays.filter(is_security=False, gone_at=None).order_by("pk").first()
            if relay is not None and names.count(device.name) == 1:
                found.append(relay)
        return found

    def press(
        self, reach: Reach, which: int, command: str, look: str, make: Callable[[], Form | None]
    ) -> Told | None:
        """Draw a fault, send a form as often as was drawn, and gather what became of it; None where none is to be had."""
        # Of its own, so that the order of the threads changes nothing.
        dice = random.Random(f"{self.seed} {self.round} {reach.family.residence_id} {which}")
        fault, options, _weight = dice.choices(FAULTS, [weight for *_, weight in FAULTS])[0]
        how_often = dice.choice(HOW_OFTEN)
        looks_badly = bool(look) and dice.random() < 0.25
        form = make()
        if form is None:
            return None
        residence_id = reach.family.residence_id
        self.rest(reach.connection)
        if fault:
            self.simulator.fault(command, fault, residence_id=residence_id, times=1, **options)
        if looks_badly:
            self.simulator.fault(look, "status", status=503, residence_id=residence_id)
        token = new_press(self.manager.pk, form.purpose)
        fields = {**form.fields, form.press_field: token}
        answers = self.send(form.path, fields, how_often)
        self.simulator.clear_faults(residence_id)
        sent = Command.objects.get(press=read_press(token, self.manager.pk, form.purpose))
        told = Told(
            command_name=command,
            residence_id=residence_id,
            fault=" ".join([fault, *(str(options[name]) for name in ("status",) if name in options)]),
            can_renew=reach.connection.sign_in_can_renew,
            command=sent,
            said=sent.state,
            statuses=[answer.status_code for answer in answers],
            texts=[answer.text for answer in answers],
            page=form.page,
            journal=self.simulator.journal(command, id=sent.command_id),
        )
        self.follow(told)
        return told

    def send(self, path: str, fields: dict[str, str], how_often: str) -> list[Any]:
        """The answers to one form: sent once, again after its answer, or three times at once."""
        if how_often != "at once":
            return [self.post(path, fields) for _ in range(2 if how_often == "again" else 1)]
        return at_once(AT_ONCE, lambda _number: self.post(path, fields))

    def post(self, path: str, fields: dict[str, str]) -> Any:
        """As one of the manager's tabs."""
        client = Client()
        client.cookies = self.client.cookies
        return client.post(path, fields, headers=HTMX)

    def get(self, path: str) -> str:
        """A page, as text."""
        return str(self.client.get(path, headers=HTMX).text)

    def is_on(self, reach: Reach, kind: str) -> bool:
        """What the stand-in holds before it is changed: asked once, then followed by its journal."""
        key = (reach.family.residence_id, kind)
        if key not in self.on:
            client = Upstream(reach.connection.base_url, StoredTokens(reach.connection.pk))
            commands = {
                CredentialKind.NFC: (GET_NFC, "enable_nfc"),
                CredentialKind.BLUETOOTH: (GET_BLE, "enable_ble"),
                CredentialKind.FACE: (GET_FACE, "is_uploaded"),
            }
            command, name = commands[CredentialKind(kind)]
            self.on[key] = bool(getattr(client.call(command, {"residence_id": key[0]}).result, name))
        return self.on[key]

    def follow(self, told: Told) -> None:
        """What was carried out has changed what is there."""
        kinds = {
            SET_NFC: CredentialKind.NFC,
            SET_BLE: CredentialKind.BLUETOOTH,
            SET_FACE: CredentialKind.FACE,
            DELETE_FACE: CredentialKind.FACE,
        }
        kind = kinds.get(told.command_name)
        if kind and told.executed:
            key = (told.residence_id, kind)
            self.on[key] = not self.on[key]

    # The forms

    def door(self, relay: Relay) -> Form:
        """Opening a door."""
        ids = [relay.device.family.public_id, relay.public_id]
        return Form(
            reverse("access:opening_create", args=ids),
            {"reason": "a thousand presses"},
            press_purpose(relay),
            page=lambda command: reverse("access:opening_press", args=[*ids, command.public_id]),
        )

    def pin(self, reach: Reach) -> Form:
        """Changing the PIN to one that was never there."""
        digits = f"59{secrets.randbelow(9_000) + 1_000}83"
        return Form(
            reverse("access:pin_change", args=[reach.family.public_id]),
            {"account": "organisation", "pin": digits, "again": digits},
            purpose_of(reach.family, reach, pins.PURPOSE),
        )

    def switch(self, reach: Reach, kind: CredentialKind) -> Form:
        """Turning NFC or Bluetooth the other way."""
        return Form(
            reverse("access:credential_switch", args=[reach.family.public_id]),
            {"account": "organisation", "kind": kind, "on": "no" if self.is_on(reach, kind) else "yes"},
            purpose_of(reach.family, reach, kind),
        )

    def face(self, reach: Reach) -> Form:
        """Registering the face, or deleting it where there is one."""
        if self.is_on(reach, CredentialKind.FACE):
            return Form(
                reverse("access:face_delete", args=[reach.family.public_id]),
                {"account": "organisation"},
                purpose_of(reach.family, reach, CredentialKind.FACE),
            )
        return Form(
            reverse("access:face_register", args=[reach.family.public_id]),
            {"account": "organisation", "filename": "maria.jpg"},
            purpose_of(reach.family, reach, faces.PURPOSE),
        )

    def making(self, family: Family) -> Form:
        """Making a pass for today."""
        fields = {
            "family": family.public_id,
            "label": "Plumber",
            "window": "today",
            "often": "own",
            "uses": "3",
        }
        return Form(reverse("access:pass_create"), fields, MAKE_PASSES)

    def deletion(self, family: Family) -> Form | None:
        """Deleting a pass, while there is one."""
        key = TempKey.objects.filter(family=family, gone_at=None).exclude(fingerprint="").first()
        if key is None:
            return None
        return Form(
            reverse("access:pass_delete"),
            {"pass": key.public_id},
            delete_purpose(family),
            press_field=f"press-{family.public_id}",
        )


def settled(presses: list[Told]) -> None:
    """What the commands say by now."""
    found = Command.objects.in_bulk([told.command.pk for told in presses])
    for told in presses:
        told.command = found[told.command.pk]
