"""What needs somebody, in order, each with its remedy. Reads local tables only."""

from portal.accounts.models import User
from portal.desk.attention import connections, estate, work
from portal.desk.attention.items import Item

__all__ = ["Item", "list_attention"]


def list_attention(user: User) -> list[Item]:
    """What needs this person, the worst first. A fixed number of queries, none of them over history."""
    return [
        *connections.tell_connections(user),
        *work.tell_unknown(user),
        *work.tell_jobs(user),
        *work.tell_move_outs(user),
        *estate.tell_unread(user),
        *estate.tell_offline_families(user),
        *estate.tell_offline_doors(user),
        *estate.tell_gaps(user),
        *estate.tell_changes(user),
        *work.tell_invitations(user),
    ]
