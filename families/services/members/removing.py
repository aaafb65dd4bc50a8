"""What people do to take members out of a family."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from families.models import Family, Member
from families.services.acting import may_act_in, reach_of
from families.services.members import batches, sending
from families.services.members.batches import Batch, RowState
from families.services.members.household import Household
from families.services.members.refusals import NobodyChosen
from portal.accounts.models import User
from portal.audit.trail import About
from portal.connections.calling import Performed
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account

ONE = "delete_family_account"
MANY = "batch_delete_family_account"
EVENT = "member.remove"


def remove_member(actor: User, *, member: Member, press: str) -> Performed:
    """Take a member out of the family; passes that they gave to visitors, and their grant in the portal, are not it.

    ``member`` is of a family that was fetched through ``visible_to(actor)``. Without an answer the family is looked
    at: gone is done, still there is refused. Afterwards it is read back; who is gone by our own command is marked gone
    at once, and a grant tied to them is suspended. Raises MemberRefused, PermissionDenied, NoConnection,
    trail.AuditUnavailable, PressInvalid: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call
    (delete_family_account), and up to two to look and to read back (get_family_info).
    """
    family = member.family
    may_act_in(actor, family)
    if not sending.is_repeat(press):
        _check(Household.of(family), [member], press)
    return _send_one(actor, family, member, press)


def remove_members(actor: User, *, family: Family, members: Collection[Member], press: str) -> Batch:
    """The same for several at once, told row by row as it is read back; for one, the single command.

    Raises as ``remove_member``, naming all members it is about. Cost: as ``remove_member``, with
    batch_delete_family_account.
    """
    may_act_in(actor, family)
    if not members:
        raise NobodyChosen
    if not sending.is_repeat(press):
        _check(Household.of(family), members, press)
    if len(members) == 1:
        [member] = members
        performed = _send_one(actor, family, member, press)
    else:
        performed = _send_many(actor, family, members, press)
    return batches.tell_batch(performed, family, members, _tell)


def _check(household: Household, members: Collection[Member], press: str) -> None:
    now = household.chosen(members)
    household.check_free(now)
    busy = household.check_nobody_else(now, press)
    household.check_somebody_administers(now, busy)


def _send_one(actor: User, family: Family, member: Member, press: str) -> Performed:
    reach = reach_of(family)
    account = member.account_id

    def send(client: Client, command_id: str, seconds: float) -> Answer[None]:
        return client.delete_family_account(
            residence_id=family.residence_id,
            account_id=account,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    return sending.change(
        actor,
        reach,
        family,
        command=ONE,
        event=EVENT,
        about=About(family.pk, family.name, "member", member.public_id, member.name),
        press=press,
        parameters={"account_id": account},
        send=send,
        judge=lambda accounts: account not in accounts,
        check=lambda: _check(Household.of(family), [member], press),
    )


def _send_many(actor: User, family: Family, members: Collection[Member], press: str) -> Performed:
    reach = reach_of(family)
    rows = [{"account_id": member.account_id} for member in members]

    def send(client: Client, command_id: str, seconds: float) -> Answer[None]:
        return client.batch_delete_family_account(
            residence_id=family.residence_id,
            accounts=rows,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    def judge(accounts: Mapping[str, Account]) -> bool | None:
        left = [row for row in rows if row["account_id"] in accounts]
        return True if not left else False if len(left) == len(rows) else None

    return sending.change(
        actor,
        reach,
        family,
        command=MANY,
        event=EVENT,
        about=About(family.pk, family.name, "members", "", ", ".join(member.name for member in members)),
        press=press,
        parameters={"accounts": rows},
        send=send,
        judge=judge,
        check=lambda: _check(Household.of(family), members, press),
    )


def _tell(member: Member) -> tuple[RowState, str]:
    if batches.is_missing(member):
        return "done", _("Is not in the family any more.")
    return "not_done", _("Is still in the family.")
