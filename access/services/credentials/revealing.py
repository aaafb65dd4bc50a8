"""Shows a code to whoever may see it: read live, on the trail before it is asked for, and kept nowhere."""

from dataclasses import dataclass, field
from typing import Any

from access.models import CredentialKind
from access.services.credentials.accounts import account_of, action_on, note
from families.models import Family
from portal.accounts.models import User
from portal.audit.trail import By
from portal.connections import calling
from portal.upstream.answers import Answer
from portal.upstream.client import Client

REVEAL_EVENT = "credential.reveal"
COMMANDS = {
    CredentialKind.PIN: "get_akuvox_open_door_private_key_config",
    CredentialKind.NFC: "get_akuvox_open_door_nfc_config",
    CredentialKind.BLUETOOTH: "get_akuvox_open_door_ble_config",
}


@dataclass(frozen=True)
class Revealed:
    """A code as it is at this moment, and whose; "" where there is none."""

    holder: str
    kind: CredentialKind
    code: str = field(repr=False)


def reveal(actor: User, *, family: Family, holder: str, kind: CredentialKind) -> Revealed:
    """The PIN, NFC or Bluetooth code of an account in the family, for ``actor`` to see; the trail says so first.

    ``family`` was fetched through ``visible_to(actor)``. Raises PermissionDenied, NoAccount and
    trail.AuditUnavailable: nothing was asked then, or nothing may be shown; and every UpstreamError of a read. Cost: 1
    upstream call.
    """
    reach = account_of(actor, family, holder)
    answer = calling.read(
        By.person(actor),
        reach.connection,
        action_on(COMMANDS[kind], REVEAL_EVENT, family, reach, credential=str(kind.label)),
        lambda client, command_id: _ask(client, kind, family, command_id),
        reveals=True,
    )
    code, is_there = _code_of(kind, answer.result)
    note(reach, kind, is_there=is_there)
    return Revealed(holder, kind, code)


def _ask(client: Client, kind: CredentialKind, family: Family, command_id: str) -> Answer[Any]:
    answer: Answer[Any] = client.call(
        COMMANDS[kind], {"residence_id": family.residence_id}, command_id=command_id
    )
    # Read here: an answer that cannot be understood is then what the trail says of it.
    _ = answer.result
    return answer


def _code_of(kind: CredentialKind, result: Any) -> tuple[str, bool]:
    """The code, and whether it is there as ``Credential`` means it."""
    if kind == CredentialKind.PIN:
        return result.private_key, bool(result.private_key)
    if kind == CredentialKind.NFC:
        return result.nfc_code, bool(result.enable_nfc)
    return result.ble_code, bool(result.enable_ble)
