"""What managers do to have a connection's account join a family."""

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.services.acting import Budget
from families.services.members import sending
from families.services.members.household import check_given
from families.services.members.refusals import AlreadyJoined
from portal.accounts.models import User
from portal.audit.models import State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.connections.models import Connection
from portal.upstream.client import Answer, Client

COMMAND = "account_join_family"
EVENT = "family.join"


def join_family(
    actor: User, *, connection: Connection, residence_id: str, auth: str, press: str
) -> Performed:
    """Have the account of an organisation's connection join a family, known to the portal or not.

    A limited manager may for a family they see; an unlimited one for any. Without an answer the account's list is
    looked at: done where the family is in it now, else unknown, and it must not be sent again by itself. Once it is
    done, the list is read at once by the sync, and the family appears with it. Raises MemberRefused,
    PermissionDenied, trail.AuditUnavailable, PressInvalid: nothing was sent then; and trail.OutcomeNotRecorded.
    Cost: 1 upstream call (account_join_family), and one to look (get_family_list).
    """
    family = Family.objects.filter(residence_id=residence_id).first()
    _may_join(actor, connection, family)
    check_given(auth)
    reaches = Reach.objects.filter(connection=connection)
    if not sending.is_repeat(press) and reaches.filter(family=family, gone_at=None).exists():
        raise AlreadyJoined
    # One account for all families that it reaches.
    account = reaches.order_by("-first_seen_at", "-pk").values_list("account_id", flat=True).first() or ""
    parameters = {"residence_id": residence_id, "auth": auth}
    budget = Budget()

    def send(client: Client, command_id: str) -> Answer[None]:
        return client.account_join_family(
            residence_id=residence_id,
            auth=auth,
            command_id=command_id,
            deadline_seconds=budget.left() * (1 - sending.KEPT_FOR_LOOKING),
        )

    def look(client: Client) -> bool | None:
        listed = client.get_family_list().result
        # Not there is no proof that it will not be.
        return any(row.residence_id == residence_id for row in listed) or None

    performed = calling.perform(
        By.person(actor),
        connection,
        Action(
            COMMAND,
            EVENT,
            About(
                family.pk if family else None,
                family.name if family else "",
                "account",
                account,
                connection.name,
            ),
            press,
            parameters,
        ),
        send,
        settle=look,
    )
    if performed.is_repeat:
        sending.check_same(performed, parameters)
    elif performed.command.state in {State.SUCCEEDED, State.UNKNOWN}:
        states_of_lists = SyncState.objects.filter(connection=connection, kind=Kind.FAMILIES)
        states_of_lists.update(due_at=timezone.now())
    return performed


def _may_join(actor: User, connection: Connection, family: Family | None) -> None:
    if not (actor.may_act and actor.is_manager) or connection.owner_id is not None:
        raise PermissionDenied
    seen = Family.objects.visible_to(actor)
    if actor.is_limited and (family is None or not seen.filter(pk=family.pk).exists()):
        raise PermissionDenied
