"""Reads what was found changed outside the portal."""

from families.models import Change, Family
from families.selectors.telling import Told, tell_change
from portal.accounts.models import User

CHANGES_SHOWN = 50


def list_changes(user: User, family: Family) -> list[Told]:
    """What others changed in this family, newest first; a family admin sees none from before their grant. One query."""
    changes = Change.objects.visible_to(user).filter(family=family).order_by("-at", "-pk")
    return [tell_change(change) for change in changes[:CHANGES_SHOWN]]
