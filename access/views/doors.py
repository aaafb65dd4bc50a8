"""The board of doors, the doors of one family, and the polls that keep both true."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from access import selectors
from access.models import DEVICE_TYPES, Device
from access.selectors import DoorFilter, DoorPage
from access.selectors.board import IN_NONE, OTHER, STATES, Places
from access.views import live
from access.views.cards import troubles_of
from access.views.drawing import Draughtsman, draw_cards
from families.models import Kind
from families.views import frame
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.pages import render_page, wants_fragment

LONGEST_TEXT = 100
# How cards are drawn on the page of their family.
_IN_A_FAMILY: dict[str, Any] = {"heading": "h3", "hides_family": True}


def device_list(request: SignedInRequest) -> HttpResponse:
    """The board of all doors within the person's reach. Everything that is chosen stands in the address."""
    user = request.user
    places, chosen, page = _asked(request)
    cards = live.live_cards(user, page.devices)
    may_check = bool(cards) and may_visit(user, "access:device_check_many")
    here = {"before": request.GET.get("before", ""), "after": request.GET.get("after", "")}
    context = {
        "page": page,
        "count": live.version(page.total, page.online),
        "cards": draw_cards(request, cards, may_choose=may_check),
        "troubles": troubles_of(cards),
        "chosen": chosen,
        "places": places,
        "types": list(DEVICE_TYPES.items()),
        "board_url": reverse("access:device_list"),
        "without_family_url": _address(chosen, family=""),
        "before_url": page.before and _address(chosen, before=page.before),
        "after_url": page.after and _address(chosen, after=page.after),
        "poll_url": _address(chosen, "access:device_changes", **here),
        "check_url": reverse("access:device_check_many") if may_check else "",
        "poll_seconds": settings.SYNC_SECONDS[Kind.DEVICES],
    }
    response = render_page(request, "access/device_list.html", "access/_door_board.html", context)
    if wants_fragment(request):
        # The form sends empty fields too; the address keeps what was chosen.
        response["HX-Push-Url"] = _address(chosen)
    return response


def device_changes(request: SignedInRequest) -> HttpResponse:
    """What is new on a board since the versions in the address: 204 when nothing is."""
    _, chosen, page = _asked(request)
    here = _address(chosen, before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    if not wants_fragment(request):
        return redirect(here)
    seen = live.versions_seen(request, live.STATE)
    there = {device.public_id for device in page.devices}
    others = seen.keys() - there
    shown = [device for device in page.devices if device.public_id in seen]
    shown += selectors.list_shown(request.user, others) if others else []
    has_moved = seen.keys() != there and "moved" not in request.GET
    count = live.version(page.total, page.online)
    is_counted_anew = request.GET.get("count") != count
    context = {"page": page, "count": is_counted_anew and count, "has_moved": has_moved, "board_url": here}
    return _changes(request, shown, context if has_moved or is_counted_anew else None)


def family_doors(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The doors of one family: a tab of its page, and on the dashboard of those who look after it."""
    family = find_family(request, family_id)
    cards = live.live_cards(request.user, selectors.list_family_doors(request.user, family))
    context = {
        "family": family,
        "cards": draw_cards(request, cards, **_IN_A_FAMILY),
        "poll_url": reverse("access:family_door_changes", args=[family.public_id]),
        "poll_seconds": settings.SYNC_SECONDS[Kind.DEVICES],
    }
    return frame.render_tab(request, family, frame.DOORS, "access/_family_doors.html", context)


def family_door_changes(request: SignedInRequest, family_id: str) -> HttpResponse:
    """What is new among the doors of one family since the versions in the address: 204 when nothing is."""
    family = find_family(request, family_id)
    if not wants_fragment(request):
        return redirect("access:family_doors", family_id)
    seen = live.versions_seen(request, live.STATE)
    shown = [one for one in selectors.list_family_doors(request.user, family) if one.public_id in seen]
    return _changes(request, shown, **_IN_A_FAMILY)


def _changes(
    request: SignedInRequest, shown: list[Device], beside: dict[str, Any] | None = None, **how: Any
) -> HttpResponse:
    """The parts of these cards that are new, and what is new ``beside`` them."""
    changes = live.changes_of(request, shown)
    if not changes and beside is None:
        return HttpResponse(status=204)
    by = Draughtsman(request, is_oob=True, **how)
    context = {
        "parts": [by.state(card) for card in changes if card["state"]]
        + [by.doors(card) for card in changes if card["doors"]],
        "turned": [card["device"] for card in changes if card["turned"]],
    }
    return render(request, "access/_door_changes.html", context | (beside or {}))


def _asked(request: SignedInRequest) -> tuple[Places, DoorFilter, DoorPage]:
    """What is asked for; whatever is unknown or not the person's means nothing was chosen."""
    asked = request.GET
    family_id, kind, state = asked.get("family", ""), asked.get("type", ""), asked.get("show", "")
    places = selectors.list_places(request.user, family_id)
    properties = {place.public_id for place in places.properties}
    if properties and not request.user.is_limited:
        properties.add(IN_NONE)
    in_property = asked.get("property", "")
    chosen = DoorFilter(
        text=asked.get("q", "").strip()[:LONGEST_TEXT],
        type=kind if kind in DEVICE_TYPES or kind == OTHER else "",
        property_id=in_property if in_property in properties else "",
        family_id=family_id if family_id in {place.public_id for place in places.families} else "",
        state=state if state in STATES else "",
        is_public=asked.get("public") == "1",
    )
    page = selectors.list_doors(
        request.user, chosen, before=asked.get("before", ""), after=asked.get("after", "")
    )
    return places, chosen, page


def _address(chosen: DoorFilter, name: str = "access:device_list", **changes: str) -> str:
    """The address of the board so chosen, of one of its pages, or of its poll; what is empty is left out."""
    fields = {
        "q": chosen.text,
        "type": chosen.type,
        "property": chosen.property_id,
        "family": chosen.family_id,
        "show": chosen.state,
        "public": "1" if chosen.is_public else "",
        **changes,
    }
    query = urlencode({field: value for field, value in fields.items() if value})
    return reverse(name) + (f"?{query}" if query else "")
