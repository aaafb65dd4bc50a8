"""Opening a door, what became of it, and the pictures of openings."""

from typing import Any

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from access import selectors
from access.forms.doors import OpenDoorForm
from access.models import Opening, Picture, Relay
from access.selectors import Press
from access.services import doors
from access.sync.pictures import picture_path
from access.views.cards import opener, press_purpose, press_thumbnail, press_url
from families.selectors import find_trouble
from families.services.acting import NoConnection
from portal.accounts.requests import SignedInRequest
from portal.audit.models import Command
from portal.audit.trail import AuditUnavailable
from portal.connections.calling import OutcomeNotRecorded
from portal.ids import find_hidden
from portal.web.errors import trouble
from portal.web.pages import render_page, wants_fragment
from portal.web.presses import PressInvalid, read_press


def opening_create(request: SignedInRequest, family_id: str, relay_id: str) -> HttpResponse:
    """Opens a door: one press, one command."""
    relay = _relay(request, family_id, relay_id)
    form = OpenDoorForm(request.POST)
    try:
        press = read_press(request.POST.get("press", ""), request.user.id, press_purpose(relay))
    except PressInvalid:
        return _ask(request, relay, form, _("This page is too old to open a door from. Nothing was sent."))
    if not form.is_valid():
        return _ask(request, relay, form, _("Nothing was sent."))
    try:
        performed = doors.open_door(
            request.user,
            relay=relay,
            press=press,
            reason=form.cleaned_data["reason"],
            confirmed=form.cleaned_data["confirmed"],
        )
    except doors.PressedJustNow as error:
        return _ask(request, relay, form, earlier=error.earlier)
    except NoConnection:
        found = find_trouble(request.user, relay.device.family)
        why = f"{found.title}. {found.detail}" if found else _("No connection reaches this family.")
        return trouble(request, _("Nothing was sent. %(why)s") % {"why": why})
    except OutcomeNotRecorded:
        words = _(
            "We do not know whether the door opened: the answer could not be recorded. Look before pressing again."
        )
        return trouble(request, words, title=_("Unknown"))
    except AuditUnavailable:
        return trouble(request, _("Not sent: the audit trail is not available. The door stays as it was."))
    if wants_fragment(request):
        return _show(request, relay, selectors.describe_press(performed.command))
    return redirect("access:opening_press", family_id, relay_id, performed.command.public_id)


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


def _ask(
    request: SignedInRequest,
    relay: Relay,
    form: OpenDoorForm,
    error: str = "",
    earlier: Command | None = None,
) -> HttpResponse:
    """The question again, with what was typed and a fresh token; nothing was sent."""
    context = {"form": form, "error": error, "earlier": earlier, **opener(request.user, relay, relay.device)}
    return _render(request, relay, "access/_opening_form.html", context, status=422)


def _show(request: SignedInRequest, relay: Relay, press: Press) -> HttpResponse:
    context = {
        "press": press,
        "card": opener(request.user, relay, relay.device),
        "url": press_url(relay, relay.device, press),
        "thumbnail_url": press_thumbnail(press),
    }
    return _render(request, relay, "access/_press.html", context)


def _render(
    request: SignedInRequest, relay: Relay, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    context |= {"relay": relay, "device": relay.device, "family": relay.device.family, "fragment": fragment}
    return render_page(request, "access/opening_press.html", fragment, context, status=status)
