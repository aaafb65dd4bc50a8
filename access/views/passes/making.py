"""Making passes: one, with its code shown once, or many as a job."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.forms.passes import OWN, PassForm, Visitor
from access.models import TempKey
from access.selectors.passes import find_account
from access.services.passes import jobs, making
from access.services.passes.jobs import MOST_ROWS, Wanted
from access.services.passes.limits import PassRefused
from access.services.passes.making import Made, Wish
from access.services.passes.windows import Window, place_of
from access.views.passes.parts import permit_picture
from families.forms.importing import ConfirmForm
from families.forms.people import MOST_FAMILIES
from families.models import Family
from families.selectors import list_properties
from families.views import outcomes
from families.views.outcomes import Outcome
from families.views.people.parts import chooser_context, find_families
from portal.accounts.requests import SignedInRequest
from portal.audit.models import Command, State
from portal.connections.calling import Performed
from portal.web import wordings
from portal.web.pages import lead, render_page
from portal.web.presses import PressInvalid, new_press, read_press
from portal.web.zones import zone_called

PURPOSE = "make-passes"
# Of many passes so many are named before somebody agrees.
NAMED_AT_MOST = 20


@dataclass(frozen=True)
class Line:
    """A pass of several, as it is told before somebody agrees."""

    family: Family
    label: str
    visitor: Visitor


def pass_create(request: SignedInRequest) -> HttpResponse:
    """The form for a pass, or for several, and the making of it. Several are shown once more before they begin."""
    if request.method != "POST":
        families = _offered(request, request.GET.getlist("family"))
        return _ask(request, PassForm(request.user, families=families), families)
    # The button of the chooser that stands there without a script.
    step = "find" if "find" in request.POST else request.POST.get("step", "")
    families = _chosen(request)
    if step in {"choose", "find", "back"}:
        typed = {} if step == "choose" else request.POST.dict()
        problem = ""
        if step == "choose" and request.POST.get("all") == "1":
            problem = _(
                "All that match are too many to name here: tick some of a page, or choose a property."
            )
        return _ask(
            request, PassForm(request.user, initial=typed, families=families), families, problem=problem
        )
    form = PassForm(request.user, request.POST, families=families)
    is_valid = form.is_valid()
    problem = _problem(request, families, form)
    if problem or not is_valid or form.unconfirmed:
        return _ask(request, form, families, problem=problem, status=422)
    if len(families) == 1 and len(form.people) == 1:
        return _make(request, form, families[0])
    return _agree(request, form, families, is_agreed=step == "confirm")


def of_pass(command: Command, *, is_lost: bool = False) -> Outcome:
    """What became of a pass that was asked for."""
    match outcomes.state_of(command, is_lost=is_lost):
        case State.SUCCEEDED | State.CONFIRMED_BY_HISTORY:
            return Outcome("ok", _("Pass made"), "")
        case State.UNKNOWN:
            detail = _("The list of passes is read again by itself: look before you make another.")
            return Outcome("unknown", _("We do not know whether the pass was made"), detail, 502)
        case State.NO_TRACE | State.CLOSED_BY_USER:
            detail = _("No answer came, and the list of passes does not have it.")
            return Outcome("off", _("No pass was made"), detail)
        case _:
            return outcomes.undone(command, _("No pass was made."))


def _offered(request: SignedInRequest, ids: Sequence[str]) -> list[Family]:
    """The families that a link to this page names, as far as they are this person's; of somebody with one, that one."""
    visible = Family.objects.visible_to(request.user).filter(gone_at=None).select_related("property")
    wanted = [one for one in ids if one and "\0" not in one][:MOST_FAMILIES]
    found = list(visible.filter(public_id__in=wanted).order_by("search_text", "pk"))
    if not found and request.user.is_family_admin:
        theirs = list(visible[:2])
        found = theirs if len(theirs) == 1 else []
    return found[:1] if request.user.is_family_admin else found


def _chosen(request: SignedInRequest) -> list[Family]:
    """The families that the form names, and those of the property it names, each once."""
    found = find_families(request)
    place = request.POST.get("place", "")
    if place and not request.user.is_family_admin:
        of_place = Family.objects.visible_to(request.user).filter(property__public_id=place, gone_at=None)
        known = {family.pk for family in found}
        rest = of_place.exclude(pk__in=known).select_related("property").order_by("search_text", "pk")
        found += list(rest[: MOST_ROWS + 1])
    return found


def _problem(request: SignedInRequest, families: Sequence[Family], form: PassForm) -> str:
    """What is wrong with the families, which are no field of the form."""
    if not families:
        return _("Choose a family.")
    if request.user.is_family_admin and len(families) > 1:
        return _("Choose one family. Several at once are made by a manager.")
    if not request.POST.get("place") and len(families) > MOST_FAMILIES:
        words = _("At most %(limit)d families at a time, or all of a property.")
        return words % {"limit": MOST_FAMILIES}
    count = len(families) * len(form.people)
    if count > MOST_ROWS:
        words = _("At most %(limit)s passes at once; these are %(count)s.")
        return words % {"limit": f"{MOST_ROWS:,}", "count": f"{count:,}"}
    return ""


def _make(request: SignedInRequest, form: PassForm, family: Family) -> HttpResponse:
    """One pass, in this request: its code is in this answer and in no other."""
    made: Made | None = None

    def act() -> Performed:
        nonlocal made
        press = read_press(request.POST.get("press", ""), request.user.id, PURPOSE)
        wish = _wish(form, family, form.people[0])
        made = making.make_pass(request.user, family=family, wish=wish, press=press)
        return made.performed

    try:
        outcome = outcomes.outcome_of(act, of_pass)
    except PassRefused as refused:
        form.add_error(refused.field or None, refused.words)
        return _ask(request, form, [family], status=422)
    if made is None and outcome.kind == "unknown":
        # It was sent, and the outcome could not be written down.
        return _show_made(request, family, None, outcome)
    if outcome.is_refusal or outcome.keeps_form:
        return _ask(request, form, [family], outcome=outcome, status=outcome.status)
    return _show_made(request, family, made, outcome)


def _wish(form: PassForm, family: Family, visitor: Visitor) -> Wish:
    window, chosen = form.windows[family.time_zone], form.cleaned_data["window"]
    return Wish(
        label=form.label_of(visitor),
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        uses=form.count,
        visitor_name=visitor.name,
        visitor_email=visitor.email,
        note=form.cleaned_data["note"],
        preset="" if chosen == OWN else chosen,
    )


def _show_made(request: SignedInRequest, family: Family, made: Made | None, outcome: Outcome) -> HttpResponse:
    zone = zone_called(family.time_zone)
    context: dict[str, Any] = {
        "family": family,
        "key": made.key if made else None,
        "code": made.code if made else None,
        "is_repeat": made is not None and made.performed.is_repeat,
        "outcome": outcome,
        "place": place_of(zone),
        "window": _told(made.key, zone) if made and made.key else "",
        "window_utc": _told(made.key, UTC) if made and made.key else "",
        "another_url": f"{reverse('access:pass_create')}?family={family.public_id}",
        "list_url": reverse("access:family_passes", args=[family.public_id]),
    }
    response = render_page(
        request, "access/pass_made.html", "access/_pass_made.html", context, status=outcome.status
    )
    permit_picture(response)
    return response


def _told(key: TempKey, zone: Any) -> str:
    if key.starts_at is None or key.ends_at is None:
        return ""
    return Window(key.starts_at, key.ends_at).told(zone)


def _agree(
    request: SignedInRequest, form: PassForm, families: Sequence[Family], *, is_agreed: bool
) -> HttpResponse:
    """Several: what would be made, until when; and the job that makes them."""
    wanted = [Wanted(family, _wish(form, family, one)) for family in families for one in form.people]
    digest = _digest(wanted)
    confirm = ConfirmForm(request.POST if is_agreed else None)
    problem = ""
    if is_agreed and confirm.is_valid():
        if request.POST.get("expected", "") != digest:
            problem = _("The families are others than before. Nothing was begun: look at the numbers.")
        else:
            try:
                press = read_press(request.POST.get("press", ""), request.user.id, PURPOSE)
                job = jobs.begin(request.user, wanted, not_after=confirm.not_after, press=press)
            except PressInvalid:
                problem = wordings.old_page(_("Nothing was begun: look at the numbers, and confirm again."))
            else:
                return lead(request, reverse("families:job_detail", args=[job.public_id]))
    context: dict[str, Any] = {
        "form": form,
        "confirm": confirm,
        "problem": problem,
        "lines": [Line(one.family, one.wish.label, _visitor_of(one.wish)) for one in wanted[:NAMED_AT_MOST]],
        "more": max(0, len(wanted) - NAMED_AT_MOST),
        "count": len(wanted),
        "family_count": len(families),
        "people_count": len(form.people),
        "windows": [_window_line(name, form) for name in form.zones],
        "uses": form.count,
        "warnings": list(form.warnings.values()),
        "fields": _kept(request),
        "expected": digest,
        "press": new_press(request.user.id, PURPOSE),
        "title": ngettext("Make %(n)d pass?", "Make %(n)d passes?", len(wanted)) % {"n": len(wanted)},
    }
    status = 409 if problem else 422 if confirm.errors else 200
    return render_page(request, "access/pass_agree.html", "access/_pass_agree.html", context, status=status)


def _visitor_of(wish: Wish) -> Visitor:
    return Visitor(wish.visitor_name, wish.visitor_email)


def _window_line(name: str, form: PassForm) -> dict[str, str]:
    zone, window = zone_called(name), form.windows[name]
    return {"place": place_of(zone), "window": window.told(zone), "utc": window.told(UTC)}


def _kept(request: SignedInRequest) -> list[tuple[str, str]]:
    """What was typed, to be sent again from a page that only asks."""
    names = ["label", "visitor_name", "visitor_email", "visitors", "note", "window", "begins", "ends"]
    names += ["often", "uses", "agreed", "place", "family"]
    return [(name, value) for name in names for value in request.POST.getlist(name)]


def _digest(wanted: Sequence[Wanted]) -> str:
    """By which it is known that the same passes are meant; of windows that move with the clock, not when they begin."""
    told = [f"{one.family.public_id} {one.wish.label} {_visitor_of(one.wish)}" for one in wanted]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def _ask(
    request: SignedInRequest,
    form: PassForm,
    families: Sequence[Family],
    *,
    problem: str = "",
    outcome: Outcome | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form, with what was typed and a fresh token."""
    user = request.user
    context: dict[str, Any] = {
        "form": form,
        "family_error": problem,
        "warnings": form.unconfirmed if form.is_bound and not form.errors else [],
        "agreed": " ".join(form.warnings) if form.is_bound and not form.errors else "",
        "notices": [outcome.notice] if outcome is not None else [],
        "press": new_press(user.id, PURPOSE),
        "back_url": reverse("access:pass_list"),
        "account": find_account(families[0]) if len(families) == 1 else None,
        "family": families[0] if len(families) == 1 else None,
    }
    if user.is_family_admin:
        visible = Family.objects.visible_to(user).filter(gone_at=None).order_by("search_text", "pk")
        context |= {"homes": list(visible), "chosen_ids": {family.public_id for family in families}}
    else:
        place = request.POST.get("place", "")
        ticked = request.POST.getlist("family") if request.method == "POST" else None
        ids = [family.public_id for family in families if ticked is None or family.public_id in ticked]
        context |= {"properties": list_properties(user), "place": place, **chooser_context(request, ids)}
    if len(families) == 1:
        context["back_url"] = reverse("access:family_passes", args=[families[0].public_id])
    return render_page(request, "access/pass_create.html", "access/_pass_create.html", context, status=status)
