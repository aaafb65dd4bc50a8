"""The log page, the log of one family, and the poll that keeps its top live."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import Device
from families.models import Family, Property
from families.selectors import list_properties
from families.views import frame
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest
from portal.desk import log, rows
from portal.desk.log import LogFilter, Watermark
from portal.web.addresses import read_day, with_changes
from portal.web.pages import render_page, wants_fragment
from portal.web.templatetags.web import relative

# After so many rows that are not the reader's to see, the watermark moves on: each poll looks through what is above it.
MANY_OF_OTHERS = 500


def log_list(request: SignedInRequest) -> HttpResponse:
    """A page of the log, as filtered by the address."""
    chosen = _filter(request)
    context = _page(request, chosen) | {
        "is_filtered": chosen.is_narrow,
        "whole_url": reverse("desk:log_list"),
    }
    if not wants_fragment(request):
        context |= _around(request, chosen)
    return render_page(request, "desk/log_list.html", "desk/_log.html", context)


def family_log(request: SignedInRequest, family_id: str) -> HttpResponse:
    """A page of one family's log: a tab of the family's page."""
    family = find_family(request, family_id)
    chosen = replace(_filter(request), family=family, in_property=None)
    context = _page(request, chosen) | _around(request, chosen)
    url = reverse("desk:family_log", args=[family.public_id])
    context |= {
        "is_filtered": chosen != LogFilter(family=family),
        "whole_url": url,
        "filter_url": url,
    }
    return frame.render_tab(request, family, frame.LOG, "desk/_family_log.html", context)


def log_new(request: SignedInRequest) -> HttpResponse:
    """What came to the top of the log since the address's watermark: 204 when nothing did."""
    if not wants_fragment(request):
        return redirect(with_changes(request, reverse("desk:log_list"), seen="", top=""))
    seen = Watermark.read(request.GET.get("seen", ""))
    now = log.watermark()
    if now == seen:
        return HttpResponse(status=204)
    chosen = _filter(request)
    found = log.list_new(request.user, chosen, seen)
    if not found and now.opening + now.call - seen.opening - seen.call < MANY_OF_OTHERS:
        return HttpResponse(status=204)
    top = _moment(request.GET.get("top", ""))
    above = [row for row in found if top is None or row.place.at >= top]
    late = len(found) - len(above)
    newest = above[0].place.at.isoformat() if above else request.GET.get("top", "")
    context = {
        "days": rows.days(request.user, above, are_new=True),
        "known_day": timezone.localtime(top).date().isoformat() if top else "",
        "late": late,
        **_live(request, chosen, now, above, top=newest),
    }
    return render(request, "desk/_log_new.html", context)


def _page(request: SignedInRequest, chosen: LogFilter) -> dict[str, Any]:
    """The rows of the page that the address asks for, and while it is the top what watches it."""
    cursor = request.GET.get("before", "")
    is_top = not cursor and chosen.until is None
    # Taken before the rows: what comes in between is then shown twice by no one and missed by no one.
    seen = log.watermark() if is_top else None
    found, next_cursor = log.list_log(request.user, chosen, cursor=cursor)
    return {
        "days": rows.days(request.user, found),
        "older_url": with_changes(request, before=next_cursor) if next_cursor else "",
        "newer_url": with_changes(request, before="") if cursor else "",
        **(_live(request, chosen, seen, found) if seen else {}),
    }


def _around(request: SignedInRequest, chosen: LogFilter) -> dict[str, Any]:
    """What only the whole page shows: the filters, and how fresh the log is. Two queries, which a fragment is spared."""
    freshness = log.freshness(request.user, chosen.family)
    return {
        "filters": _filters(request, chosen),
        "as_of": freshness.as_of,
        "is_stale": freshness.behind > 0,
        "stale_words": _("some families could not be read") if freshness.behind else "",
    }


def _live(
    request: SignedInRequest, chosen: LogFilter, seen: Watermark, found: list[log.Row], top: str = ""
) -> dict[str, Any]:
    newest = top or (found[0].place.at.isoformat() if found else "")
    family_id = chosen.family.public_id if chosen.family else ""
    new_url = reverse("desk:log_new")
    poll_url = with_changes(request, new_url, family=family_id, seen=str(seen), top=newest, before="")
    moment = _moment(newest)
    return {"poll_url": poll_url, "as_of_words": relative(moment) if moment else ""}


def _filter(request: SignedInRequest) -> LogFilter:
    """The filter of an address. What is unknown or not the person's to see filters nothing away by itself: it is ignored."""
    asked = request.GET
    user = request.user
    family = (
        Family.objects.visible_to(user).filter(public_id=asked["family"]).first()
        if asked.get("family")
        else None
    )
    device = (
        Device.objects.visible_to(user).filter(public_id=asked["door"]).first() if asked.get("door") else None
    )
    place = (
        Property.objects.visible_to(user).filter(public_id=asked["property"]).first()
        if asked.get("property")
        else None
    )
    return LogFilter(
        family=family,
        device=device,
        in_property=place,
        text=asked.get("q", "").strip()[:100],
        result=asked.get("result", "") if asked.get("result") in log.RESULTS else "",
        since=read_day(asked.get("from", "")),
        until=read_day(asked.get("to", ""), days=1),
    )


def _filters(request: SignedInRequest, chosen: LogFilter) -> dict[str, Any]:
    """What the filter form shows."""
    doors: list[dict[str, str]] = []
    if chosen.family is not None:
        found = Device.objects.filter(family=chosen.family, gone_at=None).order_by("search_text", "pk")
        doors = [{"id": door.public_id, "name": door.name} for door in found]
    return {
        "text": chosen.text,
        "is_open": bool(chosen.device or chosen.in_property or chosen.result or chosen.since or chosen.until),
        "properties": [] if chosen.family else list_properties(request.user),
        "property_id": chosen.in_property.public_id if chosen.in_property else "",
        "family": chosen.family,
        "without_family_url": with_changes(request, family="", door="", before=""),
        "doors": doors,
        "door_id": chosen.device.public_id if chosen.device else "",
        "door": chosen.device,
        "result": chosen.result,
        "from": request.GET.get("from", "") if chosen.since else "",
        "to": request.GET.get("to", "") if chosen.until else "",
    }


def _moment(text: str) -> datetime | None:
    """A moment of an address; None for anything that is none, or that the current time zone cannot tell."""
    try:
        return timezone.localtime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
