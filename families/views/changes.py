"""What was found changed outside the portal: in one family, and over all."""

from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from families import selectors
from families.models import Property
from families.selectors.changes import ChangeFilter, list_changes
from families.selectors.telling import Told
from families.sync.changes import ChangeKind
from families.views import frame, parts
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.addresses import read_day, with_changes
from portal.web.pages import render_page, wants_fragment
from portal.web.templatetags.web import exact

SEARCH_LENGTH = 200


def family_changes(request: SignedInRequest, family_id: str) -> HttpResponse:
    """What others changed in this family: a tab of its page."""
    family = parts.find_family(request, family_id)
    context = _page(request, ChangeFilter(family=family))
    context["over_all_url"] = (
        reverse("families:change_list") if may_visit(request.user, "families:change_list") else ""
    )
    return frame.render_tab(request, family, frame.CHANGES, "families/_family_changes.html", context)


def change_list(request: SignedInRequest) -> HttpResponse:
    """What others changed in all families within one's reach, as filtered by the address."""
    chosen = _filter(request)
    context = {
        **_page(request, chosen),
        "names_family": True,
        "is_filtered": chosen != ChangeFilter(),
        "list_url": reverse("families:change_list"),
    }
    if not wants_fragment(request):
        context["filters"] = _filters(request, chosen)
    return render_page(request, "families/change_list.html", "families/_change_days.html", context)


def _filter(request: SignedInRequest) -> ChangeFilter:
    """The filter of an address. What is unknown or not the person's to see filters nothing away: it is ignored."""
    asked = request.GET
    place = None
    if asked.get("property"):
        place = Property.objects.visible_to(request.user).filter(public_id=asked["property"]).first()
    return ChangeFilter(
        kind=asked.get("kind", "") if asked.get("kind") in ChangeKind.values else "",
        in_property=place,
        text=asked.get("q", "").strip()[:SEARCH_LENGTH],
        since=read_day(asked.get("from", "")),
        until=read_day(asked.get("to", ""), days=1),
    )


def _filters(request: SignedInRequest, chosen: ChangeFilter) -> dict[str, Any]:
    """What the filter form shows."""
    return {
        "text": chosen.text,
        "kinds": ChangeKind.choices,
        "kind": chosen.kind,
        "properties": selectors.list_properties(request.user),
        "property_id": chosen.in_property.public_id if chosen.in_property else "",
        "from": request.GET.get("from", "") if chosen.since else "",
        "to": request.GET.get("to", "") if chosen.until else "",
        "is_open": bool(chosen.kind or chosen.in_property or chosen.since or chosen.until),
    }


def _page(request: SignedInRequest, chosen: ChangeFilter) -> dict[str, Any]:
    """What families/_change_days.html takes."""
    cursor = request.GET.get("before", "")
    changes, older = list_changes(request.user, chosen, cursor=cursor)
    return {
        "days": [
            {"date": day, "rows": [_row(told) for told in some]}
            for day, some in groupby(changes, key=lambda told: timezone.localdate(told.at))
        ],
        "older_url": with_changes(request, before=older) if older else "",
        "newer_url": with_changes(request, before="") if cursor else "",
    }


def _row(told: Told) -> dict[str, Any]:
    at = timezone.localtime(told.at)
    return {
        "iso": told.at.isoformat(timespec="seconds"),
        "exact": exact(told.at),
        "clock": date_format(at, "H:i"),
        "sentence": told.sentence,
        "between": _between(*told.between, at) if told.between else "",
        "family": told.change.family,
    }


def _between(after: datetime, by: datetime, seen: datetime) -> str:
    """Between which two readings it happened: by the clock where both are of the day on which it was seen."""
    readings = [timezone.localtime(after), timezone.localtime(by)]
    is_one_day = {each.date() for each in readings} == {seen.date()}
    first, second = (date_format(each, "H:i:s" if is_one_day else "j M Y H:i") for each in readings)
    return _("between the readings of %(first)s and %(second)s") % {"first": first, "second": second}
