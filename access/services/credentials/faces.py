"""Registers and deletes the face of an account. How a picture gets to the upstream is not in its reference."""

from access.models import CredentialKind
from access.services.credentials.accounts import (
    FOR_CHANGING,
    account_of,
    action_on,
    ask_before,
    is_new_success,
    note,
)
from families.models import Family
from families.services.acting import Budget
from portal.accounts.models import User
from portal.audit.trail import By
from portal.connections import calling
from portal.connections.calling import Performed
from portal.upstream.answers import Answer
from portal.upstream.client import Client
from portal.web.presses import PressInvalid

REGISTER_COMMAND = "update_akuvox_face_file_info"
REGISTER_EVENT = "credential.face_register"
DELETE_COMMAND = "delete_akuvox_face_file_info"
DELETE_EVENT = "credential.face_delete"


def register_face(
    actor: User, *, family: Family, holder: str, account_id: str, filename: str, press: str
) -> Performed:
    """Register the name of a face's file for an account of the family, on behalf of ``actor``.

    ``family`` was fetched through ``visible_to(actor)``, ``filename`` is checked already, ``account_id`` is the account
    that the form named. Whether a face is on file is read first: where none was, an outcome without an answer is told
    by looking again; where one was, nobody can tell the old name from the new. Raises PermissionDenied, NoAccount,
    trail.AuditUnavailable, PressInvalid for a repeat with another name: nothing was sent then; and
    trail.OutcomeNotRecorded. Cost: 2 upstream calls, 3 with a look.
    """
    reach = account_of(actor, family, holder, account_id)
    budget = Budget()
    was_there = False

    def send(client: Client, command_id: str) -> Answer[None]:
        nonlocal was_there
        found = ask_before(
            lambda seconds: client.get_akuvox_face_file_info(
                residence_id=family.residence_id, deadline_seconds=seconds
            ),
            budget,
            REGISTER_COMMAND,
        )
        was_there = found.is_uploaded
        return client.update_akuvox_face_file_info(
            residence_id=family.residence_id,
            filename=filename,
            command_id=command_id,
            deadline_seconds=budget.left() * FOR_CHANGING,
        )

    def look(client: Client) -> bool | None:
        return None if was_there else _is_on_file(client, family)

    action = action_on(REGISTER_COMMAND, REGISTER_EVENT, family, reach, press, filename=filename)
    performed = calling.perform(By.person(actor), reach.connection, action, send, settle=look)
    if performed.is_repeat and performed.command.parameters != action.parameters:
        raise PressInvalid("the press registered another name")
    if is_new_success(performed):
        note(reach, CredentialKind.FACE, is_there=True)
    return performed


def delete_face(actor: User, *, family: Family, holder: str, account_id: str, press: str) -> Performed:
    """Take the face of an account of the family off the file, on behalf of ``actor``.

    ``family`` was fetched through ``visible_to(actor)``; ``account_id`` is the account that the page named. Without an
    answer it is looked up. Raises PermissionDenied, NoAccount and trail.AuditUnavailable: nothing was sent then; and
    trail.OutcomeNotRecorded. Cost: 1 upstream call, 2 with a look.
    """
    reach = account_of(actor, family, holder, account_id)
    budget = Budget()
    performed = calling.perform(
        By.person(actor),
        reach.connection,
        action_on(DELETE_COMMAND, DELETE_EVENT, family, reach, press),
        lambda client, command_id: client.delete_akuvox_face_file_info(
            residence_id=family.residence_id,
            command_id=command_id,
            deadline_seconds=budget.left() * FOR_CHANGING,
        ),
        settle=lambda client: not _is_on_file(client, family),
    )
    if is_new_success(performed):
        note(reach, CredentialKind.FACE, is_there=False)
    return performed


def _is_on_file(client: Client, family: Family) -> bool:
    return client.get_akuvox_face_file_info(residence_id=family.residence_id).result.is_uploaded
