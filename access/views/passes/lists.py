"""Passes: over all families, in one, and deleting them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import TempKey
from access.selectors.passes import (
    Account,
    PassFilter,
    PassState,
    find_account,
    is_deleted_here,
    list_passes,
    passes_as_of,
    state_of,
)
from families.models import Family
from families.selectors import list_properties
from families.views import frame
from families.views.parts import find_family
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.web.addresses import with_changes
from portal.web.pages import render_page
from portal.web.templatetags.web import relative
from portal.web.zones import zone_called

_KINDS = {
    PassState.LIVE: "ok",
    PassState.COMING: "stale",
    PassState.OVER: "off",
    PassState.USED_UP: "off",
    PassState.GONE: "off",
    PassState.UNREAD: "warn",
    PassState.ASKED: "unknown",
}
# As they are offered: what matters first.
STATES = (
    PassState.LIVE,
    PassState.COMING,
    PassState.USED_UP,
    PassState.OVER,
    PassState.GONE,
    PassState.UNREAD,
    PassState.ASKED,
)
LONGEST_TEXT = 100


@dataclass(frozen=True)
class PassLine:
    """A pass as a row shows it. ``kind`` is the shape and colour of its state, ``note`` what is said beside it."""

    key: TempKey
    name: str
    visitor: str
    window: str
    window_utc: str
    zone: str
    made_by: str
    kind: str
    state: str
    note: str
    may_delete: bool


def pass_list(request: SignedInRequest) -> HttpResponse:
    """The passes of all families within the person's reach."""
    properties = list_properties(request.user)
    chosen = _filter(request, {place.public_id for place in properties})
    context = _shown(request, chosen) | {"properties": properties, "as_of": passes_as_of(request.user)}
    return render_page(request, "access/pass_list.html", "access/_pass_results.html", context)


def family_passes(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The passes of one family: a tab of its page."""
    family = find_family(request, family_id)
    account = find_account(family)
    context = _shown(request, _filter(request, set(), family), account) | {
        "account": account,
        "as_of": passes_as_of(request.user, family),
        "is_tab": True,
        "window_zone": place_of(zone_called(family.time_zone)),
    }
    return frame.render_tab(request, family, frame.PASSES, "access/_family_passes.html", context)


def line_of(user: User, key: TempKey, now: datetime, account: Account | None = None) -> PassLine:
    """A pass in words; ``account`` is the one whose passes are read where that is to be told apart."""
    state = state_of(key, now)
    kind, note = _KINDS[state], ""
    if state == PassState.GONE:
        kind, note = _gone(key)
    elif key.missing_since is not None:
        note = _("not seen since %(when)s") % {"when": relative(key.missing_since)}
    elif account is not None and not account.has(key):
        note = _("of another account, which is not read now")
    zone = zone_called(key.family.time_zone)
    return PassLine(
        key=key,
        name=key.label or (_("No label") if key.is_ours else _("Made elsewhere")),
        visitor=", ".join(filter(None, [key.visitor_name, key.visitor_email])),
        window=_window(key, zone),
        window_utc=_window(key, UTC) and _("%(window)s UTC") % {"window": _window(key, UTC)},
        zone=place_of(zone),
        made_by=_maker(key),
        kind=kind,
        state=str(state.label),
        note=note,
        may_delete=state not in {PassState.GONE, PassState.ASKED} and key.may_be_managed_by(user),
    )


def place_of(zone: Any) -> str:
    """The place a time zone is called after: "Lisbon" for Europe/Lisbon."""
    return str(zone).rpartition("/")[2].replace("_", " ")


def _shown(request: SignedInRequest, chosen: PassFilter, account: Account | None = None) -> dict[str, Any]:
    """What access/_pass_results.html and access/_pass_filters.html take."""
    asked = request.GET
    page = list_passes(request.user, chosen, before=asked.get("before", ""), after=asked.get("after", ""))
    now = timezone.now()
    lines = [line_of(request.user, key, now, account) for key in page.rows]
    return {
        "lines": lines,
        "chosen": chosen,
        "states": STATES,
        "list_url": request.path,
        "before_url": page.before and with_changes(request, before=page.before, after=""),
        "after_url": page.after and with_changes(request, after=page.after, before=""),
        "may_choose": any(line.may_delete for line in lines),
        "delete_url": reverse("access:pass_delete"),
    }


def _filter(request: SignedInRequest, properties: set[str], family: Family | None = None) -> PassFilter:
    """What is asked for; whatever is unknown or not the person's means nothing was chosen."""
    asked = request.GET
    state, made, place = asked.get("state", ""), asked.get("made", ""), asked.get("property", "")
    return PassFilter(
        state=state if state in PassState.values else "",
        property_id=place if place in properties else "",
        made=made if made in {"here", "elsewhere"} else "",
        text=asked.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT],
        family=family,
    )


def _gone(key: TempKey) -> tuple[str, str]:
    if not key.fingerprint:
        return "off", _("it was asked for, and never seen")
    if is_deleted_here(key) and key.deletion is not None:
        return "off", _("deleted by %(name)s") % {"name": key.deletion.actor_name}
    # What we made and did not delete should be there.
    return ("warn", _("not deleted here")) if key.is_ours else ("off", "")


def _maker(key: TempKey) -> str:
    if key.made_by is not None:
        return str(key.made_by)
    return key.command.actor_name if key.command is not None else ""


def _window(key: TempKey, zone: Any) -> str:
    """From when to when, in a zone; "" where that could not be read."""
    if key.starts_at is None or key.ends_at is None:
        return ""
    begins, ends = key.starts_at.astimezone(zone), key.ends_at.astimezone(zone)
    this_year = begins.year == ends.year == timezone.now().year
    day = "j M" if this_year else "j M Y"
    first = format_date(begins, f"{day} H:i")
    last = format_date(ends, "H:i" if begins.date() == ends.date() else f"{day} H:i")
    return f"{first} – {last}"
