"""Shows where a device's stream is, with the user and password in it: read live, on the trail first, kept nowhere."""

from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied

from access.macs import plain_mac
from access.models import Device
from access.services.devices.checking import Gone
from families.services.acting import may_act_in, reach_of
from portal.accounts.models import User
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action
from portal.upstream import types
from portal.upstream.answers import Answer
from portal.upstream.client import Client

LIST_COMMAND = "get_akuvox_device_list"
STREAM_EVENT = "device.stream"
# Longer than any address that a player takes.
LONGEST_ADDRESS = 2000


class DeviceNotListed(Exception):
    """The family's list of this moment does not have the device: nothing is shown."""


class NoAddress(Exception):
    """The list has the device, and no address of a stream that could be shown."""


@dataclass(frozen=True)
class Stream:
    """The address of a device's stream as it is at this moment; whoever has it sees what the device sees."""

    address: str = field(repr=False)


def reveal_stream(actor: User, *, device: Device) -> Stream:
    """The address of the device's stream, for ``actor``, a manager, to see; the trail says so first.

    ``device`` comes with its family and was fetched through ``visible_to(actor)``. Raises PermissionDenied, Gone,
    NoConnection and trail.AuditUnavailable: nothing was asked then, or nothing may be shown; every UpstreamError of a
    read; DeviceNotListed and NoAddress. Cost: 1 upstream call (get_akuvox_device_list).
    """
    family = device.family
    may_act_in(actor, family)
    if not actor.is_manager:
        raise PermissionDenied
    if device.gone_at is not None or family.gone_at is not None:
        raise Gone
    reach = reach_of(family)
    answer = calling.read(
        By.person(actor),
        reach.connection,
        Action(
            LIST_COMMAND,
            STREAM_EVENT,
            About(family.pk, family.name, "device", device.public_id, device.name),
            parameters={"connection": reach.connection.name},
        ),
        lambda client, command_id: _ask(client, family.residence_id, command_id),
        reveals=True,
    )
    return Stream(_address_of(device, answer.result))


def _ask(client: Client, residence_id: str, command_id: str) -> Answer[list[types.Device]]:
    answer = client.get_akuvox_device_list(residence_id=residence_id, command_id=command_id)
    # Read here: an answer that cannot be understood is then what the trail says of it.
    _ = answer.result
    return answer


def _address_of(device: Device, rows: list[types.Device]) -> str:
    """The address in the device's row; the MAC may be written in another way than when it was first read."""
    same = [row for row in rows if plain_mac(row.mac) == plain_mac(device.mac)]
    if not same:
        raise DeviceNotListed
    row = next((row for row in same if row.mac == device.mac), same[0])
    address = row.stream_address.strip()
    if not address or len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise NoAddress
    return address
