"""Begins a move-out, and lets one that has ended try again what is left."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from access.models import (
    ItemKind,
    ItemState,
    MoveOut,
    MoveOutItem,
    MoveOutState,
    MoveOutStep,
)
from access.services.moving.planning import Leaving, Plan, Planned, plan
from families.models import Family, FamilyInvitation, Member, Reach
from families.services.people import leaving as portal_side
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, AuditUnavailable, By
from portal.connections.models import Connection
from portal.keys import KeyMissing

# So long after its begin a move-out still takes in what it finds: later the next household may live there.
FINDS_FOR = timedelta(minutes=10)


class MoveOutRefused(Exception):
    """Nothing was begun: what was asked for cannot be."""


class NobodyLeaves(MoveOutRefused):
    """Nobody was chosen, and there is nothing that would have to go."""


class OwnerNeeded(MoveOutRefused):
    """The owner is among those who leave, and nobody was chosen to own the family then."""


class OwnerUnfit(MoveOutRefused):
    """Whoever was chosen to own the family leaves it, too, or is not there."""


class UnderWay(MoveOutRefused):
    """Another move-out of this family has not ended."""

    def __init__(self, move_out: MoveOut) -> None:
        super().__init__(move_out.public_id)
        self.move_out = move_out


class NothingLeft(MoveOutRefused):
    """Nothing is left that could be tried again, or somebody else tries it at this moment."""


@dataclass(frozen=True)
class Owner:
    """Whom the family is handed to: a member who stays, or the account of a connection; neither where the owner stays."""

    member: Member | None = None
    connection: Connection | None = None

    @property
    def name(self) -> str:
        """What the record calls them."""
        return self.member.name if self.member else self.connection.name if self.connection else ""


def begin(
    actor: User,
    *,
    family: Family,
    leaving: Leaving,
    owner: Owner,
    press: str,
    reason: str = "",
    next_begins_on: date | None = None,
) -> MoveOut:
    """Write down who leaves and what goes with them; nothing of it has gone then. Raises PermissionDenied, MoveOutRefused and
    trail.AuditUnavailable.

    ``family`` was fetched through ``visible_to(actor)``. The same press begins one move-out. From here on nobody is given the
    family before a whole household has moved out.
    """
    by = By.person(actor)
    try:
        with transaction.atomic():
            portal_side.check_may_move_out(by, family)
            earlier = MoveOut.objects.filter(press=press).first()
            if earlier is not None:
                return earlier
            refuse_second(family)
            planned = plan(family, leaving)
            _check(planned, owner)
            if leaving.is_whole:
                portal_side.begin_leaving(by, family)
            move_out = _write(actor, planned, owner, press, reason, next_begins_on)
            add_items(move_out, planned.items)
            entry = trail.record(
                "move_out.begin", by, about(move_out), parameters=_told(move_out, planned), reason=reason
            )
            move_out.entry = entry.number
            MoveOut.objects.filter(pk=move_out.pk).update(entry=entry.number)
    except (DatabaseError, OSError, KeyMissing) as error:
        # Somebody else may have begun one at the same moment.
        refuse_second(family)
        raise AuditUnavailable("the begin could not be written down") from error
    return move_out


def try_again(actor: User, move_out: MoveOut, *, attempt: int) -> MoveOut:
    """Let the steps be taken once more for what is left or unknown, in the name of ``actor``.

    ``attempt`` is the one whose end they saw: the same press twice tries once. Nobody who was not named before is
    removed, but those who have taken up an invitation of the household since. Raises PermissionDenied, MoveOutRefused and trail.AuditUnavailable.
    """
    by = By.person(actor)
    try:
        with transaction.atomic():
            portal_side.check_may_move_out(by, move_out.family)
            ended = MoveOut.objects.filter(pk=move_out.pk, state=MoveOutState.ENDED, attempt=attempt)
            open_now = [item for item in MoveOutItem.objects.filter(move_out=move_out) if may_be_tried(item)]
            joined = _joined_since(move_out)
            if not (open_now or joined) or not ended.update(
                state=MoveOutState.RUNNING,
                step=MoveOutStep.GRANTS,
                attempt=attempt + 1,
                attempt_at=timezone.now(),
                acting=actor,
            ):
                raise NothingLeft
            MoveOutItem.objects.filter(pk__in=[item.pk for item in open_now]).update(
                state=ItemState.PLANNED, command=None, entry=None
            )
            add_items(move_out, joined)
            trail.record(
                "move_out.again",
                by,
                about(move_out),
                parameters={"attempt": attempt + 1, "items": len(open_now) + len(joined)},
            )
    except (DatabaseError, OSError, KeyMissing) as error:
        refuse_second(move_out.family)
        raise AuditUnavailable("another attempt could not be written down") from error
    move_out.refresh_from_db()
    return move_out


def may_be_tried(item: MoveOutItem) -> bool:
    """Whether a person may let it be tried again: nobody can withdraw an invitation of the door system."""
    return item.kind != ItemKind.UPSTREAM_INVITATION and item.state in {ItemState.LEFT, ItemState.UNKNOWN}


def add_items(move_out: MoveOut, planned: list[Planned]) -> int:
    """Write down those that are not there yet; return how many."""
    known = set(MoveOutItem.objects.filter(move_out=move_out).values_list("kind", "key"))
    last = MoveOutItem.objects.filter(move_out=move_out).count()
    new = [one for one in planned if (str(one.kind), one.key) not in known]
    MoveOutItem.objects.bulk_create(
        [
            MoveOutItem(
                move_out=move_out,
                number=last + number,
                kind=one.kind,
                key=one.key,
                subject=one.subject,
                detail=one.detail,
                person=one.person,
                member=one.member,
                temp_key=one.temp_key,
                look_until=one.look_until,
            )
            for number, one in enumerate(new, 1)
        ]
    )
    return len(new)


def take_in(move_out: MoveOut) -> int:
    """Write down what goes with those who leave and was not known before: a pass that was made elsewhere, or while it
    ran, somebody who has just joined. Return how many there were. Reads local tables only."""
    if timezone.now() - move_out.made_at > FINDS_FOR:
        return 0
    found = plan(move_out.family, _leaving(move_out), at=move_out.made_at)
    accounts = [one.member.account_id for one in found.items if one.member is not None]
    # An account of the organisation's that has joined for this is not among the family's own before the next sync.
    own = set(
        Reach.objects.filter(connection__owner=None, account_id__in=accounts).values_list(
            "account_id", flat=True
        )
    )
    return add_items(
        move_out, [one for one in found.items if one.member is None or one.member.account_id not in own]
    )


def about(move_out: MoveOut) -> About:
    """A move-out as the trail names it."""
    return About(
        move_out.family_id, move_out.family_name, "move_out", move_out.public_id, move_out.family_name
    )


def refuse_second(family: Family) -> None:
    """Nothing, unless a move-out of this family is under way; raises UnderWay."""
    other = MoveOut.objects.filter(family=family, state=MoveOutState.RUNNING).first()
    if other is not None:
        raise UnderWay(other)


def _check(planned: Plan, owner: Owner) -> None:
    if not planned.items:
        raise NobodyLeaves
    if planned.owner is not None and owner.member is None and owner.connection is None:
        raise OwnerNeeded
    if owner.member is not None and owner.member not in planned.staying:
        raise OwnerUnfit
    if owner.connection is not None and owner.connection.owner_id is not None:
        raise OwnerUnfit


def _write(
    actor: User, planned: Plan, owner: Owner, press: str, reason: str, next_begins_on: date | None
) -> MoveOut:
    # Where the owner stays nobody else becomes it.
    chosen = owner if planned.owner is not None else Owner()
    return MoveOut.objects.create(
        press=press,
        family=planned.family,
        family_name=planned.family.name,
        is_whole=planned.leaving.is_whole,
        all_passes=planned.leaving.is_whole or planned.leaving.all_passes,
        reason=reason,
        made_by=actor,
        made_by_name=str(actor),
        acting=actor,
        new_owner=chosen.member,
        owner_connection=chosen.connection,
        new_owner_name=chosen.name,
        next_begins_on=next_begins_on if planned.leaving.is_whole else None,
    )


def _told(move_out: MoveOut, planned: Plan) -> dict[str, object]:
    return {
        "who": "everybody" if move_out.is_whole else "some",
        "leaving": [item.subject for item in planned.of(ItemKind.MEMBER)],
        "new_owner": move_out.new_owner_name,
        "items": len(planned.items),
        "next_begins_on": str(move_out.next_begins_on or ""),
    }


def _leaving(move_out: MoveOut) -> Leaving:
    """Who leaves, as it was begun."""
    known = MoveOutItem.objects.filter(move_out=move_out).select_related("member", "person")
    return Leaving(
        move_out.is_whole,
        tuple(one.member for one in known if one.kind == ItemKind.MEMBER and one.member is not None),
        tuple({one.person for one in known if one.person is not None}),
        move_out.all_passes,
    )


def _joined_since(move_out: MoveOut) -> list[Planned]:
    """Members who came by an invitation that could not be withdrawn."""
    invitations = MoveOutItem.objects.filter(move_out=move_out, kind=ItemKind.UPSTREAM_INVITATION)
    accepted = FamilyInvitation.objects.filter(
        public_id__in=invitations.values("key"), accepted_at__isnull=False
    )
    found = []
    for invitation in accepted:
        member = Member.objects.filter(
            family=move_out.family, gone_at=None, email__iexact=invitation.email
        ).first()
        if member is not None:
            found.append(Planned(ItemKind.MEMBER, member.public_id, member.name, member.email, member=member))
    known = set(
        MoveOutItem.objects.filter(move_out=move_out, kind=ItemKind.MEMBER).values_list("key", flat=True)
    )
    return [one for one in found if one.key not in known]
