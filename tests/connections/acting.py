"""Doors of the simulator to be opened through the one way that leads upstream."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connections

from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.connections.models import Connection, SignIn
from portal.upstream import signin
from portal.upstream.client import Answer, Client
from tests.factories import ConnectionFactory
from tests.plugins.simulator import SimulatorProcess

OPEN = "trigger_akuvox_remote_open_door"


@dataclass
class Door:
    """A door of the simulator, with the connection that reaches it."""

    connection: Connection
    residence_id: str
    mac: str
    relay_id: str

    @classmethod
    def of(cls, simulator: SimulatorProcess, connection: Connection) -> "Door":
        family, device, relay = simulator.door()
        return cls(connection, family["residence_id"], device["mac"], relay["relay_id"])

    def send(self, client: Client, command_id: str) -> Answer[Any]:
        return client.trigger_akuvox_remote_open_door(
            residence_id=self.residence_id, mac=self.mac, relay_id=self.relay_id, command_id=command_id
        )

    def press(self, press: str = "", **options: Any) -> Performed:
        action = Action(OPEN, "door.open", About(name="Front door"), press or secrets.token_hex(8))
        send = options.pop("send", self.send)
        return calling.perform(By.operator(), self.connection, action, send, **options)


def pasted(simulator: SimulatorProcess, **fields: Any) -> Connection:
    """A connection by a pasted token, which nothing can renew."""
    return ConnectionFactory(base_url=simulator.url, access_token=simulator.token, **fields)


def signed_in(simulator: SimulatorProcess, **fields: Any) -> Connection:
    """A connection by password, whose token can be renewed."""
    wanted = simulator.sign_in
    tokens = signin.sign_in_with_password(
        simulator.url,
        username=wanted["username"],
        password=wanted["password"],
        client_id=wanted["client_id"],
        client_secret=wanted["client_secret"],
    )
    return ConnectionFactory(
        base_url=simulator.url,
        sign_in=SignIn.PASSWORD,
        username=wanted["username"],
        client_id=wanted["client_id"],
        client_secret=wanted["client_secret"],
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        **fields,
    )


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What ``work`` returned in that many threads that began together."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        try:
            gate.wait()
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
