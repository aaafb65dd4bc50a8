"""Opening a door, what became of it, and the pictures of openings."""

from datetime import timedelta
from typing import Any

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from access import selectors
from access.forms.doors import OpenDoorForm
from access.models import Opening, Picture, Relay
from access.selectors import Press
from access.selectors.presses import families_for, find_last_press, find_pressed_just_now
from access.services import doors
from access.services.doors import Answers
from access.sync.pictures import picture_path
from access.views.cards import opener, press_purpose, press_thumbnail, press_url
from families.selectors import find_trouble
from families.services.acting import NoConnection
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.audit.models import Command, State
from portal.audit.trail import AuditUnavailable
from portal.connections.calling import OutcomeNotRecorded
from portal.ids import find_hidden
from portal.web import wordings
from portal.web.errors import trouble
from portal.web.pages import render_page, wants_fragment
from portal.web.presses import PressInvalid, read_press


def opening_confirm(request: SignedInRequest, family_id: str, relay_id: str) -> HttpResponse:
    """The question ahead of a press, with what is known of the door now; with ``?answer=no`` its button again."""
    relay = _relay(request, family_id, relay_id)
    if request.GET.get("answer") == "no":
        if not wants_fragment(request):
            return redirect("access:family_doors", family_id)
        return _show(request, relay, find_last_press(request.user, relay), is_shared=_is_shared(request))
    families = families_for(request.user, relay.device, relay) if _is_shared(request) else None
    form = OpenDoorForm(None, relay=relay, families=families)
    return _ask(request, relay, form, earlier=find_pressed_just_now(relay), status=200)


def opening_create(request: SignedInRequest, family_id: str, relay_id: str) -> HttpResponse:
    """Opens a door: one press, one command."""
    relay = _relay(request, family_id, relay_id)
    _refuse_another(request, relay)
    form = _form(request, relay)
    try:
        press = read_press(request.POST.get("press", ""), request.user.id, press_purpose(relay))
    except PressInvalid:
        return _ask(request, relay, form, wordings.old_page(_("Nothing was sent.")))
    if not form.is_valid():
        return _ask(request, relay, form, _("Nothing was sent."))
    chosen = form.chosen or relay
    try:
        performed = doors.open_door(
            request.user,
            relay=chosen,
            press=press,
            reason=form.cleaned_data["reason"],
            answers=Answers(form.cleaned_data["offline"], form.cleaned_data["again"]),
        )
    except doors.DoorOffline:
        return _ask(request, relay, form, is_offline=True)
    except doors.PressedJustNow as error:
        return _ask(request, relay, form, earlier=error.earlier)
    except doors.OpenedTooOften as error:
        return _ask(request, relay, form, _limit_words(error))
    except NoConnection:
        found = find_trouble(request.user, chosen.device.family)
        why = f"{found.title}. {found.detail}" if found else wordings.no_connection()
        return trouble(request, _("Nothing was sent. %(why)s") % {"why": why})
    except OutcomeNotRecorded:
        words = _(
            "We do not know whether the door opened: the answer could not be recorded. Look before pressing again."
        )
        return trouble(request, words, title=_("Unknown"))
    except AuditUnavailable:
        return trouble(request, wordings.no_audit("sent", _("The door stays as it was.")))
    if wants_fragment(request):
        return _show(
            request, chosen, selectors.describe_press(performed.command, is_new=not performed.is_repeat)
        )
    return redirect(
        "access:opening_press", chosen.device.family.public_id, chosen.public_id, performed.command.public_id
    )


def opening_press(request: SignedInRequest, family_id: str, relay_id: str, command_id: str) -> HttpResponse:
    """What became of a press. Asked again and again while it waits: 204 when nothing is new."""
    relay = _relay(request, family_id, relay_id)
    try:
        press = selectors.get_press(request.user, relay=relay, command_id=command_id)
    except Command.DoesNotExist:
        raise Http404 from None
    if wants_fragment(request) and request.GET.get("version") == press.version:
        return HttpResponse(status=204)
    return _show(request, relay, press)


def opening_thumbnail(request: SignedInRequest, opening_id: str) -> HttpResponseBase:
    """The small picture of an opening, for those who may see its row."""
    pk = find_hidden(opening_id, "opening")
    opening = get_object_or_404(Opening.objects.visible_to(request.user), pk=pk, picture=Picture.READY)
    try:
        # Its own name would be the row's number.
        response = FileResponse(
            picture_path(opening).open("rb"), filename="thumbnail.jpg", content_type="image/jpeg"
        )
    except FileNotFoundError:
        raise Http404 from None
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _relay(request: SignedInRequest, family_id: str, relay_id: str) -> Relay:
    try:
        return selectors.get_relay(request.user, family_id=family_id, relay_id=relay_id)
    except Relay.DoesNotExist:
        raise Http404 from None


def _is_shared(request: SignedInRequest) -> bool:
    """Whether the press comes from a page on which a shared door stands once, for all its families."""
    return bool(request.GET.get("shared"))


def _form(request: SignedInRequest, relay: Relay) -> OpenDoorForm:
    """What was sent; raises Http404 where it names a door that is not this one in another family."""
    families = None
    if "through" in request.POST:
        families = families_for(request.user, relay.device, relay)
        if request.POST["through"] not in {"", *(door.public_id for door in families)}:
            raise Http404
    return OpenDoorForm(request.POST, relay=relay, families=families)


def _refuse_another(request: SignedInRequest, relay: Relay) -> None:
    """Raise Http404 where the form names another device, door or family than the address: no form of ours does."""
    device = relay.device
    own = {"mac": device.mac, "relay_id": relay.relay_id, "residence_id": device.family.residence_id}
    for name, value in own.items():
        if request.POST.get(name, value) != value:
            raise Http404


def _limit_words(error: doors.OpenedTooOften) -> str:
    words = (
        _("The doors of this family were opened %(limit)d times within an hour, and that is the most.")
        if error.is_familys
        else _("You opened doors %(limit)d times within an hour, and that is the most.")
    )
    at = timezone.localtime(error.next_at)
    # A second more, so that it is true by then.
    return f"{words % {'limit': error.limit}} " + _("Nothing was sent. The next is possible at %(time)s.") % {
        "time": (at + timedelta(seconds=1)).strftime("%H:%M:%S")
    }


def _ask(
    request: SignedInRequest,
    relay: Relay,
    form: OpenDoorForm,
    error: str = "",
    *,
    earlier: Command | None = None,
    is_offline: bool = False,
    status: int = 422,
) -> HttpResponse:
    """The question, with what was typed and a fresh token; nothing was sent."""
    is_bound = form.is_bound
    context = {
        "form": form,
        "error": error,
        "last": None if is_bound else find_last_press(request.user, relay),
        "earlier": _earlier(request.user, earlier) if earlier else None,
        "again": earlier.public_id if earlier else str(form.data.get("again", ""))[:64],
        "is_offline": is_offline or not relay.device.is_online,
        **opener(request.user, relay, relay.device),
    }
    context["back_url"] = f"{context['ask_url']}?answer=no{'&shared=1' if 'through' in form.fields else ''}"
    return _render(request, relay, "access/_opening_form.html", context, status=status)


def _earlier(user: User, command: Command) -> dict[str, Any]:
    """A press of moments ago: how long ago, whether it is known to have worked, and who, where that is theirs to read."""
    is_ours = Command.objects.visible_to(user).filter(pk=command.pk).exists()
    return {
        "seconds": max(0, round((timezone.now() - command.created_at).total_seconds())),
        "who": command.actor_name if is_ours else "",
        "is_opened": command.state in {State.SUCCEEDED, State.CONFIRMED_BY_HISTORY},
    }


def _show(
    request: SignedInRequest, relay: Relay, press: Press | None, *, is_shared: bool = False
) -> HttpResponse:
    context = {
        "press": press,
        "card": opener(request.user, relay, relay.device, is_shared=is_shared),
        "url": press_url(relay, relay.device, press) if press else "",
        "thumbnail_url": press_thumbnail(press) if press else "",
        "has_focus": press is None or not press.is_waiting,
    }
    return _render(request, relay, "access/_press.html", context)


def _render(
    request: SignedInRequest, relay: Relay, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context |= {"relay": relay, "device": relay.device, "family": relay.device.family, "fragment": fragment}
    return render_page(request, "access/opening_press.html", fragment, context, status=status)
