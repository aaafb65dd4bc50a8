"""Properties: the list, one of them, and making, changing and deleting them."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from families.forms.properties import PropertyForm
from families.models import Property
from families.selectors import properties as selectors
from families.selectors.properties import PlaceFilter
from families.services import properties
from families.services.placements import MOST_AT_ONCE, may_arrange
from families.views import places
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.web.addresses import with_changes
from portal.web.pages import render_page
from portal.web.zones import zone_names


def property_list(request: SignedInRequest) -> HttpResponse:
    """The properties within one's reach, with what each holds."""
    page = selectors.page_properties(
        request.user, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    may_change = may_arrange(request.user)
    context = {
        "page": page,
        "rows": [(each, places.local_time(each)) for each in page.properties],
        "may_change": may_change,
        "unplaced": selectors.count_unplaced(request.user) if may_change else 0,
        "unplaced_url": places.unplaced_address(),
        "before_url": page.before and with_changes(request, before=page.before, after=""),
        "after_url": page.after and with_changes(request, after=page.after, before=""),
    }
    return render_page(request, "families/property_list.html", "families/_property_table.html", context)


def property_detail(request: SignedInRequest, property_id: str) -> HttpResponse:
    """A property: where it is, who is limited to it, and its families, to be searched and taken out."""
    place = places.find_property(request, property_id)
    return show_property(request, place)


def show_property(
    request: SignedInRequest, place: Property, *, problem: str = "", status: int = 200
) -> HttpResponse:
    """The page of a property; ``problem`` stands beside what was chosen."""
    chosen = PlaceFilter(places.search_text(request.GET), place.public_id)
    page = selectors.page_placed(
        request.user, chosen, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    address = reverse("families:property_detail", args=[place.public_id])
    may_change = may_arrange(request.user)
    context = {
        "property": place,
        "local_time": places.local_time(place),
        "may_change": may_change,
        "people": selectors.list_limited(place) if may_change else [],
        "page": page,
        "chosen": chosen,
        "problem": problem,
        "most_at_once": MOST_AT_ONCE,
        "page_url": address,
        "offline_url": f"{reverse('access:device_list')}?property={place.public_id}&show=offline",
        "before_url": page.before and with_changes(request, address, before=page.before, after=""),
        "after_url": page.after and with_changes(request, address, after=page.after, before=""),
    }
    return render_page(
        request, "families/property_detail.html", "families/_property_families.html", context, status
    )


def property_create(request: SignedInRequest) -> HttpResponse:
    """The form for a new property, and its making."""
    if request.method != "POST":
        return _show_form(request, PropertyForm())
    form = PropertyForm(request.POST)
    if form.is_valid():
        try:
            made = properties.make_property(
                By.person(request.user),
                name=form.cleaned_data["name"],
                time_zone=form.cleaned_data["time_zone"],
                visitor_contact=form.cleaned_data["visitor_contact"],
            )
        except properties.NameTaken as taken:
            form.say_taken(taken.name)
        else:
            said = _("“%(name)s” is there. Put its families in.")
            messages.success(request, said % {"name": made.name})
            return redirect("families:property_detail", made.public_id)
    return _show_form(request, form, status=422)


def property_change(request: SignedInRequest, property_id: str) -> HttpResponse:
    """The form for a property's name, zone and whom its visitors call, and the changing."""
    place = places.find_property(request, property_id)
    if request.method != "POST":
        return _show_form(request, PropertyForm.of(place), place)
    form = PropertyForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            changed = properties.change_property(
                By.person(request.user),
                form.seen(place),
                name=form.cleaned_data["name"],
                time_zone=form.cleaned_data["time_zone"],
                visitor_contact=form.cleaned_data["visitor_contact"],
            )
        except properties.NameTaken as taken:
            form.say_taken(taken.name)
        except properties.PropertyChanged as changed_by_another:
            form.say_changed(changed_by_another.now)
            status = 409
        except Property.DoesNotExist:
            raise places.gone() from None
        else:
            messages.success(request, _("“%(name)s” is kept.") % {"name": changed.name})
            return redirect("families:property_detail", changed.public_id)
    return _show_form(request, form, place, status=status)


def property_delete(request: SignedInRequest, property_id: str) -> HttpResponse:
    """Asks whether to delete a property, saying who is limited to it, and deletes it."""
    place = places.find_property(request, property_id)
    status = 200
    if request.method == "POST":
        try:
            properties.delete_property(By.person(request.user), place)
        except properties.PropertyNotEmpty:
            status = 409
        except Property.DoesNotExist:
            raise places.gone() from None
        else:
            messages.success(request, _("“%(name)s” is deleted.") % {"name": place.name})
            return redirect("families:property_list")
    context = {
        "property": place,
        "held": place.families.count(),
        "limits": selectors.last_limits(place).items(),
    }
    return render(request, "families/property_delete.html", context, status=status)


def _show_form(
    request: SignedInRequest, form: PropertyForm, place: Property | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "property": place, "zone_names": zone_names()}
    return render(request, "families/property_form.html", context, status=status)
