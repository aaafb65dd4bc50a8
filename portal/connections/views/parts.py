"""What the views of connections share: finding one, its presses, the way back after something was done."""

from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.requests import SignedInRequest
from portal.connections import selectors
from portal.connections.models import Connection
from portal.web import wordings
from portal.web.presses import MAX_AGE_SECONDS, PressInvalid, new_press, read_press


def find_connection(
    request: SignedInRequest, connection_id: str, *, with_removed: bool = False, with_personal: bool = False
) -> Connection:
    """One of the organisation's connections, or a 404 unless it is this person's to see.

    Removed ones, and people's own, only where they are asked for.
    """
    try:
        found = selectors.get_connection(request.user, connection_id)
    except Connection.DoesNotExist:
        raise Http404 from None
    if (found.removed_at and not with_removed) or (found.owner_id and not with_personal):
        raise Http404
    return found


def address_of(connection: Connection) -> str:
    """The page of a connection."""
    return reverse("connections:connection_detail", args=[connection.public_id])


def purpose_of(connection: Connection) -> str:
    """What the presses of a connection's page are signed for."""
    return f"connection:{connection.public_id}"


def fresh_press(request: SignedInRequest, purpose: str) -> str:
    """A token for one press of this person."""
    return new_press(request.user.id, purpose)


def take_press(request: SignedInRequest, purpose: str) -> str:
    """The name of the press that was sent, taken for good; raises PressInvalid where it is none, or was taken before.

    ``give_press_back`` where nothing was done and the same form may be sent again.
    """
    name = read_press(request.POST.get("press", ""), request.user.id, purpose)
    if not cache.add(_key(name), 1, MAX_AGE_SECONDS):
        raise PressInvalid("sent before")
    return name


def give_press_back(name: str) -> None:
    """Nothing was done: the same form may be sent again."""
    cache.delete(_key(name))


def old_page_words() -> str:
    """What is said to a press that is not good, or not any more."""
    words = _("Or it was sent before. Nothing was done now: look how it stands, then send it again.")
    return wordings.old_page(words)


def pressed(request: SignedInRequest, purpose: str) -> bool:
    """Whether the press that came is good for this; where not, the person is told on the next page."""
    try:
        take_press(request, purpose)
    except PressInvalid:
        messages.warning(request, old_page_words())
        return False
    return True


def actions_of(request: SignedInRequest, connection: Connection) -> dict[str, Any]:
    """What the buttons of a connection's page take."""
    return {"connection": connection, "press": fresh_press(request, purpose_of(connection))}


def _key(name: str) -> str:
    return f"press:{name}"
