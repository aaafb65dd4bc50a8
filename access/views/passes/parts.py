"""What the views of one pass share: finding it, what its templates take, and how trouble is told."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import Holder, TempKey
from access.selectors import handing as selectors
from access.selectors.handing import may_be_handed_over, may_be_linked
from access.selectors.passes import PassState, passes_as_of, state_of
from access.services.passes.codes import PassCode
from access.services.passes.revealing import PassNotThere
from access.services.visitors import links
from access.services.visitors.links import NothingToShow
from access.views.credentials import telling
from access.views.passes.lists import line_of
from families.services.acting import NoConnection
from families.views.outcomes import Outcome
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.audit.events import label_of
from portal.audit.models import Actor, State
from portal.audit.selectors import Line
from portal.web.pages import render_page, wants_fragment

# So long a code is shown; a link that was just made stands until it was copied, and a sheet until it was printed.
SHOWN_SECONDS = 30
LINK_SECONDS = 300
SHEET_SECONDS = 300


@dataclass(frozen=True)
class Shown:
    """The page of a pass as it is answered: perhaps with its code, a link just made, or what became of something."""

    code: PassCode | None = None
    new_link: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Deed:
    """A line of what was done with a pass. ``detail``: to whom a mail went; ``kind`` and ``outcome`` where it did not work."""

    at: datetime
    what: str
    who: str
    detail: str
    kind: str
    outcome: str


def find_pass(request: SignedInRequest, pass_id: str) -> TempKey:
    """The pass, or a 404 unless it is this person's to see."""
    try:
        return selectors.get_pass(request.user, pass_id)
    except TempKey.DoesNotExist:
        raise Http404 from None


def show(request: SignedInRequest, key: TempKey, shown: Shown = Shown()) -> HttpResponse:
    """The page of a pass."""
    status = shown.outcome.status if shown.outcome is not None else 200
    response = render_page(
        request,
        "access/pass_detail.html",
        "access/_pass_detail.html",
        detail_context(request, key, shown),
        status=status,
    )
    if key.may_be_managed_by(request.user):
        permit_picture(response)
    return response


def permit_picture(response: HttpResponse) -> None:
    """Let this answer show a picture that it holds itself: a QR code."""
    # What csp.decorators.csp_update does, for an answer instead of a view.
    vars(response)["_csp_update"] = {"img-src": ["data:"]}


def detail_context(request: SignedInRequest, key: TempKey, shown: Shown = Shown()) -> dict[str, Any]:
    """What access/_pass_detail.html takes."""
    user, now = request.user, timezone.now()
    state = state_of(key, now)
    may_act = key.may_be_managed_by(user)
    doors = selectors.list_doors(key.family)
    can_be_asked = selectors.can_be_asked(key)
    return {
        "key": key,
        "line": line_of(user, key, now),
        "doors": doors,
        "account_name": "" if user.is_family_admin else selectors.name_of_account(key),
        "as_of": passes_as_of(user, key.family),
        "may_act": may_act,
        "trouble": None if state == PassState.OVER else trouble_of(key, can_be_asked=can_be_asked),
        "may_show": may_act and can_be_asked and key.gone_at is None and bool(key.fingerprint),
        "may_hand_over": may_act and may_be_handed_over(key, now),
        "deeds": [_deed(user, line) for line in selectors.list_trail(user, key)],
        "notices": [shown.outcome.notice] if shown.outcome is not None else [],
        **code_context(key, doors, shown.code),
        **link_context(key, shown.new_link, may_link=may_act and may_be_linked(key, now)),
    }


def code_context(key: TempKey, doors: list[str] | None, code: PassCode | None) -> dict[str, Any]:
    """What access/_pass_slot.html and access/_pass_words.html take."""
    digits = code.digits if code is not None else ""
    return {
        "key": key,
        "code": code,
        "seconds": SHOWN_SECONDS,
        "words": selectors.for_visitor(key, doors, digits=digits).lines,
        "plain_words": selectors.for_visitor(key, doors).lines,
    }


def link_context(
    key: TempKey, new_link: str = "", *, may_link: bool, trouble: Outcome | None = None
) -> dict[str, Any]:
    """What access/_visitor_link.html takes."""
    return {
        "key": key,
        "link": links.live_link(key),
        "new_link": new_link,
        "may_link": may_link,
        "link_seconds": LINK_SECONDS,
        "link_trouble": trouble,
    }


def answer(request: SignedInRequest, key: TempKey, outcome: Outcome) -> HttpResponse:
    """Nothing was shown: the words alone for htmx, which has their place (notices.js), else the page with them."""
    if wants_fragment(request):
        return render(request, "web/_notice.html", outcome.notice, status=outcome.status)
    return show(request, key, Shown(outcome=outcome))


def not_theirs(request: SignedInRequest, key: TempKey) -> HttpResponse:
    """Somebody sees the pass, and another made it: a family admin hands over and changes only their own."""
    detail = _("Nothing was done. Ask whoever made it, or a manager.")
    return show(request, key, Shown(outcome=Outcome("off", _("Somebody else made this pass."), detail, 409)))


def trouble_of(key: TempKey, *, can_be_asked: bool) -> Outcome | None:
    """What is the matter with a pass, as far as is known without asking; None where nothing is."""
    if key.gone_at is not None:
        detail = _("Its code opens no door any more. Make another pass for whoever still needs one.")
        return Outcome("off", _("The door system has no such pass any more."), detail)
    if not key.fingerprint:
        detail = _(
            "Its making got no answer, so its code cannot be shown. It is looked for in each list that is read."
        )
        return Outcome("unknown", _("Nobody knows which of the door system’s passes it is."), detail)
    if not can_be_asked:
        detail = _("It still opens doors, as far as we know. A manager has to see to that connection.")
        return Outcome("warn", _("The account whose pass it is cannot be asked now."), detail)
    return None


def outcome_of(error: Exception) -> Outcome:
    """Why a code could not be shown or handed over. Nothing was shown, and nothing was sent."""
    match error:
        case PassNotThere(is_sure=True):
            detail = _("Nothing is shown. Make another pass for whoever still needs one.")
            return Outcome("off", _("The door system has no such pass any more."), detail, 502)
        case PassNotThere():
            detail = _("Nothing is shown. Its list could not be read in full, or we never knew its code.")
            return Outcome("unknown", _("The pass was not found in the door system."), detail, 502)
        case NothingToShow():
            detail = _("No link was made: it would show nothing. Make another pass.")
            return Outcome("off", _("The pass is over, or nobody knows its code."), detail, 422)
        case NoConnection():
            detail = _(
                "Nothing is shown. A manager has to see to its connection; the pass itself stays as it is."
            )
            return Outcome("off", _("The account whose pass it is cannot be asked now."), detail, 503)
        case _:
            return telling.trouble_of(error, Holder.ORGANISATION)


def page_of(key: TempKey) -> str:
    """The address of the pass's own page."""
    return reverse("access:pass_detail", args=[key.public_id])


def _deed(user: User, line: Line) -> Deed:
    first = line.first
    who = first.actor_name
    if first.actor_kind == Actor.VISITOR:
        who = _("the visitor")
    elif first.actor_id == user.pk:
        who = _("you")
    told = json.loads(first.parameters)
    is_well = line.outcome in {"", State.SUCCEEDED}
    return Deed(
        at=first.at,
        what=label_of(first.event),
        who=who,
        detail=str(told.get("address") or told.get("mailed_to") or ""),
        kind="" if is_well else line.outcome,
        outcome="" if is_well else str(State(line.outcome).label),
    )
