"""Putting families into a property and taking them out: chosen, looked at once more, and done."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.models import Family, Property
from families.selectors import properties as selectors
from families.selectors.narrowing import IN_NONE, list_properties
from families.selectors.properties import PlaceFilter
from families.services import placements
from families.services.placements import MOST_AT_ONCE, Move, MoveChanged
from families.views import places
from families.views.properties import show_property
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web.addresses import with_changes
from portal.web.pages import render_page

ANYWHERE = "any"


def placement_create(request: SignedInRequest, property_id: str) -> HttpResponse:
    """The families to choose from, then what putting them in would mean, then the putting in."""
    place = places.find_property(request, property_id)
    if request.method != "POST":
        return _show_choice(request, place)
    families, problem = _read_chosen(request, _filter(request.POST, place), leaving_out=place)
    if problem:
        return _show_choice(request, place, problem=problem, status=422)
    return _move(request, place, place, families)


def placement_delete(request: SignedInRequest, property_id: str) -> HttpResponse:
    """What taking the chosen families out of a property would mean, then the taking out."""
    place = places.find_property(request, property_id)
    if request.method != "POST":
        return redirect("families:property_detail", place.public_id)
    chosen = PlaceFilter(places.search_text(request.POST), place.public_id)
    families, problem = _read_chosen(request, chosen)
    if problem:
        return show_property(request, place, problem=problem, status=422)
    # Whoever was moved elsewhere meanwhile is not in it any more, and stays where they are.
    return _move(request, place, None, [family for family in families if family.property_id == place.pk])


def _move(
    request: SignedInRequest, place: Property, target: Property | None, families: list[Family]
) -> HttpResponse:
    move = placements.weigh_move(target, families)
    if not move.families:
        messages.info(request, _("Nothing was moved: all of them are where they should be."))
        return redirect("families:property_detail", place.public_id)
    agreed = request.POST.get("agreed", "")
    if not agreed:
        return _ask(request, place, move)
    try:
        moved = placements.place_families(By.person(request.user), target, families, agreed=agreed)
    except MoveChanged as changed:
        # Out of this property only: not out of the one where somebody put them meanwhile.
        still = [family for family in changed.now.families if target or family.property_id == place.pk]
        return _ask(request, place, placements.weigh_move(target, still), is_changed=True)
    except Property.DoesNotExist:
        raise places.gone() from None
    messages.success(request, _done(place, target, len(moved.families)))
    return redirect("families:property_detail", place.public_id)


def _ask(request: SignedInRequest, place: Property, move: Move, *, is_changed: bool = False) -> HttpResponse:
    address = "families:placement_create" if move.target else "families:placement_delete"
    zones = {family.time_zone for family in move.families} - {place.time_zone if move.target else "UTC"}
    context = {
        "property": place,
        "move": move,
        "action": reverse(address, args=[place.public_id]),
        "is_changed": is_changed,
        "zone": (place.time_zone if move.target else "UTC") if zones else "",
    }
    return render(request, "families/property_move.html", context, status=409 if is_changed else 200)


def _show_choice(
    request: SignedInRequest, place: Property, *, problem: str = "", status: int = 200
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    chosen = _filter(asked, place)
    page = selectors.page_placed(
        request.user, chosen, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    address = reverse("families:placement_create", args=[place.public_id])
    stated = {"q": chosen.text, "place": asked.get("place", "")}
    context = {
        "property": place,
        "others": [each for each in list_properties(request.user) if each.pk != place.pk],
        "chosen": chosen,
        "shown_place": chosen.place or ANYWHERE,
        "page": page,
        "problem": problem,
        "most_at_once": MOST_AT_ONCE,
        "choice_url": address,
        "before_url": page.before and with_changes(request, address, **stated, before=page.before, after=""),
        "after_url": page.after and with_changes(request, address, **stated, after=page.after, before=""),
    }
    return render_page(
        request, "families/property_choice.html", "families/_property_choice.html", context, status
    )


def _filter(asked: Any, place: Property) -> PlaceFilter:
    """At first those in no property; what is unknown means the same."""
    where = asked.get("place", "")
    if where == ANYWHERE:
        return PlaceFilter(places.search_text(asked), "")
    known = where and where != place.public_id and Property.objects.filter(public_id=where).exists()
    return PlaceFilter(places.search_text(asked), where if known else IN_NONE)


def _read_chosen(
    request: SignedInRequest, chosen: PlaceFilter, *, leaving_out: Property | None = None
) -> tuple[list[Family], str]:
    """The families that were chosen, and what is wrong with the choice ("" where nothing is)."""
    if request.POST.get("all"):
        fitting = selectors.families_fitting(request.user, chosen).select_related("property")
        if leaving_out is not None:
            fitting = fitting.exclude(property=leaving_out)
        families = list(fitting.order_by("search_text", "pk")[:MOST_AT_ONCE])
    else:
        families = places.find_families(request)
    if not families:
        return [], _("Choose at least one family.")
    if len(families) > MOST_AT_ONCE:
        return [], _("At most %(most)d families at once. Nothing was moved.") % {"most": MOST_AT_ONCE}
    return families, ""


def _done(place: Property, target: Property | None, count: int) -> str:
    if target is not None:
        said = ngettext(
            "%(n)d family was put in “%(name)s”.", "%(n)d families were put in “%(name)s”.", count
        )
    else:
        said = ngettext(
            "%(n)d family was taken out of “%(name)s”.", "%(n)d families were taken out of “%(name)s”.", count
        )
    return said % {"n": count, "name": place.name}
