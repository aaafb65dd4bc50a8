"""The list of families."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from families import selectors
from families.models import Property
from families.selectors import FamilyFilter
from families.selectors.listing import SORTS
from families.selectors.narrowing import IN_NONE, STATES, TROUBLES
from families.selectors.sources import Source
from families.services.placements import may_arrange
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.pages import render_page, wants_fragment

# Longer than any name; what is longer is a mistake of the clipboard.
SEARCH_LENGTH = 200
# What else may be done from here, where there is a page for it and the person may visit it.
_ACTIONS = (
    ("families:import_list", _("Import residents"), "file-up"),
    ("families:family_join", _("Join a family"), "log-in"),
)
# What is kept over all families, where the person may visit it.
_RECORDS = (
    ("families:invitation_list", _("Invitations")),
    ("families:change_list", _("Changed outside Gatehouse")),
    ("access:move_out_list", _("Move-outs")),
    ("families:job_list", _("Jobs")),
)


def family_list(request: SignedInRequest) -> HttpResponse:
    """The families within one's reach. Everything that is chosen stands in the address."""
    return show_list(request, request.GET)


@dataclass(frozen=True)
class Kept:
    """What was chosen of the list in a form that is asked again: public ids, all that match, the property."""

    families: frozenset[str] = frozenset()
    is_all: bool = False
    target: str = ""


def show_list(
    request: SignedInRequest, asked: QueryDict, *, problem: str = "", status: int = 200
) -> HttpResponse:
    """The list as ``asked`` for; ``problem`` stands beside what was chosen of it, and that stays chosen."""
    properties, sources = selectors.list_properties(request.user), selectors.list_sources(request.user)
    chosen = read_filter(request, asked, properties, sources)
    page = selectors.list_families(
        request.user, chosen, sources, before=asked.get("before", ""), after=asked.get("after", "")
    )
    kept = Kept()
    if problem:
        kept = Kept(
            frozenset(asked.getlist("family")), asked.get("all") == "1", target=asked.get("target", "")
        )
    context: dict[str, Any] = {
        "page": page,
        "chosen": chosen,
        "properties": properties,
        "sources": sources,
        "as_of": selectors.as_of(request.user, sources),
        "list_url": reverse("families:family_list"),
        "before_url": page.before and list_address(chosen, before=page.before),
        "after_url": page.after and list_address(chosen, after=page.after),
        "sort_urls": {sort: list_address(chosen, sort=sort) for sort in SORTS},
        "may_choose": may_arrange(request.user),
        "problem": problem,
        "kept": kept,
        "before": asked.get("before", ""),
        "after": asked.get("after", ""),
        "actions": [
            (reverse(name), words, icon) for name, words, icon in _ACTIONS if may_visit(request.user, name)
        ],
    }
    context["records"] = [(reverse(name), words) for name, words in _RECORDS if may_visit(request.user, name)]
    response = render_page(
        request, "families/family_list.html", "families/_family_results.html", context, status
    )
    if wants_fragment(request) and request.method == "GET":
        # The form sends empty fields too; the address keeps what was chosen.
        response["HX-Push-Url"] = list_address(chosen)
    return response


def read_filter(
    request: SignedInRequest, asked: QueryDict, properties: Sequence[Property], sources: Sequence[Source]
) -> FamilyFilter:
    """What is asked for; whatever is unknown or not the person's means nothing was chosen."""
    user = request.user
    places = {each.public_id for each in properties}
    if places and not user.is_limited:
        places.add(IN_NONE)
    # A family admin is not told of connections.
    lines = set() if user.is_family_admin else {source.public_id for source in sources} | {*TROUBLES}
    return FamilyFilter(
        text=asked.get("q", "").strip()[:SEARCH_LENGTH],
        property_id=_known(asked.get("property"), places),
        state=_known(asked.get("state"), STATES),
        connection=_known(asked.get("connection"), lines),
        is_invited=asked.get("invited") == "1",
        sort=_known(asked.get("sort"), SORTS) or SORTS[0],
    )


def stated(chosen: FamilyFilter) -> dict[str, str]:
    """The fields of an address or a form that choose the same; what is not chosen is left out."""
    fields = {
        "q": chosen.text,
        "property": chosen.property_id,
        "state": chosen.state,
        "connection": chosen.connection,
        "invited": "1" if chosen.is_invited else "",
        "sort": chosen.sort if chosen.sort != SORTS[0] else "",
    }
    return {name: value for name, value in fields.items() if value}


def list_address(chosen: FamilyFilter, *, sort: str = "", before: str = "", after: str = "") -> str:
    """The address of the list so chosen, or of one of its pages."""
    fields = stated(chosen)
    if sort:
        fields.pop("sort", None)
        fields |= {"sort": sort} if sort != SORTS[0] else {}
    fields |= {name: value for name, value in (("before", before), ("after", after)) if value}
    query = urlencode(fields)
    return reverse("families:family_list") + (f"?{query}" if query else "")


def _known(value: str | None, values: Any) -> str:
    return value if value and value in values else ""
