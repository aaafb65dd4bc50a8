"""What the templates of a door and of a press take: everything as words, formatted once."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import Device, Relay
from access.selectors import Press
from portal.accounts.models import User
from portal.ids import hidden_id
from portal.web.presses import new_press
from portal.web.templatetags.web import relative


def door_card(user: User, device: Device) -> dict[str, Any]:
    """One device with its doors, for access/_door_card.html; ``device`` as selectors.list_doors gives it."""
    return {
        "id": device.public_id,
        "name": device.name,
        "url": "",
        "where": _where(user, device),
        "is_online": device.is_online,
        "state_words": _state_words(device),
        "last_words": _last_words(device),
        "relays": [relay_card(user, relay, device) for relay in device.open_relays],
    }


def relay_card(user: User, relay: Relay, device: Device, press: Press | None = None, ask: str = "") -> dict[str, Any]:
    """The button of one door, and what became of the last press, for access/_press.html."""
    return {
        "id": relay.public_id,
        "name": device.name if not relay.name or len(relay_names(device)) < 2 else f"{device.name}, {relay.name}",
        "place": str(device.family.property or device.family),
        "is_security": relay.is_security,
        "is_online": device.is_online,
        "may_open": user.may_act,
        "open_url": reverse("access:opening_create", args=[device.family.public_id, relay.public_id]),
        "press_token": new_press(user.pk, press_purpose(relay)) if user.may_act else "",
        "press": press_card(user, relay, device, press) if press else None,
        "ask": ask,
    }


def press_card(user: User, relay: Relay, device: Device, press: Press) -> dict[str, Any]:
    """What became of one press, for access/_press.html."""
    command, opening = press.command, press.opening
    url = reverse("access:opening_press", args=[device.family.public_id, relay.public_id, command.public_id])
    by = _("by you") if command.actor_id == user.pk else _("by %(name)s") % {"name": command.actor_name}
    return {
        "state": press.step,
        "words": command.words,
        "at_words": _("at %(time)s") % {"time": clock(opening.at if opening else command.created_at)},
        "by_words": f"{by}: {command.reason}" if command.reason else by,
        "log_url": f"{reverse('desk:log_list')}?family={device.family.public_id}",
        "thumbnail_url": thumbnail_url(opening.pk) if opening and opening.picture == "ready" else "",
        "url": url,
        "poll_url": f"{url}?version={press.version}" if press.is_waiting else "",
    }


def press_purpose(relay: Relay) -> str:
    """What a press token of this door is good for."""
    return f"open:{relay.public_id}"


def relay_names(device: Device) -> list[str]:
    """The names of a device's doors, as far as they were fetched with it."""
    return [relay.name for relay in getattr(device, "open_relays", [])]


def thumbnail_url(opening_pk: int) -> str:
    """Where the small picture of an opening is, for those who may see its row."""
    return reverse("access:opening_thumbnail", args=[hidden_id(opening_pk, "opening")])


def clock(moment: Any) -> str:
    """ "16:49:30" in the current time zone."""
    return date_format(timezone.localtime(moment), "H:i:s")


def _where(user: User, device: Device) -> str:
    shared_by = getattr(device, "shared_by", 0) or 0
    if device.is_public and device.family.property:
        place = device.family.property.name
    elif device.is_public:
        place = _("Shared")
    else:
        place = device.family.name
    words = [place, device.type_name]
    if device.is_public and shared_by > 1 and not user.is_family_admin:
        words.append(ngettext("%d family", "%d families", shared_by) % shared_by)
    return " · ".join(word for word in words if word)


def _state_words(device: Device) -> str:
    if device.is_online:
        return _("Online")
    since = getattr(device, "offline_since", None)
    return _("Offline, %(since)s") % {"since": relative(since)} if since else _("Offline")


def _last_words(device: Device) -> str:
    if device.last_opening_at is None:
        return ""
    return _("Last opened %(when)s") % {"when": relative(device.last_opening_at)}
