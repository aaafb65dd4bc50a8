"""What the tests of the connections' pages share."""

import re
from typing import Any

from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.connections.models import Connection
from tests.accounts.signing_in import sign_in_recently
from tests.plugins.simulator import SimulatorProcess

HTMX = {"HX-Request": "true"}
CREATE = reverse("connections:connection_create")


def come(client: Client, person: User, *, is_recent: bool = True) -> User:
    """The person is signed in, and with ``is_recent`` has just shown their password."""
    client.force_login(person)
    if is_recent:
        sign_in_recently(client, person)
    return person


def press_in(text: str) -> str:
    """The press token of the first form in an answer that has one."""
    found = re.search(r'name="press" value="([^"]+)"', text)
    assert found, text
    return found[1]


def typed(simulator: SimulatorProcess, how: str, **changes: Any) -> dict[str, str]:
    """What somebody types to sign the organisation's account in."""
    known = simulator.sign_in
    fields = {"how": how, "base_url": simulator.url}
    if how == "token":
        fields["token"] = known["token"]
    else:
        fields |= {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    if how == "password":
        fields |= {"username": known["username"], "password": known["password"]}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def new(simulator: SimulatorProcess, how: str = "token", **changes: Any) -> dict[str, str]:
    """The same for a new connection, with its name and settings."""
    return typed(
        simulator,
        how,
        **{"name": "Riverside", "history_zone": "UTC", "calls_per_minute": "600", **changes},
    )


def send(
    client: Client, address: str, fields: dict[str, str], *, headers: Any = HTMX, press: str = ""
) -> Any:
    """The form of this address, sent as a browser would."""
    how = fields.get("how", "")
    press = press or press_in(client.get(f"{address}?how={how}" if how else address).text)
    return client.post(address, {**fields, "press": press}, headers=headers)


def add(client: Client, simulator: SimulatorProcess, how: str = "token", **changes: Any) -> Any:
    """A connection is added by its form."""
    return send(client, CREATE, new(simulator, how, **changes))


def kept_anywhere() -> str:
    """All that is stored, as text."""
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return f"{list(Connection.objects.values())} {list(Entry.objects.values())} {sessions}"
