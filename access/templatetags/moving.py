"""The tag by which a family's page leads to the move-out of which something is still open."""

from django import template

from access.selectors.moving import MoveOutRow, find_open
from families.models import Family
from portal.accounts.models import User
from portal.web.access import may_visit

register = template.Library()


@register.simple_tag
def open_move_out(user: User, family: Family) -> MoveOutRow | None:
    """The move-out of the family that is under way or has something left, for whoever may see it. One query."""
    return find_open(user, family) if may_visit(user, "access:move_out_detail") else None
