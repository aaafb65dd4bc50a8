"""Cards of doors as HTML: what a device and its doors have to say in words, put into the templates' stencils."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.templatetags.outages import outage_strip
from portal.web.stencils import fill
from portal.web.templatetags.web import status, when

_DOT = mark_safe(" · ")


class Draughtsman:
    """Draws the cards of one page, all alike: ``heading`` "h2" or "h3", ``hides_family`` where the page is one family's,
    ``may_choose`` with a box to tick, ``is_oob`` each part by itself for a poll."""

    def __init__(
        self,
        request: HttpRequest,
        *,
        heading: str = "h2",
        hides_family: bool = False,
        may_choose: bool = False,
        is_oob: bool = False,
    ) -> None:
        self._request = request
        self._user: Any = getattr(request, "user", None)
        self._csrf = get_token(request)
        self._heading = heading
        self._hides_family = hides_family
        self._may_choose = may_choose
        self._is_oob = is_oob

    def card(self, card: Mapping[str, Any]) -> SafeString:
        """The whole card, from access.views.live.live_cards."""
        device = card["device"]
        values = {"device.public_id": device.public_id, "device.name": device.name}
        values |= {"state": self.state(card), "doors": self.doors(card)}
        return fill("access/_door_card.html", {"may_choose": self._may_choose}, values)

    def state(self, card: Mapping[str, Any]) -> SafeString:
        """What is told of the device: the part that may be swapped at any time."""
        device = card["device"]
        flags = {
            "device.is_online": device.is_online,
            "heading": self._heading,
            "is_oob": self._is_oob,
        }
        values = {
            "device.public_id": device.public_id,
            "device.name": device.name,
            # A number of the house's wiring is nothing to those who live there.
            "device.sip": "" if self._user.is_family_admin else device.sip,
            "url": card.get("url", ""),
            "version": card.get("state_version", ""),
            "where": self._where(device),
            "notes": _notes(device, card.get("trouble")),
            "last": _last(device),
            "strip": outage_strip(device.watch) if device.watch else "",
        }
        return _filled("access/_door_state.html", flags, values)

    def doors(self, card: Mapping[str, Any]) -> SafeString:
        """Its doors, each with its button: the part in which somebody may be asked something, or be typing."""
        device, openers = card["device"], card["relays"]
        are_named = len(openers) > 1
        doors = [self._door(device, opener, is_named=are_named) for opener in openers]
        flags = {"is_oob": self._is_oob}
        values = {
            "device.public_id": device.public_id,
            "version": card.get("doors_version", ""),
            "doors": mark_safe("".join(doors)),  # noqa: S308 - each is safe
        }
        return _filled("access/_door_doors.html", flags, values)

    def _door(self, device: Any, opener: Mapping[str, Any], *, is_named: bool) -> SafeString:
        relay = opener["relay"]
        flags = {"is_named": is_named or relay.is_security, "relay.is_security": relay.is_security}
        return fill("access/_door.html", flags, {"relay": relay, "slot": self.slot(device, opener)})

    def slot(self, device: Any, opener: Mapping[str, Any]) -> SafeString:
        """The button of a door, or what became of its last press: access/_press.html."""
        relay = opener["relay"]
        if opener.get("last"):
            context = {
                "relay": relay,
                "device": device,
                "card": opener,
                "press": opener["last"],
                "url": opener.get("poll_url"),
                "thumbnail_url": opener.get("thumbnail_url"),
                "hides_family": self._hides_family,
            }
            return render_to_string("access/_press.html", context, self._request)
        flags = {
            "device.is_online": device.is_online,
            "card.holds": opener.get("holds", False),
            "card.is_shared": opener.get("is_shared", False),
            "hides_family": self._hides_family,
            "user.is_family_admin": self._user.is_family_admin,
        }
        values = {
            "relay": relay,
            "relay.public_id": relay.public_id,
            "card.url": opener["url"],
            "card.ask_url": opener.get("ask_url", ""),
            "card.press": opener["press"],
            "csrf_token": self._csrf,
        }
        return _filled("access/_press.html", flags, values)

    def _where(self, device: Any) -> SafeString:
        words = [device.type_name]
        if device.is_public:
            words.append(_("public"))
        if not self._hides_family:
            place = device.family.property
            if device.shared_by > 1:
                shared = ngettext("Shared by %(n)s family", "Shared by %(n)s families", device.shared_by)
                whose = conditional_escape(shared % {"n": device.shared_by})
            else:
                whose = format_html("<bdi>{}</bdi>", device.family)
            words.insert(0, format_html("{}, {}", whose, place) if place else whose)
        return mark_safe(_DOT.join([conditional_escape(one) for one in words]))  # noqa: S308 - each is escaped


def _filled(template: str, flags: dict[str, Any], values: dict[str, Any]) -> SafeString:
    """What is empty is a flag too: a template asks whether it is there."""
    nothing = {name: "" for name, value in values.items() if not value}
    return fill(template, flags | nothing, {name: value for name, value in values.items() if value})


def _notes(device: Any, trouble: Any) -> SafeString:
    notes = []
    if trouble and trouble.is_lasting:
        notes.append(format_html("<p>{}</p>", status(trouble.status, _("Cannot be opened now"))))
    if device.is_late:
        words = status("stale", _("Not read since"))
        notes.append(format_html('<p class="door-card__late">{} {}</p>', words, when(device.read_at)))
    return mark_safe("".join(notes))  # noqa: S308 - each is safe


def _last(device: Any) -> SafeString:
    told = []
    if device.offline_since:
        told.append(format_html("{} {}", _("Offline since"), when(device.offline_since)))
    if device.last_opening_at:
        told.append(format_html("{} {}", _("Last opened"), when(device.last_opening_at)))
    return mark_safe(_DOT.join(told))  # noqa: S308 - each is safe


def draw_cards(request: HttpRequest, cards: Sequence[dict[str, Any]], **how: Any) -> list[SafeString]:
    """The cards of a page; ``how`` is what a Draughtsman takes."""
    drawn_by = Draughtsman(request, **how)
    return [drawn_by.card(card) for card in cards]
