"""The audit page: who did what through the portal, and what became of it."""

import json
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from families.models import Family
from portal.accounts.models import Role, User
from portal.accounts.requests import SignedInRequest
from portal.audit import selectors, viewing
from portal.audit.events import label_of
from portal.audit.models import Actor, Entry, State
from portal.audit.selectors import Line, TrailFilter
from portal.web.addresses import read_day, with_changes
from portal.web.pages import render_page
from portal.web.templatetags.web import exact

# The shape and colour of each outcome.
KINDS = {
    State.INTENT: "stale",
    State.SENT: "stale",
    State.SUCCEEDED: "ok",
    State.REFUSED: "bad",
    State.NOT_SENT: "off",
    State.UNKNOWN: "unknown",
    State.CONFIRMED_BY_HISTORY: "ok",
    State.NO_TRACE: "unknown",
    State.CLOSED_BY_USER: "off",
}
PHASES = {
    "intent": gettext_lazy("Intended"),
    "sent": gettext_lazy("Sent"),
    "outcome": gettext_lazy("Answered"),
    "settled": gettext_lazy("Settled later"),
}


def entry_list(request: SignedInRequest) -> HttpResponse:
    """A page of the trail, as filtered by the address. Looking at it is itself on the trail."""
    user = request.user
    viewing.note_view(user)
    chosen = _filter(request)
    cursor = request.GET.get("before", "")
    lines, older = selectors.list_lines(user, chosen, cursor=cursor)
    context = {
        "days": _days(lines),
        "is_filtered": chosen != TrailFilter(),
        "filters": _filters(request, user, chosen),
        "older_url": with_changes(request, before=older) if older else "",
        "newer_url": with_changes(request, before="") if cursor else "",
        "newest": None if user.is_limited else selectors.newest_number(),
        "verified_at": None if user.is_limited else selectors.last_verified(),
    }
    return render_page(request, "audit/entry_list.html", "audit/_entry_table.html", context)


def _filter(request: SignedInRequest) -> TrailFilter:
    """The filter of an address; what is unknown in it is ignored."""
    asked = request.GET
    person = User.objects.filter(public_id=asked["person"]).first() if asked.get("person") else None
    return TrailFilter(
        person=person,
        family=asked.get("family", "")[:22],
        event=asked.get("event", "")[:40],
        outcome=asked.get("outcome", "") if asked.get("outcome") in selectors.OUTCOMES else "",
        since=read_day(asked.get("from", "")),
        until=read_day(asked.get("to", ""), days=1),
    )


def _filters(request: SignedInRequest, user: User, chosen: TrailFilter) -> dict[str, Any]:
    """What the filter form shows."""
    family = (
        Family.objects.visible_to(user).filter(public_id=chosen.family).first() if chosen.family else None
    )
    return {
        "people": selectors.list_people(user),
        "person_id": chosen.person.public_id if chosen.person else "",
        "events": selectors.list_events(),
        "event": chosen.event,
        "outcomes": [(value, State(value).label) for value in selectors.OUTCOMES],
        "outcome": chosen.outcome,
        "family": family,
        "family_id": chosen.family,
        "without_family_url": with_changes(request, family="", before=""),
        "from": request.GET.get("from", "") if chosen.since else "",
        "to": request.GET.get("to", "") if chosen.until else "",
    }


def _days(lines: list[Line]) -> list[dict[str, Any]]:
    """The lines under the days they began on, in the current time zone."""
    return [
        {"date": day, "lines": [_row(line) for line in some]}
        for day, some in groupby(lines, key=lambda line: timezone.localdate(line.first.at))
    ]


def _row(line: Line) -> dict[str, Any]:
    first, outcome = line.first, line.outcome
    at = timezone.localtime(first.at)
    return {
        "number": first.number,
        "iso": first.at.isoformat(timespec="seconds"),
        "exact": exact(first.at),
        "clock": date_format(at, "H:i"),
        "seconds": date_format(at, "s"),
        "who": _who(first),
        "role": _role(first),
        "what": label_of(first.event),
        "about": first.object_name or first.family_name,
        "family": first.family_name if first.object_name else "",
        "kind": KINDS.get(State(outcome), "off") if outcome in State.values else "",
        "outcome": State(outcome).label if outcome in State.values else "",
        "words": line.words,
        "facts": _facts(line),
        "steps": [_step(step) for step in line.steps] if len(line.steps) > 1 else [],
    }


def _who(entry: Entry) -> str:
    if entry.actor_kind == Actor.PERSON:
        return entry.actor_name
    return (
        entry.actor_name
        if entry.actor_kind == Actor.VISITOR and entry.actor_name
        else str(Actor(entry.actor_kind).label)
    )


def _role(entry: Entry) -> str:
    return str(Role(entry.role).label) if entry.role in Role.values else entry.role


def _facts(line: Line) -> list[tuple[str, str]]:
    """What the opened line tells beside its steps; nothing that is empty."""
    first = line.first
    facts = [
        (_("Entry"), f"{first.number}"),
        (_("Reason"), first.reason),
        (_("Family"), first.family_name),
        (_("The door system said"), line.words),
        (_("HTTP status"), str(line.last.upstream_status or "")),
        (_("Took"), f"{line.duration_ms} ms" if line.duration_ms is not None else ""),
        (_("Address"), first.address),
        (_("Browser"), first.user_agent),
        *_parameters(first.parameters),
        (_("Command"), first.command_id),
        (_("Request"), first.request_id),
    ]
    return [(label, value) for label, value in facts if value]


def _parameters(text: str) -> list[tuple[str, str]]:
    try:
        found = json.loads(text)
    except ValueError:
        return [("", text)]
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in found.items()
    ]


def _step(step: Entry) -> dict[str, Any]:
    return {
        "number": step.number,
        "exact": exact(step.at),
        "clock": date_format(timezone.localtime(step.at), "H:i:s"),
        "phase": PHASES.get(step.phase, step.phase),
        "kind": KINDS.get(State(step.outcome), "off") if step.outcome in State.values else "",
        "outcome": State(step.outcome).label if step.outcome in State.values else "",
        "words": step.words,
        "who": _who(step),
    }
