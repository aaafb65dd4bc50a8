"""What the templates of a door take."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from access import selectors
from access.models import Device, Picture, Relay
from access.selectors import Press
from families.selectors import Trouble, list_trouble
from portal.accounts.models import User
from portal.ids import hidden_id
from portal.web.presses import new_press

# What stands in an address where a public id will: none is so short, or has such signs.
_FAMILY, _DOOR = "~family~", "~door~"


def door_cards(user: User, devices: Sequence[Device]) -> list[dict[str, Any]]:
    """Devices with their doors, for access/_door_card.html; ``devices`` as the selectors give them. Two queries.

    A door to which nothing can be sent until somebody mends its connection has no button.
    """
    presses = selectors.list_presses(user, devices)
    troubles = list_trouble(user, {device.family_id for device in devices})
    addresses = _Addresses()
    cards = []
    for device in devices:
        relays: list[Relay] = device.open_relays  # type: ignore[attr-defined]  # prefetched by the selectors
        trouble = troubles.get(device.family_id)
        nothing = {"press": ""} if trouble and trouble.is_lasting else {}
        openers = [
            opener(user, relay, device, addresses=addresses) | nothing | pressed(user, relay, device, presses)
            for relay in relays
        ]
        cards.append({"device": device, "relays": openers, "trouble": trouble})
    return cards


def troubles_of(cards: Sequence[Mapping[str, Any]]) -> list[Trouble]:
    """Why nothing can be sent to some of these doors, each reason once."""
    found = {card["trouble"].title: card["trouble"] for card in cards if card["trouble"]}
    return list(found.values())


class _Addresses:
    """Where doors are opened, and asked about: looked up once for all doors of a page."""

    def __init__(self) -> None:
        self._opening = reverse("access:opening_create", args=[_FAMILY, _DOOR])
        self._question = reverse("access:opening_confirm", args=[_FAMILY, _DOOR])

    def of(self, relay: Relay, device: Device) -> dict[str, str]:
        family, door = device.family.public_id, relay.public_id
        return {
            "url": self._opening.replace(_FAMILY, family).replace(_DOOR, door),
            "ask_url": self._question.replace(_FAMILY, family).replace(_DOOR, door),
        }


def opener(
    user: User,
    relay: Relay,
    device: Device,
    *,
    is_shared: bool | None = None,
    addresses: _Addresses | None = None,
) -> dict[str, Any]:
    """Where and with what this person opens a door, for access/_press.html.

    ``press``: a token for the one press, "" where they may only look. ``holds``: whether a press that is held long enough
    is sent without another question: not where something must be answered or told first. ``is_shared``: whether it
    stands for several families; without, as the selectors say.
    """
    if is_shared is None:
        is_shared = (getattr(device, "shared_by", None) or 0) > 1
    return {
        "relay": relay,
        **(addresses or _Addresses()).of(relay, device),
        "press": new_press(user.pk, press_purpose(relay)) if user.may_act else "",
        "holds": device.is_online and not relay.is_security and not settings.OPEN_REASON_REQUIRED,
        "is_shared": is_shared,
    }


def pressed(user: User, relay: Relay, device: Device, presses: Mapping[str, Press]) -> dict[str, Any]:
    """What the last press of a door did, and where to ask on; nothing where there is nothing to tell."""
    last = presses.get(relay.public_id)
    if last is None:
        return {}
    return {
        "last": last,
        "poll_url": press_url(relay, device, last) if user.may_act else "",
        "thumbnail_url": press_thumbnail(last),
    }


def press_url(relay: Relay, device: Device, press: Press) -> str:
    """A press's own address."""
    return reverse(
        "access:opening_press", args=[device.family.public_id, relay.public_id, press.command.public_id]
    )


def press_thumbnail(press: Press) -> str:
    """Where the small picture of what a press caused is; "" while there is none."""
    return thumbnail_url(press.opening.pk) if press.opening and press.opening.picture == Picture.READY else ""


def press_purpose(relay: Relay) -> str:
    """What a press token of this door is good for."""
    return f"open:{relay.public_id}"


def thumbnail_url(opening_pk: int) -> str:
    """Where the small picture of an opening is, for those who may see its row."""
    return reverse("access:opening_thumbnail", args=[hidden_id(opening_pk, "opening")])
