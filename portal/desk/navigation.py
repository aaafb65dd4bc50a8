"""Where one can go: the entries of the rail and of the phone's bottom bar."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from portal.web.access import may_visit


@dataclass(frozen=True)
class Item:
    """One entry. ``icon`` is a lucide name; the short label is for the phone; ``count`` is drawn beside it, 0 is not.
    ``is_on_bar``: on the phone it stands on the bottom bar, else under More.

    No tuple: templates would take its ``count`` method for the count.
    """

    url: str
    label: Any
    icon: str
    is_current: bool
    short_label: Any = ""
    count: int = 0
    is_on_bar: bool = False


PLACES = (
    ("desk:dashboard", _("Dashboard"), "house", _("Home")),
    ("families:family_list", _("Families"), "users", ""),
    ("access:device_list", _("Doors"), "door-open", ""),
    ("access:pass_list", _("Passes"), "ticket", ""),
    ("desk:log_list", _("Log"), "scroll-text", ""),
    ("audit:entry_list", _("Audit"), "shield-check", ""),
    ("families:property_list", _("Properties"), "building-2", ""),
    ("families:person_list", _("People"), "contact", ""),
    ("connections:connection_list", _("Connections"), "plug", ""),
)

# Pages that stand elsewhere in the address and belong to one of the places.
BELONGING = {
    "families:family_list": (
        "families:import_list",
        "families:job_list",
        "families:invitation_list",
        "families:change_list",
        "access:move_out_list",
    ),
}

# As many as a thumb can tell apart, beside More.
ON_BAR = frozenset({"desk:dashboard", "access:device_list", "access:pass_list", "desk:log_list"})


def navigation(request: HttpRequest) -> dict[str, Any]:
    """``navigation``: the entries this person may use. No query beside the user's own."""
    return {"navigation": SimpleLazyObject(lambda: _items(request))}


def _items(request: HttpRequest) -> list[Item]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    items = []
    for name, label, icon, short_label in PLACES:
        if not may_visit(user, name):
            continue
        url = reverse(name)
        within = [url, *map(reverse, BELONGING.get(name, ()))]
        is_current = request.path == url or (url != "/" and request.path.startswith(tuple(within)))
        items.append(Item(url, label, icon, is_current, short_label, is_on_bar=name in ON_BAR))
    return items
