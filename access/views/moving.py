"""Moving a household out: what will go, the steps, the record, and what is left of all move-outs."""

import hashlib
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from access.forms.moving import MoveOutForm
from access.models import KIND_HEADINGS, ItemKind, MoveOut, MoveOutState
from access.selectors import moving as selectors
from access.services.moving import advancing, beginning, pausing, planning
from access.services.moving.beginning import MoveOutRefused, NobodyLeaves, NothingLeft, OwnerNeeded, UnderWay
from access.services.moving.pausing import NotPaused
from access.services.moving.planning import Leaving, Plan
from families.models import Family, Member
from families.scope import visible_people
from families.selectors import get_family
from families.selectors.reaching import find_trouble
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web import wordings
from portal.web.access import may_visit
from portal.web.addresses import read_number, with_changes
from portal.web.pages import render_page, wants_fragment
from portal.web.presses import PressInvalid, new_press, read_press

# Of a request's time: a call that begins later would not end in it. What is left is done by the worker.
SHARE_OF_DEADLINE = 1 / 3
EVERYBODY, SOME = "everybody", "some"


def move_out_create(request: SignedInRequest, family_id: str) -> HttpResponse:
    """Who leaves, what goes with them, and the beginning of it; the steps are taken at once, as far as time allows."""
    family = _family(request, family_id)
    under_way = selectors.find_under_way(family)
    if under_way is not None:
        return redirect("access:move_out_detail", under_way.public_id)
    leaving = _leaving(request, family)
    plan = planning.plan(family, leaving)
    owners = planning.connections_to_own(family) if plan.owner else []
    if request.method != "POST":
        return _show_plan(request, plan, MoveOutForm(family, plan, owners))
    form = MoveOutForm(family, plan, owners, request.POST)
    if not form.is_valid():
        return _show_plan(request, plan, form, status=422)
    if request.POST.get("agreed", "") != digest_of(plan):
        return _show_plan(request, plan, form, is_changed=True, status=409)
    try:
        move_out = beginning.begin(
            request.user,
            family=family,
            leaving=leaving,
            owner=form.owner,
            press=read_press(request.POST.get("press", ""), request.user.id, create_purpose(family)),
            reason=form.cleaned_data["reason"],
            next_begins_on=form.cleaned_data.get("next_begins_on"),
        )
    except PressInvalid:
        form.add_error(
            None, wordings.old_page(_("Nothing was begun, and what you typed is kept: send it again."))
        )
        return _show_plan(request, plan, form, status=422)
    except AuditUnavailable:
        form.add_error(None, wordings.no_audit("begun", _("What you typed is kept.")))
        return _show_plan(request, plan, form, status=503)
    except NobodyLeaves:
        form.add_error(None, _("Nobody was chosen. Nothing was begun."))
        return _show_plan(request, plan, form, status=422)
    except OwnerNeeded:
        form.add_error(None, _("The owner leaves: choose who owns the family then. Nothing was begun."))
        return _show_plan(request, plan, form, status=422)
    except UnderWay as other:
        messages.info(request, _("Somebody else began to move them out. Nothing was begun by you."))
        return redirect("access:move_out_detail", other.move_out.public_id)
    except MoveOutRefused:
        return _show_plan(request, plan, form, is_changed=True, status=409)
    _advance(move_out)
    return redirect("access:move_out_detail", move_out.public_id)


def move_out_detail(request: SignedInRequest, move_out_id: str) -> HttpResponse:
    """The steps while they are taken, then the record. Asked again and again meanwhile: 204 when nothing is new."""
    move_out = _find(request, move_out_id)
    version = version_of(move_out)
    if wants_fragment(request) and request.GET.get("version") == version:
        return HttpResponse(status=204)
    return _show(request, move_out)


def move_out_look(request: SignedInRequest, move_out_id: str) -> HttpResponse:
    """Read everything back once more, and keep another record of it."""
    move_out = _find(request, move_out_id)
    if move_out.state == MoveOutState.RUNNING or not _is_pressed(request, move_out):
        return redirect("access:move_out_detail", move_out.public_id)
    try:
        advancing.look_again(request.user, move_out)
    except AuditUnavailable:
        messages.error(request, wordings.no_audit("looked at", _("Try again later.")))
    else:
        messages.success(request, _("Everything was read again. This is how it stands now."))
    return redirect("access:move_out_detail", move_out.public_id)


def move_out_retry(request: SignedInRequest, move_out_id: str) -> HttpResponse:
    """Take the steps once more for what is left."""
    move_out = _find(request, move_out_id)
    if not _is_pressed(request, move_out):
        return redirect("access:move_out_detail", move_out.public_id)
    attempt = read_number(request.POST.get("attempt", "")) or 0
    try:
        beginning.try_again(request.user, move_out, attempt=attempt)
    except NothingLeft:
        messages.info(request, _("Nothing was tried: somebody else does it, or nothing is left."))
    except UnderWay as other:
        messages.info(request, _("Another move-out of this family is under way. Nothing was tried."))
        return redirect("access:move_out_detail", other.move_out.public_id)
    except AuditUnavailable:
        messages.error(request, wordings.no_audit("tried", _("Try again later.")))
    else:
        _advance(move_out)
    return redirect("access:move_out_detail", move_out.public_id)


def move_out_take_over(request: SignedInRequest, move_out_id: str) -> HttpResponse:
    """Go on in one's own name with one whose maker may not any more."""
    move_out = _find(request, move_out_id)
    if not _is_pressed(request, move_out):
        return redirect("access:move_out_detail", move_out.public_id)
    try:
        pausing.take_over(request.user, move_out)
    except NotPaused:
        messages.info(
            request, _("It is not paused any more: somebody else took it over. You changed nothing.")
        )
    except AuditUnavailable:
        messages.error(request, wordings.no_audit("taken over", _("Try again later.")))
    else:
        _advance(move_out)
    return redirect("access:move_out_detail", move_out.public_id)


def move_out_list(request: SignedInRequest) -> HttpResponse:
    """All move-outs within one's reach, those of which something is left first on request."""
    only_left = request.GET.get("show", "") == "left"
    rows, more = selectors.list_move_outs(
        request.user,
        family_id=request.GET.get("family", ""),
        only_left=only_left,
        cursor=request.GET.get("after", ""),
    )
    context = {
        "rows": rows,
        "only_left": only_left,
        "older_url": with_changes(request, after=more) if more else "",
        "newer_url": with_changes(request, after="") if request.GET.get("after") else "",
    }
    return render_page(request, "access/move_out_list.html", "access/_move_out_table.html", context)


def create_purpose(family: Family) -> str:
    """What a press that begins a move-out is signed for."""
    return f"move-out:{family.public_id}"


def press_purpose(move_out: MoveOut) -> str:
    """What a press that looks or tries again is signed for: one record, so that pressed twice it looks once."""
    return f"move-out-again:{move_out.public_id}:{move_out.readings.count()}"


def version_of(move_out: MoveOut) -> str:
    """What changes whenever the page would."""
    state = "paused" if move_out.paused_at else move_out.state
    return f"{state}-{move_out.attempt}-{move_out.step}"


def digest_of(plan: Plan) -> str:
    """What was agreed to: everything that goes, and who leaves."""
    keys = sorted(f"{item.kind}:{item.key}" for item in plan.items)
    return hashlib.sha256("|".join([str(plan.leaving.is_whole), *keys]).encode()).hexdigest()[:32]


def _advance(move_out: MoveOut) -> None:
    advancing.advance(move_out, seconds=settings.UPSTREAM_DEADLINE_SECONDS * SHARE_OF_DEADLINE)


def _is_pressed(request: SignedInRequest, move_out: MoveOut) -> bool:
    try:
        read_press(request.POST.get("press", ""), request.user.id, press_purpose(move_out))
    except PressInvalid:
        messages.warning(request, wordings.page_was_old(_("Nothing was done: look, and press again.")))
        return False
    return True


def _family(request: SignedInRequest, family_id: str) -> Family:
    try:
        family = get_family(request.user, family_id)
    except Family.DoesNotExist:
        raise Http404 from None
    if family.gone_at is not None:
        raise Http404
    return family


def _find(request: SignedInRequest, move_out_id: str) -> MoveOut:
    try:
        return selectors.get_move_out(request.user, move_out_id)
    except MoveOut.DoesNotExist:
        raise Http404 from None


def _leaving(request: SignedInRequest, family: Family) -> Leaving:
    """Who leaves, from the address or the form; whoever is not of this family is a 404, and nothing is begun."""
    asked = request.POST if request.method == "POST" else request.GET
    # Nothing said: some of them where they were chosen on another page.
    who = asked.get("who", "") or (SOME if asked.getlist("member") else EVERYBODY)
    if who != SOME:
        return Leaving(is_whole=True)
    wanted = set(asked.getlist("member"))
    members = tuple(
        Member.objects.visible_to(request.user).filter(family=family, gone_at=None, public_id__in=wanted)
    )
    people_wanted = set(asked.getlist("person"))
    people = tuple(one for one in _unnamed(request, family) if one.public_id in people_wanted)
    if request.method == "POST" and (len(members), len(people)) != (len(wanted), len(people_wanted)):
        raise Http404
    return Leaving(is_whole=False, members=members, people=people, all_passes=bool(asked.get("all_passes")))


def _unnamed(request: SignedInRequest, family: Family) -> list[User]:
    visible = set(visible_people(request.user).values_list("pk", flat=True))
    return [one for one in planning.unnamed_people(family) if one.pk in visible]


def _show_plan(
    request: SignedInRequest, plan: Plan, form: MoveOutForm, *, is_changed: bool = False, status: int = 200
) -> HttpResponse:
    family = plan.family
    own = planning.own_accounts(family)
    members = [
        one
        for one in Member.objects.filter(family=family, gone_at=None).order_by("search_text", "pk")
        if one.account_id not in own
    ]
    context = {
        "family": family,
        "plan": plan,
        "form": form,
        "is_changed": is_changed,
        "agreed": digest_of(plan),
        "press": new_press(request.user.id, create_purpose(family)),
        "members": members,
        "unnamed": _unnamed(request, family),
        "chosen": {one.public_id for one in plan.leaving.members}
        | {one.public_id for one in plan.leaving.people},
        "groups": _groups(plan),
        "invitations": plan.of(ItemKind.UPSTREAM_INVITATION),
        "is_empty": not plan.items,
        "trouble": find_trouble(request.user, family),
        "may_not_own": plan.owner is not None and not planning.acts_as_owner(family),
    }
    return render_page(request, "access/move_out_create.html", "access/_move_out_plan.html", context, status)


def _groups(plan: Plan) -> list[dict[str, Any]]:
    """What goes, kind by kind, in the order in which it goes."""
    groups = []
    for kind in ItemKind:
        rows = plan.of(kind)
        if rows and kind != ItemKind.UPSTREAM_INVITATION:
            groups.append({"kind": str(kind), "label": str(KIND_HEADINGS[kind]), "rows": rows})
    return groups


def _show(request: SignedInRequest, move_out: MoveOut, status: int = 200) -> HttpResponse:
    wanted = read_number(request.GET.get("record", ""))
    detail = selectors.get_detail(request.user, move_out, number=wanted)
    if wanted is not None and detail.record is None and move_out.state != MoveOutState.RUNNING:
        raise Http404
    may_act = may_visit(request.user, "access:move_out_look") and move_out.family.gone_at is None
    address = reverse("access:move_out_detail", args=[move_out.public_id])
    context = {
        "move_out": move_out,
        "family": move_out.family,
        "detail": detail,
        "may_act": may_act,
        "press": new_press(request.user.id, press_purpose(move_out)) if may_act else "",
        "is_running": move_out.state == MoveOutState.RUNNING,
        "is_paused": move_out.paused_at is not None,
        "poll_url": f"{address}?version={version_of(move_out)}",
        "people_url": reverse("families:person_list")
        if may_visit(request.user, "families:person_list")
        else "",
    }
    return render_page(
        request, "access/move_out_detail.html", "access/_move_out_detail.html", context, status
    )
