"""What became of an action on members, in words."""

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from families.models import Family, Member, Rights
from families.selectors import is_now, rights_of
from families.services.members.batches import Batch, is_missing, is_read_after
from families.services.members.refusals import MemberRefused
from families.views import outcomes
from families.views.outcomes import Outcome, Telling, state_of, undone
from portal.audit.models import Command, State
from portal.connections.calling import Performed


def outcome_of(act: Callable[[], Performed], tell: Telling) -> Outcome:
    """Do it, and say what became of it; what was refused before anything was sent is no to what was asked."""
    try:
        return outcomes.outcome_of(act, tell)
    except MemberRefused as refused:
        return Outcome("bad", refused.words, "", 422)


def of_rights(member: Member, auth: str) -> Telling:
    """Tells what became of the rights of a member."""
    names = {"name": member.name}

    def tell(command: Command, *, is_lost: bool = False) -> Outcome:
        match state_of(command, is_lost=is_lost):
            case State.SUCCEEDED:
                member.refresh_from_db()
                if is_read_after(command, member.family) and (is_missing(member) or member.auth != auth):
                    return _agreed_in_vain(_("The rights of %(name)s are not as asked for.") % names)
                return Outcome("ok", is_now(member.name, auth), _read_later(command, member))
            case State.UNKNOWN:
                title = _("We do not know whether the rights of %(name)s were changed.") % names
                return Outcome("unknown", title, _look_first(), 502)
            case _:
                return undone(command, _("The rights of %(name)s were not changed.") % names)

    return tell


def of_removal(member: Member) -> Telling:
    """Tells what became of the removal of a member."""
    names = {"name": member.name}

    def tell(command: Command, *, is_lost: bool = False) -> Outcome:
        match state_of(command, is_lost=is_lost):
            case State.SUCCEEDED:
                member.refresh_from_db()
                if is_read_after(command, member.family) and not is_missing(member):
                    return _agreed_in_vain(_("%(name)s is still in the family.") % names)
                title = _("%(name)s is not in the family any more.") % names
                return Outcome("ok", title, _read_later(command, member))
            case State.UNKNOWN:
                title = _("We do not know whether %(name)s was removed.") % names
                return Outcome("unknown", title, _look_first(), 502)
            case _:
                return undone(command, _("%(name)s was not removed.") % names)

    return tell


def of_adding(family: Family) -> Telling:
    """Tells what became of adding somebody directly."""

    def tell(command: Command, *, is_lost: bool = False) -> Outcome:
        said = command.parameters
        name = f"{said['first_name']} {said['last_name']}".strip()
        names = {"name": name, "rights": rights_of(said["auth"])}
        match state_of(command, is_lost=is_lost):
            case State.SUCCEEDED:
                detail = ""
                if command.error == "read_back":
                    detail = _("No answer came, and they are in the family now.")
                elif said["has_first_password"]:
                    detail = _(
                        "Their first password was sent along and is kept nowhere: tell it to them yourself."
                    )
                return Outcome("ok", _("%(name)s was added as %(rights)s.") % names, detail)
            case State.UNKNOWN:
                title = _("We do not know whether %(name)s was added.") % names
                return Outcome("unknown", title, _look_first(), 502)
            case _:
                return undone(command, _("Nobody was added."))

    return tell


def of_hand_over(member: Member, owners: Sequence[Member]) -> Telling:
    """Tells who owns the family now, and what the ``owners`` before became, as it was read back."""
    names = {"name": member.name}

    def tell(command: Command, *, is_lost: bool = False) -> Outcome:
        match state_of(command, is_lost=is_lost):
            case State.SUCCEEDED:
                title = _("%(name)s owns the family now.") % names
                if not is_read_after(command, member.family):
                    return Outcome("ok", title, _("What the owner before became is read in a moment."))
                member.refresh_from_db()
                if member.auth != "admin":
                    return _agreed_in_vain(_("%(name)s does not own the family.") % names)
                return Outcome("ok", title, " ".join(_became(owner) for owner in owners))
            case State.UNKNOWN:
                title = _("We do not know whether %(name)s owns the family now.") % names
                return Outcome("unknown", title, _look_first(), 502)
            case _:
                return undone(command, _("The family was not handed over."))

    return tell


def of_join(name: str) -> Telling:
    """Tells what became of joining with the account of the connection called ``name``."""
    names = {"name": name}

    def tell(command: Command, *, is_lost: bool = False) -> Outcome:
        match state_of(command, is_lost=is_lost):
            case State.SUCCEEDED:
                title = _("The account of “%(name)s” is in the family now.") % names
                return Outcome("ok", title, _("It appears here within a minute, with its people and doors."))
            case State.UNKNOWN:
                title = _("We do not know whether the account of “%(name)s” joined.") % names
                detail = _(
                    "No answer came. Its families are read again by themselves: look before you try again."
                )
                return Outcome("unknown", title, detail, 502)
            case _:
                return undone(command, _("The account did not join."))

    return tell


def of_batch(batch: Batch) -> Outcome:
    """What became of a batch as a whole; row by row it is told beside this."""
    command, rows = batch.performed.command, batch.rows
    done = sum(row.state == "done" for row in rows)
    counts = {"done": done, "all": len(rows)}
    if batch.is_done:
        return Outcome("ok", _("Done for everybody chosen: %(all)d.") % counts, "")
    if not batch.is_read_back and command.state_now != State.NOT_SENT:
        title = _("We do not know for whom it was done.")
        return Outcome(
            "unknown", title, _("The family is read again by itself: look before you try again."), 502
        )
    if not done:
        return (
            undone(command, _("Nothing was changed for anybody."))
            if command.state != State.SUCCEEDED
            else (_agreed_in_vain(_("Nothing was changed for anybody.")))
        )
    words = _("The door system said: “%(words)s”") % {"words": command.words} if command.words else ""
    return Outcome("warn", _("Done for %(done)d of %(all)d.") % counts, words)


def of_lost_batch(command: Command, *, is_lost: bool = False) -> Outcome:
    """What is said of a batch whose outcome could not be written down."""
    return Outcome("unknown", _("We do not know for whom it was done."), _look_first(), 502)


def _became(owner: Member) -> str:
    owner.refresh_from_db()
    names = {"name": owner.name, "rights": rights_of(owner.auth)}
    if is_missing(owner):
        return _("%(name)s, the owner before, is not in the family any more.") % names
    match owner.auth:
        case Rights.USER:
            return _("%(name)s, the owner before, is an administrator now.") % names
        case Rights.GUEST:
            return _("%(name)s, the owner before, is a member now.") % names
        case _:
            return _("%(name)s, the owner before, has these rights now: %(rights)s.") % names


def _agreed_in_vain(title: str) -> Outcome:
    """A yes that reading back does not bear out."""
    return Outcome(
        "warn",
        title,
        _("The door system agreed, and reading it again shows no change. It is read once more."),
    )


def _read_later(command: Command, member: Member) -> str:
    if is_read_after(command, member.family):
        return ""
    return _("The list is from before: it is read again within seconds.")


def _look_first() -> str:
    return _("No answer came. The family is read again by itself: look before you try again.")
