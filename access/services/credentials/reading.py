"""Reads which credentials an account has, without keeping any of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import F, Min, Q

from access.models import Credential, CredentialKind
from access.selectors.credentials import own_reaches
from access.services.credentials.accounts import about, account_of
from families.models import Family, Reach
from portal import waiting
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import About, By
from portal.connections import outcomes
from portal.connections.line import LEAST_SECONDS, NotPossible, open_line
from portal.upstream import errors
from portal.upstream.client import Client, new_command_id

READ_EVENT = "credential.read"
FAMILIES_AT_ONCE = 25
# One for each kind; beside them a token that has to be renewed, and an answer that has to be asked for again.
CALLS_PER_FAMILY, CALLS_BESIDE = 4, 2
_READS: dict[CredentialKind, Callable[[Client, str], bool]] = {
    CredentialKind.PIN: lambda client, rid: bool(
        client.get_akuvox_open_door_private_key_config(residence_id=rid).result.private_key
    ),
    CredentialKind.NFC: lambda client, rid: bool(
        client.get_akuvox_open_door_nfc_config(residence_id=rid).result.enable_nfc
    ),
    CredentialKind.BLUETOOTH: lambda client, rid: bool(
        client.get_akuvox_open_door_ble_config(residence_id=rid).result.enable_ble
    ),
    CredentialKind.FACE: lambda client, rid: (
        client.get_akuvox_face_file_info(residence_id=rid).result.is_uploaded
    ),
}


@dataclass(frozen=True)
class Read:
    """How far a reading came: families read whole, and those left for another time. ``error`` is why it ended early."""

    families: int
    left: int
    error: errors.UpstreamError | None = None


def read_family(actor: User, *, family: Family, holder: str) -> Read:
    """Read which credentials an account of the family has, on behalf of ``actor``, and store that alone.

    ``family`` was fetched through ``visible_to(actor)``. What could be read is kept where the rest could not. Raises
    PermissionDenied, NoAccount, and trail.AuditUnavailable. Cost: 4 upstream calls.
    """
    reach = account_of(actor, family, holder)
    return _read(actor, [reach], about(family, reach))


def read_own(actor: User, *, at_most: int = FAMILIES_AT_ONCE) -> Read:
    """The same for ``actor``'s own account in the families that they may see, those read longest ago first.

    As many as there is time for, and ``at_most``. Raises trail.AuditUnavailable. Cost: 4 upstream calls a family.
    """
    known = Q(credentials__account_id=F("account_id"))
    oldest = Min("credentials__read_at", filter=known)
    found = own_reaches(actor).annotate(oldest=oldest).order_by(F("oldest").asc(nulls_first=True), "pk")
    reaches = list(found.select_related("connection", "family"))
    if not reaches:
        return Read(0, 0)
    read = _read(actor, reaches[:at_most], About(None, "", "account", "", str(actor)))
    return replace(read, left=len(reaches) - read.families)


def _read(actor: User, reaches: Sequence[Reach], about_whom: About) -> Read:
    """Read accounts of one connection, one after the other; the trail says before that it begins, and after how it went.

    The answers hold the codes, though none is shown: without a trail nothing is asked.
    """
    began = time.monotonic()
    ends = began + settings.UPSTREAM_DEADLINE_SECONDS
    connection, command_id = reaches[0].connection, new_command_id()
    with waiting.until(ends):
        trail.record_first(
            READ_EVENT,
            By.person(actor),
            about_whom,
            parameters={"connection": connection.name},
            phase=State.INTENT,
            command_id=command_id,
        )
    done = 0
    error: errors.UpstreamError | None = None
    # A family whose account is refused, or answered strangely, says nothing of the next one.
    passing = (errors.UpstreamRejected, errors.NotUnderstood)
    try:
        with open_line(connection, len(reaches) * CALLS_PER_FAMILY + CALLS_BESIDE, ends) as line:
            for reach in reaches:
                if ends - time.monotonic() < LEAST_SECONDS:
                    break
                trouble = _read_one(line.client(), reach, passing)
                outcomes.learn(line.connection, trouble, about=str(reach.family_id))
                error = trouble or error
                done += trouble is None
                if trouble is not None and not isinstance(trouble, passing):
                    break
    except NotPossible as refusal:
        error = errors.NotSent(refusal.error, words=refusal.words)
    result = outcomes.result_of(error) if error is not None else None
    trail.record_first(
        READ_EVENT,
        By.person(actor),
        about_whom,
        parameters={"connection": connection.name, "families": done},
        phase="outcome",
        outcome=result.state if result else State.SUCCEEDED,
        command_id=command_id,
        words=result.words if result else "",
        duration_ms=round((time.monotonic() - began) * 1000),
    )
    return Read(done, len(reaches) - done, error)


def _read_one(
    client: Client, reach: Reach, passing: tuple[type[errors.UpstreamError], ...]
) -> errors.UpstreamError | None:
    """Read what one account has; what one answer tells is stored whatever the next one says."""
    error: errors.UpstreamError | None = None
    for kind, read in _READS.items():
        try:
            is_there = read(client, reach.family.residence_id)
        except passing as refused:
            error = refused
            continue
        except errors.UpstreamError as caught:
            return caught
        Credential.note(reach, kind, is_there=is_there)
    return error
