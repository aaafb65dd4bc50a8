"""What a manager does to a connection that is there."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.connections import managing, services
from portal.connections.forms import SettingsForm
from portal.connections.joining import ConnectionGone, NameTaken
from portal.connections.models import Connection
from portal.connections.views import parts
from portal.web.pages import lead, render_page


def connection_change(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """The form for name, time zone and budget, and the changing."""
    connection = parts.find_connection(request, connection_id)
    known = {
        "name": connection.name,
        "history_zone": connection.history_zone,
        "calls_per_minute": connection.calls_per_minute,
    }
    if request.method != "POST":
        return _show_form(request, connection, SettingsForm(initial=known, connection=connection))
    form = SettingsForm(request.POST, initial=known, connection=connection)
    if not form.is_valid():
        return _show_form(request, connection, form, status=422)
    if not parts.pressed(request, parts.purpose_of(connection)):
        return lead(request, parts.address_of(connection))
    try:
        changed, moved = services.change(By.person(request.user), connection, **form.cleaned_data)
    except NameTaken:
        form.add_error("name", form.taken_words())
        return _show_form(request, connection, form, status=422)
    except ConnectionGone:
        return _say_gone(request)
    messages.success(request, _("“%(name)s” is changed.") % {"name": changed.name})
    if moved is not None:
        words = ngettext(
            "%(count)d row of its log is told at another time now.",
            "%(count)d rows of its log are told at another time now.",
            moved,
        )
        messages.info(request, words % {"count": moved})
    return lead(request, parts.address_of(changed))


def connection_pause(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """Nothing is called through it until somebody lets it go on."""
    connection = parts.find_connection(request, connection_id)
    if parts.pressed(request, parts.purpose_of(connection)):
        managing.pause(By.person(request.user), connection)
        messages.success(
            request,
            _("“%(name)s” is paused. Nothing is read or sent through it.") % {"name": connection.name},
        )
    return lead(request, parts.address_of(connection))


def connection_continue(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """It is called through again."""
    connection = parts.find_connection(request, connection_id)
    if parts.pressed(request, parts.purpose_of(connection)):
        services.go_on(By.person(request.user), connection)
        messages.success(
            request, _("“%(name)s” goes on. Its families are read next.") % {"name": connection.name}
        )
    return lead(request, parts.address_of(connection))


def connection_remove(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """It ends: one of the organisation's, or somebody's own."""
    connection = parts.find_connection(request, connection_id, with_personal=True)
    back = reverse("connections:connection_list") if connection.owner_id else parts.address_of(connection)
    if not parts.pressed(request, parts.purpose_of(connection)):
        return lead(request, back)
    if request.POST.get("typed", "").strip() != connection.name:
        words = _("That is not its name. “%(name)s” was not removed.") % {"name": connection.name}
        messages.warning(request, words)
        return lead(request, back)
    try:
        lost = services.remove(By.person(request.user), connection)
    except ConnectionGone:
        return _say_gone(request)
    told = _("“%(name)s” is removed, and its sign-in is forgotten. What it brought is still shown.")
    messages.success(request, told % {"name": connection.name})
    if lost:
        words = ngettext(
            "%(count)d family is not connected any more.",
            "%(count)d families are not connected any more.",
            lost,
        )
        messages.warning(request, words % {"count": lost})
    return lead(request, reverse("connections:connection_list"))


def _say_gone(request: SignedInRequest) -> HttpResponse:
    messages.warning(request, _("Somebody has removed this connection meanwhile. Nothing was done now."))
    return lead(request, reverse("connections:connection_list"))


def _show_form(
    request: SignedInRequest, connection: Connection, form: SettingsForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, **parts.actions_of(request, connection)}
    page, fragment = "connections/connection_change.html", "connections/_connection_change.html"
    return render_page(request, page, fragment, context, status=status)
