"""Cards of doors that keep themselves true: each part carries the version of what it shows, and a poll asks with them."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from access.models import Device
from access.views.cards import door_cards
from families.selectors import Trouble, list_trouble
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit

# The parts of a card, as their versions are called in the address: what is told of the device, and its doors, among
# which somebody may be typing.
STATE, DOORS = "seen", "doors"
# No page of ours shows more.
_MOST_SEEN = 400
_PAGE, _ANY = "access:device_detail", "device"


def live_cards(user: User, devices: Sequence[Device]) -> list[dict[str, Any]]:
    """Devices as access/_door_card.html takes them, with the versions of their parts. As many queries as ``door_cards``."""
    address = reverse(_PAGE, args=[_ANY]) if may_visit(user, _PAGE) else ""
    cards = door_cards(user, devices)
    for card in cards:
        device, trouble = card["device"], card["trouble"]
        card["url"] = address and address.replace(_ANY, device.public_id)
        card["state_version"] = _state(device, trouble)
        card["doors_version"] = _doors(device, trouble)
    return cards


def changes_of(request: SignedInRequest, shown: Sequence[Device]) -> list[dict[str, Any]]:
    """The cards of which a part is another than the versions in the address say.

    Each with whether ``state`` and ``doors`` are, and whether the device ``turned`` on or off. One query where none is.
    """
    seen, doors = versions_seen(request, STATE), versions_seen(request, DOORS)
    troubles = list_trouble(request.user, {device.family_id for device in shown})
    changed = []
    for device in shown:
        trouble = troubles.get(device.family_id)
        earlier, now = seen.get(device.public_id, ""), _state(device, trouble)
        is_new = {
            "state": earlier != now,
            "doors": doors.get(device.public_id) != _doors(device, trouble),
            "turned": earlier[:1] != now[:1],
        }
        if any(is_new.values()):
            changed.append((device, is_new))
    cards = live_cards(request.user, [device for device, _ in changed]) if changed else []
    return [card | is_new for card, (_, is_new) in zip(cards, changed, strict=True)]


def versions_seen(request: SignedInRequest, part: str) -> dict[str, str]:
    """The versions of a part that the page shows, by the device's public id."""
    told = (text.partition(".") for text in request.GET.getlist(part)[:_MOST_SEEN])
    return {public_id: version for public_id, _, version in told}


def version(*told: object) -> str:
    """Another text whenever any of this is another."""
    digest = hashlib.blake2b(repr(told).encode(errors="replace"), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode()


def _state(device: Any, trouble: Trouble | None) -> str:
    in_property = device.family.property
    # The first sign says what it was.
    return f"{int(device.is_online)}" + version(
        *(device.name, device.device_type, device.is_public, device.sip, device.shared_by),
        *(device.family.name, in_property and in_property.name, trouble and trouble.title),
        *(device.last_opening_at, device.offline_since, len(device.watch.outages), device.is_late),
    )


def _doors(device: Any, trouble: Trouble | None) -> str:
    doors = [(relay.public_id, relay.name) for relay in device.open_relays]
    return version(device.is_online, doors, bool(trouble and trouble.is_lasting))
