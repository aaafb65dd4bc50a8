"""Reads the invitations to families that the portal had sent: the upstream keeps no list of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from families.models import Family, FamilyInvitation, Property
from families.selectors.telling import OLD_DAYS, Pending, tell_invitation
from portal.accounts.models import User
from portal.audit.models import MAY_HAVE_BEEN_SENT
from portal.cursors import beyond, read_cursor, write_cursor

PAGE_SIZE = 50
# From then on somebody should ask whether it arrived.
LONG = timedelta(days=OLD_DAYS)
PENDING, ACCEPTED, FORGOTTEN = "", "accepted", "forgotten"
STATES = (PENDING, ACCEPTED, FORGOTTEN)
AGES = ("7", "30")
# Undoing is offered for as long as somebody may still remember what they did.
_UNDONE_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class InvitationFilter:
    """Which invitations are shown; everything comes from the address. ``days``: sent at least so long ago."""

    state: str = PENDING
    in_property: Property | None = None
    days: int = 0


def get_invitation(user: User, family: Family, invitation_id: str) -> FamilyInvitation:
    """One that the person may send again or forget: a family admin's only if they sent it themselves.

    Raises FamilyInvitation.DoesNotExist.
    """
    found = FamilyInvitation.objects.visible_to(user).filter(family=family)
    if user.is_family_admin:
        found = found.filter(sent_by=user)
    return found.select_related("command", "family").get(public_id=invitation_id)


def pending_invitations(user: User, family: Family) -> QuerySet[FamilyInvitation]:
    """Invitations that were or may have been sent and that nobody has accepted or forgotten, newest first, with their
    command.

    A family admin sees none from before the start of their grant.
    """
    found = FamilyInvitation.objects.visible_to(user).filter(_is_pending(), family=family)
    return found.select_related("command", "sent_by").order_by("-sent_at", "-pk")


def list_invitations(user: User, family: Family) -> list[Pending]:
    """The pending invitations as the page tells them, of each address the last; then those that were forgotten lately.

    One query.
    """
    lately = Q(accepted_at=None, forgotten_at__gt=timezone.now() - _UNDONE_WITHIN)
    found = FamilyInvitation.objects.visible_to(user).filter(
        _is_pending() | lately, _was_sent(), family=family
    )
    newest: dict[str, FamilyInvitation] = {}
    for invitation in found.select_related("command", "sent_by", "family").order_by("-sent_at", "-pk"):
        newest.setdefault(invitation.email.casefold(), invitation)
    told = [_tell(user, invitation) for invitation in newest.values()]
    return sorted(told, key=lambda pending: pending.invitation.forgotten_at is not None)


def list_all_invitations(
    user: User, chosen: InvitationFilter, *, cursor: str = ""
) -> tuple[list[Pending], str]:
    """A page of the invitations to all families within the person's reach, of each address in a family the last.

    Pending ones the oldest first, others the newest first; and the cursor to the next page, "" at the end. One query.
    """
    found = _with_state(FamilyInvitation.objects.visible_to(user), chosen.state)
    later = FamilyInvitation.objects.filter(
        family=OuterRef("family"), email__iexact=OuterRef("email"), pk__gt=OuterRef("pk")
    )
    found = found.filter(~Exists(_with_state(later, chosen.state)))
    if chosen.in_property is not None:
        found = found.filter(family__property=chosen.in_property)
    if chosen.days:
        found = found.filter(sent_at__lte=timezone.now() - timedelta(days=chosen.days))
    newest_first = chosen.state != PENDING
    purpose = f"invitations.{chosen.state}"
    place = read_cursor(purpose, cursor, str, int)
    if place is not None:
        moment, pk = place
        found = found.filter(
            beyond("sent_at", datetime.fromisoformat(moment), pk, is_descending=newest_first)
        )
    order = ("-sent_at", "-pk") if newest_first else ("sent_at", "pk")
    rows = list(
        found.select_related("command", "sent_by", "family__property").order_by(*order)[: PAGE_SIZE + 1]
    )
    last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
    following = write_cursor(purpose, last.sent_at.isoformat(), last.pk) if last is not None else ""
    return [_tell(user, invitation) for invitation in rows[:PAGE_SIZE]], following


def never_accepted(user: User) -> QuerySet[FamilyInvitation]:
    """Invitations that have been waiting for a week and more, the oldest first, with their family."""
    found = FamilyInvitation.objects.visible_to(user).filter(
        _is_pending(), sent_at__lte=timezone.now() - LONG, family__gone_at=None
    )
    return found.select_related("family").order_by("sent_at", "pk")


def _with_state(found: QuerySet[FamilyInvitation], state: str) -> QuerySet[FamilyInvitation]:
    match state:
        case "accepted":
            return found.filter(accepted_at__isnull=False)
        case "forgotten":
            return found.filter(_was_sent(), accepted_at=None, forgotten_at__isnull=False)
        case _:
            return found.filter(_is_pending())


def _was_sent() -> Q:
    return Q(command__state__in=MAY_HAVE_BEEN_SENT)


def _is_pending() -> Q:
    return Q(_was_sent(), accepted_at=None, forgotten_at=None)


def _tell(user: User, invitation: FamilyInvitation) -> Pending:
    is_theirs = not user.is_family_admin or invitation.sent_by_id == user.pk
    return tell_invitation(invitation, may_change=bool(user.may_act) and is_theirs)
