"""What people do with a family's name."""

from contextlib import suppress

from django.db import DatabaseError

from families.models import Family
from families.services.acting import Budget, may_act_in, reach_of, read_members_back
from portal.accounts.models import User
from portal.audit.models import State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.text import searchable
from portal.upstream.client import Client
from portal.web.presses import PressInvalid

RENAME_COMMAND = "update_family_info"
RENAME_EVENT = "family.rename"
# Of the action's time this share is kept for looking what became of a name that got no answer.
KEPT_FOR_LOOKING = 0.3


def rename_family(actor: User, *, family: Family, name: str, press: str) -> Performed:
    """Give the family another name, on behalf of ``actor``; the command's state says what is known of it.

    ``family`` was fetched through ``visible_to(actor)``; ``name`` is checked already. A name that got no answer
    is looked up: as wanted is done, as before is refused, else nobody knows. Once done, ``family`` has the new
    name, and is read back in what is left of the time, else by the next sync. Raises PermissionDenied,
    NoConnection, trail.AuditUnavailable, and PressInvalid for a repeat that asks for another name than its
    press sent: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call
    (update_family_info), and one more to look or to read back (get_family_info).
    """
    may_act_in(actor, family)
    reach = reach_of(family)
    before, parameters = family.name, {"family_name": name}
    budget = Budget()

    def look(client: Client) -> bool | None:
        found = client.get_family_info(residence_id=family.residence_id).result.family_name
        return True if found == name else False if found == before else None

    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(
            RENAME_COMMAND,
            RENAME_EVENT,
            About(family.pk, before, "family", family.public_id, before),
            press,
            parameters,
        ),
        lambda client, command_id: client.update_family_info(
            residence_id=family.residence_id,
            family_name=name,
            command_id=command_id,
            deadline_seconds=budget.left() * (1 - KEPT_FOR_LOOKING),
        ),
        settle=look,
    )
    if performed.is_repeat and performed.command.parameters != parameters:
        raise PressInvalid("the press sent another name")
    if performed.command.state == State.SUCCEEDED and not performed.is_repeat:
        # It is done, whatever becomes of our own row: the next sync brings it too.
        with suppress(DatabaseError):
            family.name, family.search_text = name, searchable(name)
            family.save(update_fields=["name", "search_text"])
            if read_members_back(reach, family, budget):
                family.refresh_from_db(fields=["name", "search_text", "is_online", "is_installed"])
    return performed
