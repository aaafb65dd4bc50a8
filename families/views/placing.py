"""Putting families of the list into a property: those that were ticked, or all that match."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families import selectors
from families.models import Family, Property
from families.selectors import FamilyFilter
from families.selectors.narrowing import IN_NONE
from families.services import placements
from families.services.placements import Move, MoveChanged
from families.services.placing_many import Placed, place_many
from families.views import listing, places
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable, By
from portal.web import wordings
from portal.web.addresses import read_number
from portal.web.pages import lead, wants_fragment

# As many are named before one agrees; of the rest their number is told.
NAMED_AT_MOST = 100


def family_place(request: SignedInRequest) -> HttpResponse:
    """What putting the chosen families into a property would mean, then the putting in, as far as a request bears."""
    if request.method != "POST":
        return redirect("families:family_list")
    properties, sources = selectors.list_properties(request.user), selectors.list_sources(request.user)
    chosen = listing.read_filter(request, request.POST, properties, sources)
    wanted = request.POST.get("target", "")
    target = next((each for each in properties if each.public_id == wanted), None)
    if target is None and wanted != IN_NONE:
        return _ask_again(request, _("Choose a property first. Nothing was moved."))
    is_all = request.POST.get("all") == "1"
    families = _fitting(request, chosen) if is_all else places.find_families(request)
    done = read_number(request.POST.get("done", "")) or 0
    if not families and not done:
        return _ask_again(request, _("Choose at least one family. Nothing was moved."))
    move = placements.weigh_move(target, families)
    there = len(families) - len(move.families)
    page = _Page(request, chosen, target, is_all=is_all, done=done, there=there)
    agreed = request.POST.get("agreed", "")
    if not agreed or not move.families:
        return page.ask(move) if move.families else page.finish()
    try:
        placed = place_many(By.person(request.user), target, families, agreed=agreed)
    except MoveChanged as changed:
        return page.ask(changed.now, trouble=changed)
    except Property.DoesNotExist:
        raise places.gone() from None
    except AuditUnavailable as trouble:
        return page.ask(move, trouble=trouble)
    return page.go_on(placed)


class _Page:
    """What one is shown on the way: the question, how far it is, and the list when it is done."""

    def __init__(
        self,
        request: SignedInRequest,
        chosen: FamilyFilter,
        target: Property | None,
        *,
        is_all: bool,
        done: int,
        there: int,
    ) -> None:
        self._request, self._chosen, self._target = request, chosen, target
        self._is_all, self._done, self._there = is_all, done, there

    def ask(self, move: Move, *, trouble: Exception | None = None) -> HttpResponse:
        """What it would mean, with what came in between said above."""
        status = 503 if isinstance(trouble, AuditUnavailable) else 409 if trouble else 200
        zone = self._target.time_zone if self._target else "UTC"
        context = {
            "move": move,
            "named": move.families[:NAMED_AT_MOST],
            "there": self._there,
            "unnamed": len(move.families[NAMED_AT_MOST:]),
            "zone": zone if {family.time_zone for family in move.families} - {zone} else "",
            "trouble": _told(trouble, self._done),
            **self._context(move),
        }
        if wants_fragment(self._request):
            # Htmx asked to go on, and now somebody has to agree anew: a page of its own, from the list.
            messages.warning(self._request, " ".join(filter(None, context["trouble"])))
            return lead(self._request, listing.list_address(self._chosen))
        return render(self._request, "families/family_place.html", context, status=status)

    def go_on(self, placed: Placed) -> HttpResponse:
        """The list when all is done, else how far it is, with a form that goes on from there."""
        self._done += placed.moved
        if isinstance(placed.trouble, Property.DoesNotExist):
            said = _("The property was deleted meanwhile. %(n)d were put in it before; they are in none now.")
            messages.warning(self._request, said % {"n": self._done})
            return lead(self._request, listing.list_address(self._chosen))
        if placed.trouble is not None:
            return self.ask(placed.rest, trouble=placed.trouble)
        if not placed.rest.families:
            return self.finish()
        context = self._context(placed.rest)
        template = (
            "families/_family_placing.html"
            if wants_fragment(self._request)
            else "families/family_placing.html"
        )
        return render(self._request, template, context)

    def finish(self) -> HttpResponse:
        """Back to the list, where it is said how many were moved."""
        if self._done:
            messages.success(self._request, _said_done(self._target, self._done))
        else:
            messages.info(self._request, _("Nothing was moved: all of them are where they should be."))
        return lead(self._request, listing.list_address(self._chosen))

    def _context(self, move: Move) -> dict[str, Any]:
        fields = [*listing.stated(self._chosen).items(), ("agreed", move.digest)]
        fields += [("target", self._target.public_id if self._target else IN_NONE), ("done", str(self._done))]
        fields += (
            [("all", "1")] if self._is_all else [("family", family.public_id) for family in move.families]
        )
        return {
            "action": reverse("families:family_place"),
            "back_url": listing.list_address(self._chosen),
            "fields": fields,
            "target": self._target,
            "is_all": self._is_all,
            "done": self._done,
            "left": len(move.families),
            "wanted": self._done + len(move.families),
        }


def _fitting(request: SignedInRequest, chosen: FamilyFilter) -> list[Family]:
    found = selectors.families_fitting(request.user, chosen).select_related("property")
    return list(found.order_by("search_text", "pk"))


def _ask_again(request: SignedInRequest, problem: str) -> HttpResponse:
    return listing.show_list(request, request.POST, problem=problem, status=422)


def _told(trouble: Exception | None, done: int) -> tuple[str, str]:
    """What came in between, and what was done before it."""
    if trouble is None:
        return "", ""
    kept = ngettext("%(n)d family was moved before.", "%(n)d families were moved before.", done) % {"n": done}
    if isinstance(trouble, AuditUnavailable):
        title = wordings.no_audit("moved")
        later = _("Try again when it is.")
        return title, f"{kept} {later}" if done else later
    title = _("Somebody else changed something meanwhile")
    rest = _("This is what it would mean now for the rest.")
    nothing = _("Nothing was moved. This is what it would mean now.")
    return title, f"{kept} {rest}" if done else nothing


def _said_done(target: Property | None, count: int) -> str:
    if target is None:
        words = ngettext(
            "%(n)d family is in no property now.", "%(n)d families are in no property now.", count
        )
        return words % {"n": count}
    words = ngettext("%(n)d family was put in “%(name)s”.", "%(n)d families were put in “%(name)s”.", count)
    return words % {"n": count, "name": target.name}
