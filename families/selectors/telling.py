"""Rows as sentences for people."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from families.models import Change, FamilyInvitation, Rights
from families.sync.changes import ChangeKind


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
    """An invitation that nobody has accepted, with the rights it offers in people's words."""

    invitation: FamilyInvitation
    rights: str


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


def tell_invitation(invitation: FamilyInvitation) -> Pending:
    """An invitation for a list."""
    return Pending(invitation, str(Rights(invitation.auth).label) if invitation.auth in Rights.values else "")


def rights_of(auth: str) -> str:
    """Owner, administrator or member within a sentence; an unknown right as the upstream wrote it."""
    return str(Rights(auth).label).lower() if auth in Rights.values else auth
