"""What ends at the door system: passes, then ownership, then members, each by a command of its own.

Every command has a press with a name that follows from the move-out, its attempt and the step. Whoever goes on after a
process was killed finds by it what became of the command, and sends nothing twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from access.models import ItemKind, ItemState, MoveOut, MoveOutItem, MoveOutStep, TempKey
from access.services.moving import items, passing
from families.models import Family, Member, Reach, Rights
from families.services.acting import Budget, NoConnection, reach_of, read_members_back
from families.services.members import handing, joining, removing
from families.services.members.refusals import MemberRefused
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.trail import OutcomeNotRecorded
from portal.connections.models import Connection
from portal.web.presses import PressInvalid

# So often a command that certainly was not sent, because its process was killed before, is begun anew.
TRIES = 3


class NotYet(Exception):
    """A command of before is still under way: its outcome has to be known before anything else is done."""


@dataclass(frozen=True)
class Sent:
    """What became of a command: the command, where there is one, and why nothing was sent, where that is so."""

    command: Command | None = None
    words: str = ""

    @property
    def state(self) -> ItemState:
        """What is known of the items before anything is read: left where nothing was done, else unknown."""
        if self.command is None or self.command.state_now in {State.NOT_SENT, State.REFUSED}:
            return ItemState.LEFT
        return ItemState.UNKNOWN

    def told(self, row: tuple[ItemState, str] | None) -> tuple[ItemState, str]:
        """What is written of one item, of which a page was told ``row``: nothing that is true for a moment only."""
        if row is None:
            return self.state, self.words
        if self.command is None or row[0] == ItemState.GONE:
            return row
        if row[0] == ItemState.UNKNOWN:
            return row[0], self.words or _("It was sent, and could not be read back.")
        return row[0], self.words if self.command.state_now == State.NOT_SENT else row[1]


def delete_passes(move_out: MoveOut, actor: User) -> None:
    """Delete every pass that has to go: one command for those of each account, as a rule one in all."""
    found = items.planned(move_out, ItemKind.PASS)
    here = [item for item in found if item.temp_key is not None and item.temp_key.gone_at is None]
    items.mark([item for item in found if item not in here], ItemState.GONE, _("It was gone already."))
    keys = [item.temp_key for item in here if item.temp_key is not None]
    for reach_id, of_account in passing.by_account(keys).items():
        _delete(move_out, actor, of_account, [item for item in here if _is_of(item, reach_id)])


def hand_over(move_out: MoveOut, actor: User) -> None:
    """Hand the family from an owner who leaves to whoever was chosen, who joins first where needed."""
    found = items.planned(move_out, ItemKind.OWNERSHIP)
    if not found:
        return
    if not is_owner(found[0].member):
        items.mark(found, ItemState.GONE, _("They did not own the family any more."))
        return
    to, words = _next_owner(move_out, actor)
    if to is None:
        items.mark(found, ItemState.LEFT, words)
        return

    def send(press: str) -> Command | None:
        return handing.hand_over(actor, member=to, press=press).command

    sent = _send(move_out, MoveOutStep.OWNERSHIP, send)
    if is_owner(found[0].member):
        words = sent.words or _("The family was not handed over.")
        items.mark(found, sent.state, words, command=sent.command)
    else:
        done = _("Handed to %(name)s.") % {"name": move_out.new_owner_name}
        items.mark(found, ItemState.GONE, done, command=sent.command)


def remove_members(move_out: MoveOut, actor: User) -> None:
    """Remove all members who leave in one command, but an owner: the door system removes none."""
    found = items.planned(move_out, ItemKind.MEMBER)
    for item in list(found):
        member = item.member
        if member is None or member.gone_at is not None:
            items.mark([item], ItemState.GONE, _("Was not in the family any more."))
            found.remove(item)
        elif is_owner(member):
            words = _("Still owns the family, which was not handed over: an owner cannot be removed.")
            items.mark([item], ItemState.LEFT, words)
            found.remove(item)
    members = [item.member for item in found if item.member is not None]
    if not members:
        return
    rows: dict[int, tuple[ItemState, str]] = {}
    told = {"done": ItemState.GONE, "not_done": ItemState.LEFT, "unknown": ItemState.UNKNOWN}

    def send(press: str) -> Command | None:
        batch = removing.remove_members(actor, family=move_out.family, members=members, press=press)
        for row in batch.rows:
            rows[row.member.pk] = (told[row.state], row.words)
        return batch.performed.command

    sent = _send(move_out, MoveOutStep.MEMBERS, send)
    for item in found:
        state, words = sent.told(rows.get(item.member_id or 0))
        items.mark([item], state, words, command=sent.command)


def is_owner(member: Member | None) -> bool:
    """Whether they own the family, as it was last read."""
    if member is None:
        return False
    return Member.objects.filter(pk=member.pk, gone_at=None, auth=Rights.ADMIN).exists()


def read_members(family: Family) -> bool:
    """Read the members live; False where that did not work. Cost: 1 upstream call (get_family_info)."""
    try:
        reach = reach_of(family)
    except NoConnection:
        return False
    return read_members_back(reach, family, Budget())


def _delete(move_out: MoveOut, actor: User, keys: list[TempKey], found: list[MoveOutItem]) -> None:
    deleted = passing.Deleted()

    def send(press: str) -> Command | None:
        return deleted.delete(actor, move_out.family, keys, press)

    sent = _send(move_out, f"{MoveOutStep.PASSES}-{keys[0].reach_id}", send)
    for item in found:
        state, words = sent.told(deleted.rows.get(item.temp_key_id or 0))
        items.mark([item], state, words, command=sent.command)


def _is_of(item: MoveOutItem, reach_id: int) -> bool:
    return item.temp_key is not None and item.temp_key.reach_id == reach_id


def _next_owner(move_out: MoveOut, actor: User) -> tuple[Member | None, str]:
    """Whom the family goes to, as a member of it; None, and why, where there is nobody."""
    family = move_out.family
    if move_out.owner_connection is None:
        member = move_out.new_owner
        if member is None or member.gone_at is not None:
            return None, _("%(name)s is not in the family any more.") % {"name": move_out.new_owner_name}
        return member, ""
    account = _account_of(move_out.owner_connection, family)
    if not account:
        words = _("The account of “%(name)s” is not known: it reaches no family yet.")
        return None, words % {"name": move_out.owner_connection.name}
    there = Member.objects.filter(family=family, account_id=account, gone_at=None).first()
    if there is not None:
        return there, ""
    words = _join(move_out, actor, move_out.owner_connection)
    there = Member.objects.filter(family=family, account_id=account, gone_at=None).first()
    return there, words or _("The account of “%(name)s” is not among the members of the family.") % {
        "name": move_out.owner_connection.name
    }


def _join(move_out: MoveOut, actor: User, connection: Connection) -> str:
    """Have the connection's account join the family, and read who is in it; "" or why that did not work."""

    def send(press: str) -> Command | None:
        return joining.join_family(
            actor,
            connection=connection,
            residence_id=move_out.family.residence_id,
            auth=Rights.USER,
            press=press,
        ).command

    sent = _send(move_out, "join", send)
    if sent.command is not None and sent.command.state in {State.SUCCEEDED, State.UNKNOWN}:
        read_members(move_out.family)
    if not sent.words:
        return ""
    return _("“%(name)s” could not join the family. %(words)s") % {
        "name": connection.name,
        "words": sent.words,
    }


def _account_of(connection: Connection, family: Family) -> str:
    """The account of a connection: that of this family, else the one of all other families that it reaches."""
    reaches = Reach.objects.filter(connection=connection)
    here = reaches.filter(family=family, gone_at=None).values_list("account_id", flat=True).first()
    elsewhere = reaches.order_by("-first_seen_at", "-pk").values_list("account_id", flat=True).first()
    return here or elsewhere or ""


def _send(move_out: MoveOut, step: str, send: Callable[[str], Command | None]) -> Sent:
    """Send a command by the press of this step, or find what became of it; never twice.

    Raises NotYet while the command of a killed process may still be under way.
    """
    press = _free_press(move_out.press_for(step))
    earlier = Command.objects.filter(press=press).first()
    if earlier is not None:
        return _of_earlier(earlier)
    try:
        command = send(press)
    except MemberRefused as refused:
        return Sent(words=refused.words)
    except NoConnection:
        return Sent(words=_("Nothing was sent: no connection reaches this family."))
    except PressInvalid:
        return Sent(Command.objects.filter(press=press).first())
    except OutcomeNotRecorded as lost:
        return Sent(lost.command, _("It was sent, and what became of it could not be written down."))
    return Sent(command, _words_of(command))


def _of_earlier(command: Command) -> Sent:
    if command.is_open and command.state_now == command.state:
        raise NotYet
    return Sent(command, _words_of(command))


def _free_press(press: str) -> str:
    """The press itself, or the next one where it certainly sent nothing because its process was killed."""
    for number in range(2, TRIES + 1):
        command = Command.objects.filter(press=press).first()
        if command is None or not _was_never_sent(command):
            break
        press = f"{press.rpartition('+')[0] or press}+{number}"
    return press


def _was_never_sent(command: Command) -> bool:
    is_settled = command.state == State.NOT_SENT and command.error == "interrupted"
    return is_settled or (command.is_open and command.state_now == State.NOT_SENT)


def _words_of(command: Command | None) -> str:
    match command.state_now if command is not None else "":
        case State.REFUSED:
            words = command.words if command is not None else ""
            return _("It was refused: “%(words)s”") % {"words": words} if words else _("It was refused.")
        case State.NOT_SENT:
            return f"{_('Nothing was sent.')} {_why_not_sent(command)}".strip()
        case State.UNKNOWN:
            return _("No answer came.")
        case _:
            return ""


def _why_not_sent(command: Command | None) -> str:
    """Why, in words that last: when it is tried again, which a page says, is over before the record is read."""
    match command.error if command is not None else "":
        case "resting":
            return _("The door system did not answer.")
        case "busy":
            return _("Too many actions waited.")
        case _:
            return command.words if command is not None else ""
