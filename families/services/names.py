"""What people do with a family's name."""

from django.db import transaction
from django.utils import timezone

from families.models import Family, Kind, SyncState
from families.services.acting import Budget, may_act_in, reach_of
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
# Of the action's deadline this share is kept for reading back what became of a name that got no answer.
KEPT_FOR_READING_BACK = 0.3


def rename_family(actor: User, *, family: Family, name: str, press: str) -> Performed:
    """Give the family another name, on behalf of ``actor``; the command's state says what is known of it.

    ``family`` was fetched through ``visible_to(actor)``; ``name`` is checked already. A name that got no answer
    is read back: as wanted is done, as before is refused, else nobody knows. Once done the local row has the
    new name and its members are due for reading. Raises PermissionDenied, NoConnection, trail.AuditUnavailable,
    and PressInvalid for a repeat that asks for another name than its press sent; nothing was sent then.
    Cost: 1 upstream call (update_family_info), 2 with the look (get_family_info).
    """
    may_act_in(actor, family)
    reach = reach_of(family)
    before, parameters = family.name, {"family_name": name}
    budget = Budget()

    def look(client: Client) -> bool | None:
        left = budget.left()
        if left is None:
            return None
        answer = client.get_family_info(residence_id=family.residence_id, deadline_seconds=left)
        found = answer.result.family_name
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
            deadline_seconds=budget.total * (1 - KEPT_FOR_READING_BACK),
        ),
        settle=look,
    )
    if performed.is_repeat and performed.command.parameters != parameters:
        raise PressInvalid("the press sent another name")
    if performed.command.state == State.SUCCEEDED and not performed.is_repeat:
        _adopt(family, name)
    return performed


def _adopt(family: Family, name: str) -> None:
    """Keep the name that was just given, and have the family read again soon."""
    family.name, family.search_text = name, searchable(name)
    with transaction.atomic():
        family.save(update_fields=["name", "search_text"])
        SyncState.objects.filter(family=family, kind=Kind.MEMBERS).update(due_at=timezone.now())
