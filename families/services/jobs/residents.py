"""The kind "residents": people of a sheet are invited or added, and rights that differ are changed.

Design decision: a family is not read back after each of its rows, which would double the calls: the sync reads it
once, a little after its last row. What a row without an answer has become is looked up there where a read can tell.
"""

from contextlib import suppress

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from families.models import Family, Job, JobRow, Member, RowState
from families.services import invitations
from families.services.acting import Budget, NoConnection, reach_of, read_members_back
from families.services.invitations import AlreadyInvited, AlreadyMember
from families.services.jobs import kinds
from families.services.jobs.kinds import RowOutcome, Telling, of_command
from families.services.members import adding, changing, refusals
from portal.accounts.models import User
from portal.audit.models import Command
from portal.web.templatetags.web import relative

KIND = "residents"
DIFFERS = "differs"
# What came about by itself is no failure of the row.
CAME_ABOUT = (refusals.AlreadyThere, refusals.NothingToChange)


def perform(job: Job, row: JobRow, user: User) -> RowOutcome:
    """Do one line of the sheet, unless it has come about meanwhile. Cost: one command, and what its look costs."""
    if row.family is None:
        return RowOutcome(RowState.REFUSED, _("It names no family. Nothing was sent."))
    try:
        if row.mark == DIFFERS:
            return _change_rights(job, row, user)
        if job.options.get("way") == "create":
            return _add(row, row.family, user)
        return _invite(row, row.family, user)
    except CAME_ABOUT as found:
        return RowOutcome(RowState.LEFT_OUT, found.words)
    except refusals.BeingChanged as found:
        # Gone in a few seconds; a worker that was killed is settled by then.
        return RowOutcome(RowState.WAITING, found.words)
    except refusals.MemberRefused as found:
        return RowOutcome(RowState.REFUSED, found.words)
    except AlreadyMember as found:
        names = {"name": found.member, "rights": found.member.rights}
        words = _("%(name)s is in this family already, as: %(rights)s. Nothing was sent.")
        return RowOutcome(RowState.LEFT_OUT, words % names)
    except AlreadyInvited as found:
        words = _("Invited already (%(when)s), and not joined yet. Nothing was sent.")
        return RowOutcome(RowState.LEFT_OUT, words % {"when": relative(found.invitation.sent_at)})


def look(job: Job, row: JobRow) -> RowOutcome | None:
    """What the members, read since, tell of a row without an answer. That somebody is missing tells nothing."""
    if row.mark == DIFFERS:
        member = _named(row)
        if member is not None and member.auth == row.values["auth"]:
            words = _("Read afterwards: %(name)s is now: %(rights)s.")
            return RowOutcome(RowState.DONE, words % {"name": member, "rights": member.rights})
        return None
    found = Member.objects.filter(
        family=row.family_id, gone_at=None, email__iexact=row.values.get("email", "")
    )
    member = found.first()
    if member is None or row.command is None or member.first_seen_at < row.command.created_at:
        return None
    return RowOutcome(RowState.DONE, _("Read afterwards: %(name)s is in the family now.") % {"name": member})


def _change_rights(job: Job, row: JobRow, user: User) -> RowOutcome:
    member = _named(row)
    if not job.options.get("changes_rights"):
        return RowOutcome(RowState.LEFT_OUT, _("Rights are left as they are."))
    if member is None:
        return RowOutcome(RowState.REFUSED, _("They are not in this family any more. Nothing was sent."))
    # As the preview showed it: who was changed since is not changed back.
    was = str(row.values.get("was") or member.auth)
    auth = str(row.values["auth"])
    return of_command(
        changing.change_rights(user, member=member, auth=auth, was=was, press=row.press).command
    )


def _add(row: JobRow, family: Family, user: User) -> RowOutcome:
    performed = adding.create_member(
        user,
        family=family,
        first_name=str(row.values.get("first_name", "")),
        last_name=str(row.values.get("last_name", "")),
        email=str(row.values["email"]),
        auth=str(row.values["auth"]),
        press=row.press,
    )
    return of_command(performed.command)


def _invite(row: JobRow, family: Family, user: User) -> RowOutcome:
    try:
        return of_command(_send_invitation(row, family, user, confirmed=False))
    except AlreadyInvited as found:
        # An attempt of this very row, whose outcome nobody knew: a person said that it goes out once more.
        if not found.invitation.command.press.startswith(f"job-{row.public_id}-"):
            raise
    return of_command(_send_invitation(row, family, user, confirmed=True))


def _send_invitation(row: JobRow, family: Family, user: User, *, confirmed: bool) -> Command:
    return invitations.invite_member(
        user,
        family=family,
        email=str(row.values["email"]),
        auth=str(row.values["auth"]),
        press=row.press,
        confirmed=confirmed,
    ).command


def _named(row: JobRow) -> Member | None:
    """The member that a row about rights names."""
    found = Member.objects.filter(family=row.family_id, gone_at=None)
    return found.filter(public_id=row.values.get("member") or "-").first()


def _read(family: Family) -> None:
    # Where the family cannot be read now, it is what was read before.
    with suppress(NoConnection):
        read_members_back(reach_of(family), family, Budget())


kinds.register(
    KIND,
    perform,
    event="import",
    look=look,
    read=_read,
    telling=Telling(
        nothing_tells=gettext_lazy(
            "nothing tells yet. An invitation shows nowhere before it is taken up: ask them."
        ),
        unknown_again=gettext_lazy(
            "It may have been done already: they may then be invited twice. Ask them first."
        ),
        undone_again=gettext_lazy("Nothing of it was done. It is tried again with what the sheet says."),
        by_hand=gettext_lazy("Say so when you have looked, or asked them. Nothing is sent."),
        has_rights=True,
    ),
)
