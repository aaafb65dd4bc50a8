"""manage.py move_out: moves a household out, tries again what is left, and verifies the records."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from access.models import ItemKind, MoveOut, MoveOutItem, MoveOutReading, MoveOutState
from access.services.moving import advancing, beginning, pausing, planning, verifying
from access.services.moving.beginning import (
    MoveOutRefused,
    NobodyLeaves,
    NothingLeft,
    Owner,
    OwnerNeeded,
    UnderWay,
)
from access.services.moving.pausing import NotPaused
from access.services.moving.planning import Leaving, Plan
from families.models import Family, Member, Reach
from portal.accounts.models import User
from portal.audit.trail import AuditUnavailable
from portal.console import ConsoleCommand, Stop
from portal.keys import KeyMissing

LEFT, BROKEN, NOT_CHECKED = 1, 1, 2
OWN = "own"
# A command of a process that was killed is waited for so long.
WAIT_SECONDS = 30.0


class Command(ConsoleCommand):
    help = (
        "Moves everybody out of a family, or the members named: ends what they have in Gatehouse, deletes passes, "
        "hands the family over, removes the members, reads everything back and keeps the record. Exit code 0 when "
        "everything is gone, 1 when something is left or unknown; each is named. --verify=ID checks the records of a "
        "move-out against the audit trail: 0 they hold, 1 they do not, 2 could not be checked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("residence_id", nargs="?", default="", metavar="RESIDENCE_ID")
        parser.add_argument("--by", default="", metavar="EMAIL", help="the manager in whose name it is done")
        parser.add_argument(
            "--member",
            action="append",
            default=[],
            metavar="ACCOUNT_ID",
            help="only this member leaves (may be given again)",
        )
        parser.add_argument(
            "--owner",
            default="",
            metavar="ACCOUNT_ID|own",
            help="who owns the family then, where the owner leaves: a member who stays, or the connection's own account",
        )
        parser.add_argument("--reason", default="")
        parser.add_argument("--dry-run", action="store_true", help="only says what would go")
        parser.add_argument("--yes", action="store_true", help="does not ask for the name of the family")
        parser.add_argument(
            "--again", default="", metavar="ID", help="tries again what is left of a move-out"
        )
        parser.add_argument(
            "--take-over",
            default="",
            metavar="ID",
            help="goes on with one that is paused since whoever did it may not any more, in the name of --by",
        )
        parser.add_argument("--verify", default="", metavar="ID", help="checks the records of a move-out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify(options["verify"])
            return
        actor = _actor(options["by"])
        if options["again"]:
            move_out = _visible(actor, options["again"])
            with _refusals():
                beginning.try_again(actor, move_out, attempt=move_out.attempt)
            self._run(move_out)
            return
        if options["take_over"]:
            move_out = _visible(actor, options["take_over"])
            with _refusals():
                pausing.take_over(actor, move_out)
            self._run(move_out)
            return
        family = _family(actor, options["residence_id"])
        plan = planning.plan(family, _leaving(family, options["member"]))
        self._tell_plan(plan)
        if options["dry_run"]:
            self.answer({"family": family.residence_id, "would_go": [_as_json(one) for one in plan.items]})
            return
        if not options["yes"]:
            self._ask(family)
        with _refusals():
            move_out = beginning.begin(
                actor,
                family=family,
                leaving=plan.leaving,
                owner=_owner(plan, options["owner"]),
                press=f"console-{uuid4().hex}",
                reason=" ".join(options["reason"].split())[:200],
            )
        self._run(move_out)

    def _tell_plan(self, plan: Plan) -> None:
        for item in plan.items:
            self.say(
                f"{item.kind.label}: {_plain(item.subject)}"
                + (f" ({_plain(item.detail)})" if item.detail else "")
            )

    def _ask(self, family: Family) -> None:
        if self.is_json or not sys.stdin.isatty():
            raise Stop(_("Nothing was begun: --yes does it without asking."))
        typed = input(
            _("Type the name of the family, “%(name)s”, to go on: ") % {"name": _plain(family.name)}
        )
        if " ".join(typed.split()) != " ".join(family.name.split()):
            raise Stop(_("That is not its name. Nothing was begun."))

    def _run(self, move_out: MoveOut) -> None:
        ends = time.monotonic() + WAIT_SECONDS
        move_out = advancing.advance(move_out, seconds=WAIT_SECONDS)
        while move_out.state == MoveOutState.RUNNING and not move_out.paused_at and time.monotonic() < ends:
            # Somebody else takes the steps, or a command of before is still under way.
            time.sleep(1)
            move_out = advancing.advance(move_out, seconds=max(0.0, ends - time.monotonic()))
        items = list(MoveOutItem.objects.filter(move_out=move_out).order_by("number"))
        left = [item for item in items if item.state != "gone"]
        self.say(_("Move-out %(id)s") % {"id": move_out.public_id})
        for item in items:
            words = f": {_plain(item.words)}" if item.words else ""
            self.say(f"{item.get_state_display()}: {item.get_kind_display()}: {_plain(item.subject)}{words}")
        reading = MoveOutReading.objects.filter(move_out=move_out).order_by("-number").first()
        self.answer(
            {
                "id": move_out.public_id,
                "family": move_out.family.residence_id,
                "state": str(move_out.state),
                "items": [_as_json(item) for item in items],
                "record": {"number": reading.number, "digest": reading.digest, "entry": reading.entry}
                if reading
                else None,
            }
        )
        if move_out.paused_at:
            raise Stop(_("It is paused. %(why)s") % {"why": move_out.pause_reason}, LEFT)
        if move_out.state == MoveOutState.RUNNING:
            raise Stop(_("It is still under way; the worker goes on with it."), LEFT)
        if left:
            names = "; ".join(f"{item.get_kind_display()} {_plain(item.subject)}" for item in left)
            raise Stop(_("Not gone: %(names)s") % {"names": names}, LEFT)

    def _verify(self, public_id: str) -> None:
        move_out = MoveOut.objects.filter(public_id=public_id).first()
        if move_out is None:
            raise Stop(_("There is no move-out %(id)s.") % {"id": repr(public_id)}, NOT_CHECKED)
        try:
            proof = verifying.verify(move_out)
        except (KeyMissing, OSError) as error:
            raise Stop(_("Could not be checked: %(why)s") % {"why": error}, NOT_CHECKED) from None
        self.answer(
            {
                "id": public_id,
                "is_valid": proof.is_valid,
                "records": proof.records,
                "entries": proof.entries,
                "first_entry": proof.first,
                "last_entry": proof.last,
                "reason": proof.reason,
            }
        )
        if not proof.is_valid:
            raise Stop(_("Broken: %(why)s") % {"why": proof.reason}, BROKEN)
        self.say(
            _("Valid: %(records)d records, and the entries %(first)d to %(last)d of the audit trail.")
            % {"records": proof.records, "first": proof.first, "last": proof.last}
        )


@contextmanager
def _refusals() -> Iterator[None]:
    """What is refused, as one clear line."""
    try:
        yield
    except (MoveOutRefused, PermissionDenied, AuditUnavailable) as error:
        raise Stop(_("Nothing was begun: %(why)s") % {"why": _why(error)}) from None


def _why(error: Exception) -> str:
    match error:
        case PermissionDenied():
            return _("They may not move anybody out of this family.")
        case NobodyLeaves():
            return _("Nobody is in this family who could leave.")
        case OwnerNeeded():
            return _("The owner leaves: --owner says who owns the family then.")
        case UnderWay():
            words = _("Another move-out of this family is under way: %(id)s")
            return words % {"id": error.move_out.public_id}
        case NotPaused():
            return _("It is not paused.")
        case NothingLeft():
            return _("Nothing is left that could be tried again.")
        case AuditUnavailable():
            return _("The audit trail is not available.")
        case _:
            return _("Whoever shall own the family leaves it, too, or is not in it.")


def _actor(email: str) -> User:
    if not email:
        raise Stop(_("--by says in whose name it is done: the e-mail address of a manager."))
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None or not found.is_manager:
        raise Stop(_("There is no manager %(email)s.") % {"email": repr(email)})
    return found


def _family(actor: User, residence_id: str) -> Family:
    found = Family.objects.visible_to(actor).filter(residence_id=residence_id, gone_at=None)
    family = found.select_related("property").first()
    if family is None:
        raise Stop(_("There is no family %(id)s within their reach.") % {"id": repr(residence_id)})
    return family


def _visible(actor: User, public_id: str) -> MoveOut:
    found = MoveOut.objects.visible_to(actor).select_related("family").filter(public_id=public_id).first()
    if found is None:
        raise Stop(_("There is no move-out %(id)s within their reach.") % {"id": repr(public_id)})
    return found


def _leaving(family: Family, accounts: list[str]) -> Leaving:
    if not accounts:
        return Leaving(is_whole=True)
    found = {
        one.account_id: one
        for one in Member.objects.filter(family=family, gone_at=None, account_id__in=accounts)
    }
    for account in accounts:
        if account not in found:
            raise Stop(_("There is no member %(id)s in this family.") % {"id": repr(account)})
    own = planning.own_accounts(family)
    if kept := [account for account in accounts if account in own]:
        raise Stop(_("Through %(id)s the portal itself is in the family: it stays.") % {"id": repr(kept[0])})
    return Leaving(is_whole=False, members=tuple(found.values()))


def _owner(plan: Plan, wanted: str) -> Owner:
    if not wanted or plan.owner is None:
        return Owner()
    if wanted == OWN:
        reach = Reach.objects.to_act_in(plan.family)
        if reach is None:
            raise Stop(_("No connection reaches this family now."))
        return Owner(connection=reach.connection)
    member = next((one for one in plan.staying if one.account_id == wanted), None)
    if member is None:
        raise Stop(_("There is no member %(id)s who stays.") % {"id": repr(wanted)})
    return Owner(member=member)


def _as_json(item: planning.Planned | MoveOutItem) -> dict[str, str]:
    told = {"kind": str(ItemKind(item.kind)), "subject": item.subject, "detail": item.detail}
    if isinstance(item, MoveOutItem):
        told |= {"state": str(item.state), "words": item.words}
    return told


def _plain(text: str) -> str:
    """Text from outside, fit for a terminal: nothing in it moves the cursor."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
