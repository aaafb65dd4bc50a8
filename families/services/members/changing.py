"""What people do with the rights of members."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from families.models import Family, Member, Rights
from families.selectors import rights_of
from families.services.acting import may_act_in, reach_of
from families.services.members import batches, sending
from families.services.members.batches import Batch, RowState
from families.services.members.household import Household, check_given
from families.services.members.refusals import NobodyChosen, NothingToChange
from portal.accounts.models import User
from portal.audit.trail import About
from portal.connections.calling import Performed
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account

ONE = "update_family_account_auth"
MANY = "batch_update_family_account_auth"
EVENT = "member.rights"


def change_rights(actor: User, *, member: Member, auth: str, was: str, press: str) -> Performed:
    """Make a member an administrator (``user``) or a member (``guest``), who was ``was`` when somebody decided it.

    ``member`` is of a family that was fetched through ``visible_to(actor)``. Without an answer the family is looked
    at: as wanted is done, as before is refused, else nobody knows. Afterwards it is read back: ``member`` tells what
    is true once it is refreshed from the database. Raises MemberRefused, PermissionDenied, NoConnection,
    trail.AuditUnavailable, PressInvalid: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call
    (update_family_account_auth), and up to two to look and to read back (get_family_info).
    """
    family = member.family
    may_act_in(actor, family)
    check_given(auth)
    if not sending.is_repeat(press):
        _check(Household.of(family), {member: auth}, {member: was}, press)
    return _send_one(
        actor,
        family,
        member,
        auth,
        was,
        press,
        lambda: _check_again(family, {member: auth}, {member: was}, press),
    )


def change_rights_of_many(
    actor: User,
    *,
    family: Family,
    wanted: Mapping[Member, str],
    press: str,
    was: Mapping[Member, str] | None = None,
) -> Batch:
    """The same for several members at once, told row by row as it is read back; for one, the single command.

    ``was`` are the rights that somebody saw when they decided. Raises as ``change_rights``, naming all members it is
    about. Cost: as ``change_rights``, with batch_update_family_account_auth.
    """
    may_act_in(actor, family)
    check_given(*wanted.values())
    if not wanted:
        raise NobodyChosen
    if not sending.is_repeat(press):
        # As they are now: what no answer came for is judged by it.
        now = {member.pk: member for member in _check(Household.of(family), wanted, was or {}, press)}
        wanted = {now[member.pk]: auth for member, auth in wanted.items()}

    def check() -> None:
        _check_again(family, wanted, was or {}, press)

    if len(wanted) == 1:
        [(member, auth)] = wanted.items()
        performed = _send_one(actor, family, member, auth, member.auth, press, check)
    else:
        performed = _send_many(actor, family, wanted, press, check)
    by_number = {member.pk: auth for member, auth in wanted.items()}
    return batches.tell_batch(
        performed, family, list(wanted), lambda member: _tell(member, by_number[member.pk])
    )


def _check(
    household: Household, wanted: Mapping[Member, str], was: Mapping[Member, str], press: str
) -> list[Member]:
    """The members as they are now; raises MemberRefused."""
    now = household.chosen(list(wanted))
    household.check_free(now)
    household.check_unchanged(was)
    busy = household.check_nobody_else(now, press)
    by_number = {member.pk: auth for member, auth in wanted.items()}
    changing = [member for member in now if member.auth != by_number[member.pk]]
    if not changing:
        raise NothingToChange(*now)
    household.check_somebody_administers(
        [member for member in changing if by_number[member.pk] == Rights.GUEST], busy
    )
    return now


def _check_again(family: Family, wanted: Mapping[Member, str], was: Mapping[Member, str], press: str) -> None:
    _check(Household.of(family), wanted, was, press)


def _send_one(
    actor: User,
    family: Family,
    member: Member,
    auth: str,
    was: str,
    press: str,
    check: Callable[[], None],
) -> Performed:
    reach = reach_of(family)
    account = member.account_id

    def send(client: Client, command_id: str, seconds: float) -> Answer[None]:
        return client.update_family_account_auth(
            residence_id=family.residence_id,
            account_id=account,
            auth=auth,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    def judge(accounts: Mapping[str, Account]) -> bool | None:
        found = accounts[account].auth if account in accounts else ""
        return True if found == auth else False if found == was else None

    return sending.change(
        actor,
        reach,
        family,
        command=ONE,
        event=EVENT,
        about=About(family.pk, family.name, "member", member.public_id, member.name),
        press=press,
        parameters={"account_id": account, "auth": auth},
        send=send,
        judge=judge,
        check=check,
    )


def _send_many(
    actor: User, family: Family, wanted: Mapping[Member, str], press: str, check: Callable[[], None]
) -> Performed:
    reach = reach_of(family)
    rows = [{"account_id": member.account_id, "auth": auth} for member, auth in wanted.items()]
    after = {row["account_id"]: row["auth"] for row in rows}
    before = {member.account_id: member.auth for member in wanted}

    def send(client: Client, command_id: str, seconds: float) -> Answer[None]:
        return client.batch_update_family_account_auth(
            residence_id=family.residence_id,
            accounts=rows,
            command_id=command_id,
            deadline_seconds=seconds,
        )

    def judge(accounts: Mapping[str, Account]) -> bool | None:
        found = {account: accounts[account].auth for account in after if account in accounts}
        return True if found == after else False if found == before else None

    return sending.change(
        actor,
        reach,
        family,
        command=MANY,
        event=EVENT,
        about=About(family.pk, family.name, "members", "", ", ".join(member.name for member in wanted)),
        press=press,
        parameters={"accounts": rows},
        send=send,
        judge=judge,
        check=check,
    )


def _tell(member: Member, auth: str) -> tuple[RowState, str]:
    if batches.is_missing(member):
        return "not_done", _("They are not in the family any more.")
    if member.auth == auth:
        return "done", _("Is an administrator now.") if auth == Rights.USER else _("Is a member now.")
    match member.auth:
        case Rights.USER:
            return "not_done", _("Is still an administrator.")
        case Rights.GUEST:
            return "not_done", _("Is still a member.")
        case _:
            return "not_done", _("Has other rights: %(rights)s.") % {"rights": rights_of(member.auth)}
