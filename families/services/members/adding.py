"""What managers do to add somebody to a family directly, without an invitation."""

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied

from families.models import Family
from families.services.acting import may_act_in, reach_of
from families.services.members import sending
from families.services.members.household import Household, check_given
from portal.accounts.models import User
from portal.audit.trail import About
from portal.connections.calling import Performed
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account, CreatedAccount

COMMAND = "create_family_account"
EVENT = "member.add"


def create_member(
    actor: User,
    *,
    family: Family,
    first_name: str,
    last_name: str,
    email: str,
    auth: str,
    press: str,
    password: str = "",
) -> Performed:
    """Make an account in the family for somebody; ``password`` is their first, kept nowhere, "" for none.

    ``family`` was fetched through ``visible_to(actor)``; names and address are checked already. Managers only. Without
    an answer the family is looked at: done where somebody with this address, these names and these rights is in it
    now; else unknown, and it must not be sent again by itself. Afterwards it is read back. Raises MemberRefused,
    PermissionDenied, NoConnection, trail.AuditUnavailable, PressInvalid: nothing was sent then; and
    trail.OutcomeNotRecorded. Cost: 1 upstream call (create_family_account), and up to two to look and to read back
    (get_family_info).
    """
    may_act_in(actor, family)
    if not actor.is_manager:
        raise PermissionDenied
    check_given(auth)
    if not sending.is_repeat(press):
        Household.of(family).check_address(email, press)
    wanted = {"first_name": first_name, "last_name": last_name, "email": email, "auth": auth}

    def send(client: Client, command_id: str, seconds: float) -> Answer[CreatedAccount]:
        return client.create_family_account(
            residence_id=family.residence_id,
            first_name=first_name,
            last_name=last_name,
            email=email,
            auth=auth,
            password=password or None,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    def judge(accounts: Mapping[str, Account]) -> bool | None:
        # Not there is no proof that it will not be; there under another name may be somebody else's doing.
        return any(_is(account, wanted) for account in accounts.values()) or None

    return sending.change(
        actor,
        reach_of(family),
        family,
        command=COMMAND,
        event=EVENT,
        about=About(family.pk, family.name, "member", "", f"{first_name} {last_name}".strip()),
        press=press,
        parameters={**wanted, "has_first_password": bool(password)},
        send=send,
        judge=judge,
        check=lambda: Household.of(family).check_address(email, press),
    )


def _is(account: Account, wanted: Mapping[str, str]) -> bool:
    return (
        account.email.casefold() == wanted["email"].casefold()
        and account.first_name == wanted["first_name"]
        and account.last_name == wanted["last_name"]
        and account.auth == wanted["auth"]
    )
