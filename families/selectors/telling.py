"""Rows as sentences for people."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Change, FamilyInvitation, Rights
from families.sync.changes import ChangeKind

OLD_DAYS = 7


@dataclass(frozen=True)
class Told:
    """A change as a sentence. ``between`` are the two readings that it happened between, None where one is not known."""

    change: Change
    sentence: str
    between: tuple[datetime, datetime] | None

    @property
    def at(self) -> datetime:
        """When it was seen."""
        return self.change.at


@dataclass(frozen=True)
class Pending:
    """An invitation, with the rights it offers in people's words; ``may_change``: send it again, or forget it."""

    invitation: FamilyInvitation
    rights: str
    may_change: bool = False

    @property
    def days(self) -> int:
        """For how many whole days it has been waiting."""
        return max(0, (timezone.now() - self.invitation.sent_at).days)

    @property
    def is_old(self) -> bool:
        """Whether somebody should ask if it arrived."""
        return self.days >= OLD_DAYS


def tell_change(change: Change) -> Told:
    """What changed outside the portal."""
    names = {"who": change.subject, "before": change.before, "after": change.after}
    rights = {"who": change.subject, "before": rights_of(change.before), "after": rights_of(change.after)}
    match change.kind:
        case ChangeKind.JOINED:
            sentence = _("%(who)s joined as %(after)s") % rights
        case ChangeKind.LEFT:
            sentence = _("%(who)s left, or was removed (was %(before)s)") % rights
        case ChangeKind.RIGHTS:
            sentence = _("%(who)s, until then %(before)s, became %(after)s") % rights
        case ChangeKind.MEMBER_RENAMED:
            sentence = _("%(before)s is now called %(after)s") % names
        case ChangeKind.FAMILY_RENAMED:
            sentence = _("The family, until then “%(before)s”, was renamed to “%(after)s”") % names
        case _:
            sentence = _("%(who)s: %(before)s became %(after)s") % names
    after, by = change.happened_after, change.happened_by
    return Told(change, sentence, (after, by) if after is not None and by is not None else None)


def tell_invitation(invitation: FamilyInvitation, *, may_change: bool = False) -> Pending:
    """An invitation for a list."""
    label = str(Rights(invitation.auth).label) if invitation.auth in Rights.values else ""
    return Pending(invitation, label, may_change)


def is_now(name: str, auth: str) -> str:
    """The sentence that tells somebody's rights; one for each right, as languages want them."""
    match auth:
        case Rights.ADMIN:
            words = _("%(name)s is the owner now.")
        case Rights.USER:
            words = _("%(name)s is an administrator now.")
        case Rights.GUEST:
            words = _("%(name)s is a member now.")
        case _:
            words = _("%(name)s has these rights now: %(rights)s.")
    return words % {"name": name, "rights": auth}


def rights_of(auth: str) -> str:
    """Owner, administrator or member within a sentence; an unknown right as the upstream wrote it."""
    return str(Rights(auth).label).lower() if auth in Rights.values else auth
