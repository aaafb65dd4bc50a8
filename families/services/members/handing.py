"""What managers do to hand a family to another owner."""

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied

from families.models import Member, Rights
from families.services.acting import may_act_in, reach_of
from families.services.members import sending
from families.services.members.household import Household
from families.services.members.refusals import AlreadyOwner
from portal.accounts.models import User
from portal.audit.trail import About
from portal.connections.calling import Performed
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account

COMMAND = "change_family_admin"
EVENT = "family.hand_over"


def hand_over(actor: User, *, member: Member, press: str) -> Performed:
    """Make a member the owner of their family; what the owner before becomes is the door system's choice.

    ``member`` is of a family that was fetched through ``visible_to(actor)``. Managers only. Without an answer the
    family is looked at: done where they own it now, else unknown, and it must not be sent again by itself. Afterwards
    it is read back, and the members tell who is what. Raises MemberRefused, PermissionDenied, NoConnection,
    trail.AuditUnavailable, PressInvalid: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call
    (change_family_admin), and up to two to look and to read back (get_family_info).
    """
    family = member.family
    may_act_in(actor, family)
    if not actor.is_manager:
        raise PermissionDenied
    account = member.account_id
    if not sending.is_repeat(press):
        _check(member, press)

    def send(client: Client, command_id: str, seconds: float) -> Answer[None]:
        return client.change_family_admin(
            residence_id=family.residence_id,
            account_id=account,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    def judge(accounts: Mapping[str, Account]) -> bool | None:
        return (account in accounts and accounts[account].auth == Rights.ADMIN) or None

    return sending.change(
        actor,
        reach_of(family),
        family,
        command=COMMAND,
        event=EVENT,
        about=About(family.pk, family.name, "member", member.public_id, member.name),
        press=press,
        parameters={"account_id": account},
        send=send,
        judge=judge,
        check=lambda: _check(member, press),
    )


def _check(member: Member, press: str) -> None:
    household = Household.of(member.family)
    [now] = household.chosen([member])
    if now.auth == Rights.ADMIN:
        raise AlreadyOwner(now)
    household.check_nobody_else([now], press)
