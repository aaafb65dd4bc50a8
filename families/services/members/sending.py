"""Sends a command about the members of a family, and reads the family back afterwards."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.db import DatabaseError

from families.models import Family, Kind, Reach
from families.services.acting import Budget, read_members_back
from families.sync import states
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account
from portal.web.presses import PressInvalid

# Of the action's time this share is kept for looking what became of a command that got no answer.
KEPT_FOR_LOOKING = 0.3
# So long a family is read often after a change that could not be read back.
READ_AGAIN_SECONDS = 20.0

# Sends the command; takes the client, the command's id and how many seconds it may last.
Send = Callable[[Client, str, float], Answer[Any]]
# What the accounts of the family, by id, say of a command that got no answer.
Judge = Callable[[Mapping[str, Account]], bool | None]


def is_repeat(press: str) -> bool:
    """Whether this press made a command before: what it asked for was checked then."""
    return Command.objects.filter(press=press).exists()


def change(
    actor: User,
    reach: Reach,
    family: Family,
    *,
    command: str,
    event: str,
    about: About,
    press: str,
    parameters: Mapping[str, Any],
    send: Send,
    judge: Judge,
    check: Callable[[], None],
) -> Performed:
    """Send a command that changes the members of ``family``, and read them back in what is left of the time.

    They are read back whatever came of it, unless nothing was sent: a refusal may say that what we knew was old, and
    a batch may have been done in part. Where that does not work, the family is read soon and often. ``check`` is asked
    once more as the intent is written: of two people at the same moment one is refused. Raises what it raises,
    trail.AuditUnavailable, and PressInvalid for a repeat that asks for something else than its press sent: nothing was
    sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call, at most one to look and one to read back.
    """
    budget = Budget()

    def look(client: Client) -> bool | None:
        answer = client.get_family_info(residence_id=family.residence_id)
        if answer.unread or not answer.result.accounts:
            # Who is missing from half a list, or from an empty one, is not gone by that.
            return None
        return judge({account.account_id: account for account in answer.result.accounts})

    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(command, event, about, press, parameters, check=check),
        lambda client, command_id: send(client, command_id, budget.left() * (1 - KEPT_FOR_LOOKING)),
        settle=look,
    )
    if performed.is_repeat:
        check_same(performed, parameters)
    elif performed.command.state != State.NOT_SENT:
        # It is done or not, whatever becomes of our own rows: the next sync brings them too.
        with suppress(DatabaseError):
            if not read_members_back(reach, family, budget):
                states.want(family, Kind.MEMBERS, seconds=READ_AGAIN_SECONDS)
    return performed


def check_same(performed: Performed, parameters: Mapping[str, Any]) -> None:
    """Nothing, if the press sent just this; raises PressInvalid."""
    if performed.command.parameters != parameters:
        raise PressInvalid("the press sent something else")
