"""The board of doors, and the doors of one family."""

from django.http import HttpResponse

from access import selectors
from access.selectors import DoorFilter
from access.views.cards import door_cards, troubles_of
from families.selectors import list_properties
from families.views import frame
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest
from portal.web.addresses import with_changes
from portal.web.pages import render_page

SHOWS = ("offline", "public")


def device_list(request: SignedInRequest) -> HttpResponse:
    """The board of all doors within the person's reach."""
    shows = request.GET.get("show", "")
    properties = list_properties(request.user)
    property_id = request.GET.get("property", "")
    chosen = DoorFilter(
        text=request.GET.get("q", "").strip()[:100],
        property_id=property_id if property_id in {place.public_id for place in properties} else "",
        is_offline=shows == "offline",
        is_public=shows == "public",
    )
    page = selectors.list_doors(request.user, chosen, cursor=request.GET.get("after", ""))
    cards = door_cards(request.user, page.devices)
    context = {
        "page": page,
        "cards": cards,
        "troubles": troubles_of(cards),
        "next_url": with_changes(request, after=page.next_cursor) if page.next_cursor else "",
        "properties": properties,
        "chosen": chosen,
        "shows": shows if shows in SHOWS else "",
        "is_filtered": chosen.is_narrow,
        "as_of": selectors.doors_as_of(request.user),
    }
    return render_page(request, "access/device_list.html", "access/_door_board.html", context)


def family_doors(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The doors of one family: a tab of its page, and on the dashboard of those who look after it."""
    family = find_family(request, family_id)
    cards = door_cards(request.user, selectors.list_family_doors(request.user, family))
    return frame.render_tab(
        request, family, frame.DOORS, "access/_family_doors.html", {"family": family, "cards": cards}
    )
