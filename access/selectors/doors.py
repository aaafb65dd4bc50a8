"""Reads one door for the pages; the board is read in ``board``."""

from access.models import Relay
from portal.accounts.models import User


def get_relay(user: User, *, family_id: str, relay_id: str) -> Relay:
    """The relay with its device, family and property; raises Relay.DoesNotExist unless it is the person's to see."""
    relays = Relay.objects.visible_to(user).select_related("device__family__property")
    return relays.get(
        device__family__public_id=family_id, public_id=relay_id, gone_at=None, device__gone_at=None
    )
