"""What the tests of openings share: a door of the stand-in's estate, a press, and a question."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Device, Relay
from families.models import Family
from portal.accounts.models import User
from portal.web.presses import new_press
from tests.factories import ConnectionFactory, DeviceFactory, ReachFactory, RelayFactory
from tests.families.house import HTMX
from tests.plugins.simulator import SimulatorProcess

OPEN = "trigger_akuvox_remote_open_door"


def a_door(simulator: SimulatorProcess, **fields: Any) -> Relay:
    """A door of the simulator's estate, as a sync would have written it."""
    connection = ConnectionFactory(base_url=simulator.url, access_token=simulator.token)
    family, device, door = simulator.door()
    row = DeviceFactory(
        mac=device["mac"],
        name=device["device_name"],
        family=ReachFactory(
            connection=connection,
            family__residence_id=family["residence_id"],
            family__name=family["family_name"],
        ).family,
    )
    return RelayFactory(relay_id=door["relay_id"], device=row, **fields)


def shared_doors(simulator: SimulatorProcess) -> list[Relay]:
    """One public door of the simulator's estate as two of its families have it."""
    connection = ConnectionFactory(base_url=simulator.url, access_token=simulator.token)
    found = [
        (family, device)
        for family in simulator.estate()["families"]
        for device in family["devices"]
        if device["is_public"] and device["online"] and device["relays"]
    ]
    mac = found[0][1]["mac"]
    rows = []
    for family, device in [pair for pair in found if pair[1]["mac"] == mac][:2]:
        reach = ReachFactory(connection=connection, family__residence_id=family["residence_id"])
        row = DeviceFactory(mac=mac, name=device["device_name"], family=reach.family, is_public=True)
        rows.append(RelayFactory(relay_id=device["relays"][0]["relay_id"], device=row))
    return rows


def shared_with(relay: Relay, family: Family) -> Relay:
    """The same door, now a public one, as another family has it."""
    Device.objects.filter(pk=relay.device.pk).update(is_public=True)
    relay.device.is_public = True
    device = DeviceFactory(mac=relay.device.mac, name=relay.device.name, family=family, is_public=True)
    return RelayFactory(device=device, relay_id=relay.relay_id, is_security=relay.is_security)


def minutes(ago: float) -> datetime:
    """The moment so many minutes ago."""
    return timezone.now() - timedelta(minutes=ago)


def address(relay: Relay, name: str = "opening_create") -> str:
    return reverse(f"access:{name}", args=[relay.device.family.public_id, relay.public_id])


def press_door(
    client: Client,
    user: User,
    relay: Relay,
    *,
    press: str = "",
    headers: dict[str, str] = HTMX,
    **fields: str,
) -> Any:
    """A press of somebody who was asked nothing, unless ``fields`` hold the answers."""
    client.force_login(user)
    token = press or new_press(user.pk, f"open:{relay.public_id}")
    return client.post(address(relay), {"press": token, **fields}, headers=headers)


def ask(client: Client, user: User, relay: Relay, *, headers: dict[str, str] = HTMX, **query: str) -> Any:
    """The question ahead of a press."""
    client.force_login(user)
    return client.get(address(relay, "opening_confirm"), query, headers=headers)


def hidden_in(text: str) -> dict[str, str]:
    """What a form carries unseen: its token, and what was told ahead of the press."""
    return {
        name: value
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text)
        if name != "csrfmiddlewaretoken"
    }
