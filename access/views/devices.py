"""The page of one device."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from access.models import Device, Opening, Picture
from access.selectors import devices as selectors
from access.selectors.outages import list_watches
from access.services.devices.checking import Checked
from access.services.devices.streaming import Stream
from access.views import device_words
from access.views.cards import door_cards, thumbnail_url
from families.models import Kind
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.pages import render_page

# So long the whole address of a stream is shown: static/js/reveal.js takes it off the page, and without a script the
# page goes on by itself.
SHOWN_SECONDS = 30


def device_detail(request: SignedInRequest, device_id: str) -> HttpResponse:
    """What is known of a device, its doors, its outages, and what happened at it."""
    return show_device(request, find_device(request, device_id))


def find_device(request: SignedInRequest, device_id: str) -> Device:
    """The device, or a 404 unless it is this person's to see."""
    try:
        return selectors.get_device(request.user, device_id)
    except Device.DoesNotExist:
        raise Http404 from None


def show_device(
    request: SignedInRequest,
    device: Device,
    outcome: Outcome | None = None,
    *,
    checked: Checked | None = None,
    stream: Stream | None = None,
) -> HttpResponse:
    """The page of a device, with what was asked about it, if anything was."""
    context = _context(request, device) | {"stream": stream, "seconds": SHOWN_SECONDS}
    if checked is not None:
        context |= check_context(device, checked)
    if outcome is not None:
        context["notices"] = [outcome.notice]
    status = outcome.status if outcome is not None else 200
    return render_page(
        request, "access/device_detail.html", "access/_device_detail.html", context, status=status
    )


def check_context(device: Device, checked: Checked) -> dict[str, Any]:
    """What access/_device_check.html takes besides the device."""
    row = checked.rows[0]
    return {"checked": checked, "verdict": device_words.tell_verdict(row.verdict)}


def _context(request: SignedInRequest, device: Device) -> dict[str, Any]:
    user = request.user
    sharing = selectors.list_sharing(user, device)
    since = selectors.changed_at(user, device)
    watch = list_watches(user, [device])[device.pk]
    # What the card of a door tells too.
    device.shared_by = len(sharing)  # type: ignore[attr-defined]
    device.offline_since = None if device.is_online else since  # type: ignore[attr-defined]
    [card] = door_cards(user, [device])
    openings = selectors.list_device_openings(user, device, sharing)
    presses = selectors.list_device_presses(user, sharing)
    is_guess = selectors.has_namesakes(device)
    log = {"family": device.family.public_id} | ({} if is_guess else {"door": device.public_id})
    return {
        "device": device,
        "family": device.family,
        "card": card if device.gone_at is None and device.family.gone_at is None else card | {"relays": []},
        "polled": selectors.polled(user, device),
        "poll_seconds": settings.SYNC_SECONDS[Kind.DEVICES],
        "since": since,
        "sharing": sharing[: selectors.SHARING_SHOWN],
        "sharing_more": max(0, len(sharing) - selectors.SHARING_SHOWN),
        "watch": watch,
        "outages": watch.outages[::-1],
        "openings": [(opening, _picture_of(opening)) for opening in openings],
        "presses": [(press, device_words.tell_press(press)) for press in presses],
        "is_guess": is_guess,
        "log_url": f"{reverse('desk:log_list')}?{urlencode(log)}",
        "may_ask": may_visit(user, "access:device_check") and device.gone_at is None,
    }


def _picture_of(opening: Opening) -> str:
    return thumbnail_url(opening.pk) if opening.picture == Picture.READY else ""
