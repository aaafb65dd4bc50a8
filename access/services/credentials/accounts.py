"""Whose credentials somebody may have to do with: the account in a family, and what every action on them stands on."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError

from access.models import Credential, Holder
from access.selectors.credentials import name_of
from families.models import Family, Reach
from families.services.acting import Budget, may_act_in
from portal.accounts.models import User
from portal.audit.models import State
from portal.audit.trail import About
from portal.connections.calling import Action, Performed
from portal.upstream import errors
from portal.upstream.answers import Answer

Found = TypeVar("Found")
# Of what is left of an action's time: for finding how it is before, and for the change itself. The rest is for looking.
FOR_FINDING, FOR_CHANGING = 0.3, 0.7


class NoAccount(Exception):
    """No account of this holder can be used in this family now: nothing was sent."""


def account_of(actor: User, family: Family, holder: str, account_id: str = "") -> Reach:
    """The account in the family with its connection; raises PermissionDenied and NoAccount.

    ``account_id`` is the account that somebody saw before they pressed: another one is not used in its place.

    Design decision: the organisation's is for unlimited managers alone. Nothing says that an account's PIN or codes
    are the family's only: what a limited manager saw in one family might open doors beyond their properties.
    """
    may_act_in(actor, family)
    if holder != Holder.OWN and (not actor.is_manager or actor.is_limited):
        raise PermissionDenied
    if family.gone_at is not None:
        raise NoAccount
    reach = Reach.objects.own_of(actor, family) if holder == Holder.OWN else Reach.objects.to_act_in(family)
    if reach is None or (account_id and reach.account_id != account_id):
        raise NoAccount
    return reach


def about(family: Family, reach: Reach) -> About:
    """The account, as the trail names it."""
    return About(family.pk, family.name, "account", "", name_of(reach))


def action_on(
    command: str, event: str, family: Family, reach: Reach, press: str = "", **parameters: object
) -> Action:
    """An action on an account's credentials. The connection's name, like ``parameters``, is no secret."""
    whose = {"connection": reach.connection.name, **parameters}
    return Action(command, event, about(family, reach), press, whose)


def ask_before(ask: Callable[[float], Answer[Found]], budget: Budget, command: str) -> Found:
    """How it is before something is changed, by ``ask(seconds)``; raises errors.NotSent where no answer came.

    That was a question only: whatever becomes of it, nothing was changed.
    """
    try:
        return ask(budget.left() * FOR_FINDING).result
    except (errors.UpstreamUnavailable, errors.NotUnderstood) as error:
        raise errors.NotSent("how it is could not be read", command=command) from error


def note(reach: Reach, kind: str, *, is_there: bool) -> None:
    """Remember what is known now. It is done upstream whatever becomes of our own row: a reading brings it too."""
    with suppress(DatabaseError):
        Credential.note(reach, kind, is_there=is_there)


def is_new_success(performed: Performed) -> bool:
    """Whether it was done just now, by this press."""
    return not performed.is_repeat and performed.command.state == State.SUCCEEDED
