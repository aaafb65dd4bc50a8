"""Turns NFC and Bluetooth of an account on and off."""

from typing import Any

from access.models import CredentialKind
from access.services.credentials.accounts import FOR_CHANGING, account_of, action_on, is_new_success, note
from families.models import Family
from families.services.acting import Budget
from portal.accounts.models import User
from portal.audit.trail import By
from portal.connections import calling
from portal.connections.calling import Performed
from portal.upstream.answers import Answer
from portal.upstream.client import Client
from portal.web.presses import PressInvalid

NFC_COMMAND = "update_akuvox_open_door_nfc_config"
BLUETOOTH_COMMAND = "update_akuvox_open_door_ble_config"
EVENTS = {CredentialKind.NFC: "credential.nfc", CredentialKind.BLUETOOTH: "credential.bluetooth"}


def switch(
    actor: User,
    *,
    family: Family,
    holder: str,
    account_id: str,
    kind: CredentialKind,
    is_on: bool,
    press: str,
) -> Performed:
    """Turn NFC or Bluetooth of an account of the family on or off, on behalf of ``actor``.

    ``family`` was fetched through ``visible_to(actor)``; ``account_id`` is the account that the form named. The answer
    holds a code, which is dropped: whoever wants to see it asks for it. Without an answer it is looked up: as
    wanted is done, else it is as before. Raises PermissionDenied, NoAccount, trail.AuditUnavailable, PressInvalid for
    a repeat that asks for the other way: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call, 2
    with a look.
    """
    reach = account_of(actor, family, holder, account_id)
    budget = Budget()
    residence_id = family.residence_id
    is_nfc = kind == CredentialKind.NFC
    command = NFC_COMMAND if is_nfc else BLUETOOTH_COMMAND

    def send(client: Client, command_id: str) -> Answer[Any]:
        seconds = budget.left() * FOR_CHANGING
        if is_nfc:
            return client.update_akuvox_open_door_nfc_config(
                residence_id=residence_id,
                enable_nfc=is_on,
                command_id=command_id,
                deadline_seconds=seconds,
            )
        return client.update_akuvox_open_door_ble_config(
            residence_id=residence_id, enable_ble=is_on, command_id=command_id, deadline_seconds=seconds
        )

    def look(client: Client) -> bool | None:
        if is_nfc:
            found = client.get_akuvox_open_door_nfc_config(residence_id=residence_id).result.enable_nfc
        else:
            found = client.get_akuvox_open_door_ble_config(residence_id=residence_id).result.enable_ble
        return None if found is None else found == is_on

    action = action_on(command, EVENTS[kind], family, reach, press, is_on=is_on)
    performed = calling.perform(By.person(actor), reach.connection, action, send, settle=look)
    if performed.is_repeat and performed.command.parameters != action.parameters:
        raise PressInvalid("the press asked for the other way")
    if is_new_success(performed):
        note(reach, kind, is_there=is_on)
    return performed
