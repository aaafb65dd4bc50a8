"""Gives an account another PIN."""

from django.utils.translation import gettext as _

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
from portal.upstream import errors
from portal.upstream.answers import Answer
from portal.upstream.client import Client
from portal.upstream.sending import mask
from portal.upstream.types import PrivateKey

PIN_COMMAND = "update_akuvox_open_door_private_key_config"
PIN_EVENT = "credential.pin"


class SamePin(Exception):
    """It is the PIN of now already: nothing was changed."""


def change_pin(
    actor: User, *, family: Family, holder: str, account_id: str, pin: str, press: str
) -> Performed:
    """Give an account of the family another PIN, on behalf of ``actor``; the command's state says what is known.

    ``family`` was fetched through ``visible_to(actor)``, ``pin`` is checked already, ``account_id`` is the account
    that the form named: another one's PIN is not changed in its place. The PIN of before is read first, for two
    reasons: it may not be given again, and what became of a change without an answer is told by comparing (as wanted
    is done, as before is refused, else nobody knows). No PIN, nor a digest of one, is kept anywhere: a repeat of the press
    sends nothing, whatever it holds. Raises PermissionDenied, NoAccount, SamePin, trail.AuditUnavailable: nothing was
    changed then; and trail.OutcomeNotRecorded. Cost: 2 upstream calls (the PIN is read, then set), 3 with a look.
    """
    reach = account_of(actor, family, holder, account_id)
    change = _Change(family, pin)
    performed = calling.perform(
        By.person(actor),
        reach.connection,
        action_on(PIN_COMMAND, PIN_EVENT, family, reach, press),
        change.send,
        settle=change.look,
    )
    if change.is_same:
        raise SamePin
    if is_new_success(performed):
        note(reach, CredentialKind.PIN, is_there=True)
    return performed


class _Change:
    """The change of a PIN, as it is sent and looked up. Holds PINs: it lives as long as its action."""

    def __init__(self, family: Family, pin: str) -> None:
        self.residence_id = family.residence_id
        self.pin = pin
        self.before = ""
        self.is_same = False
        self.budget = Budget()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def send(self, client: Client, command_id: str) -> Answer[None]:
        found = ask_before(lambda seconds: self._ask(client, seconds), self.budget, PIN_COMMAND)
        self.before = found.private_key
        if self.before == self.pin:
            self.is_same = True
            raise errors.UpstreamRejected(
                "the same PIN", command=PIN_COMMAND, words=_("It is the PIN already.")
            )
        try:
            return client.update_akuvox_open_door_private_key_config(
                residence_id=self.residence_id,
                private_key=self.pin,
                command_id=command_id,
                deadline_seconds=self.budget.left() * FOR_CHANGING,
            )
        except errors.UpstreamError as error:
            # The client takes out what was sent; an upstream may name the PIN of before as well.
            error.words = mask(error.words, [self.before] if self.before else [])
            raise

    def look(self, client: Client) -> bool | None:
        """Whether it is the PIN now; False where it is still the one of before, None where it is neither."""
        found = self._ask(client, None).result.private_key
        return True if found == self.pin else False if found == self.before else None

    def _ask(self, client: Client, seconds: float | None) -> Answer[PrivateKey]:
        return client.get_akuvox_open_door_private_key_config(
            residence_id=self.residence_id, deadline_seconds=seconds
        )
