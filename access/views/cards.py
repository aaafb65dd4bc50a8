"""What the templates of a door take."""

from typing import Any

from django.urls import reverse

from access.models import Device, Relay
from portal.accounts.models import User
from portal.ids import hidden_id
from portal.web.presses import new_press


def door_card(user: User, device: Device) -> dict[str, Any]:
    """One device with its doors, for access/_door_card.html; ``device`` as the selectors give it."""
    relays: list[Relay] = device.open_relays  # type: ignore[attr-defined]  # prefetched by the selectors
    return {"device": device, "relays": [opener(user, relay, device) for relay in relays]}


def opener(user: User, relay: Relay, device: Device) -> dict[str, Any]:
    """Where and with what this person opens a door; a token of "" where they may only look."""
    return {
        "relay": relay,
        "url": reverse("access:opening_create", args=[device.family.public_id, relay.public_id]),
        "press": new_press(user.pk, press_purpose(relay)) if user.may_act else "",
    }


def press_purpose(relay: Relay) -> str:
    """What a press token of this door is good for."""
    return f"open:{relay.public_id}"


def thumbnail_url(opening_pk: int) -> str:
    """Where the small picture of an opening is, for those who may see its row."""
    return reverse("access:opening_thumbnail", args=[hidden_id(opening_pk, "opening")])
