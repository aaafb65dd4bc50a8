"""A family's page as a frame: its head and its tabs, each with its own address, and in it the tab that was asked for."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from families import selectors
from families.models import Family
from families.views import parts
from families.views.outcomes import Outcome, say
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.pages import render_page, wants_fragment

PEOPLE, DOORS, PASSES, LOG, CHANGES = "people", "doors", "passes", "log", "changes"
CREDENTIALS = "credentials"
_PLACES = (
    (PEOPLE, "families:family_detail", gettext_lazy("People")),
    (DOORS, "access:family_doors", gettext_lazy("Doors")),
    (PASSES, "access:family_passes", gettext_lazy("Passes")),
    (CREDENTIALS, "access:credential_list", gettext_lazy("PIN and codes")),
    (LOG, "desk:family_log", gettext_lazy("Log")),
    (CHANGES, "families:family_changes", gettext_lazy("Changes")),
)


@dataclass(frozen=True)
class Tab:
    """One part of a family's page, at its own address."""

    name: str
    url: str
    label: str
    is_current: bool


def render_tab(
    request: SignedInRequest,
    family: Family,
    tab: str,
    body: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """The family's page with one tab open; for htmx the tabs and the open one alone, with the page's title.

    ``body`` is the template of what stands in the tab. The page beside it is built only where the whole page is asked
    for: its three queries are spared by a change of tabs. ``name_form`` and ``notices`` of the context are the page's.
    """
    tabs = _tabs(request, family, tab)
    label = next((each.label for each in tabs if each.is_current), "")
    name = family.name or _("(no name)")
    context = {
        "family": family,
        "may_act": parts.may_act(request, family),
        "tab_body": body,
        "tabs": tabs,
        "page_title": name if tab == PEOPLE else f"{label} · {name}",
        **context,
    }
    if not wants_fragment(request):
        context["head"] = selectors.get_head(request.user, family)
        context |= parts.name_context(request, family, context.get("name_form"))
    return render_page(
        request, "families/family_detail.html", "families/_family_tab_shown.html", context, status=status
    )


def render_people(
    request: SignedInRequest, family: Family, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The people of the family, with what the caller has open: ``name_form``, ``invite_form``, ``notices``."""
    shown = parts.people_context(request, family, invite_form=context.pop("invite_form", None))
    return render_tab(request, family, PEOPLE, "families/_family_detail.html", shown | context, status=status)


def show_outcome(request: SignedInRequest, family: Family, outcome: Outcome, **forms: Any) -> HttpResponse:
    """What became of an action, for those without a script: back to the page when it is done, else the page itself."""
    if outcome.is_done:
        say(request, outcome)
        return redirect("families:family_detail", family.public_id)
    return render_people(request, family, status=outcome.status, notices=[outcome.notice], **forms)


def _tabs(request: SignedInRequest, family: Family, current: str) -> list[Tab]:
    """The tabs that this person may open."""
    tabs = []
    for name, view, label in _PLACES:
        try:
            url = reverse(view, args=[family.public_id])
        except NoReverseMatch:
            continue
        if may_visit(request.user, view):
            tabs.append(Tab(name, url, str(label), name == current))
    return tabs
