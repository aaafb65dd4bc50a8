"""Somebody's own account at the upstream, under My account."""

from contextlib import suppress

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.requests import SignedInRequest
from portal.audit.trail import By
from portal.connections import managing, selectors, services
from portal.connections.conditions import describe
from portal.connections.forms import RENEWAL_FORMS
from portal.connections.joining import ConnectionGone
from portal.connections.models import Connection
from portal.connections.views import parts
from portal.connections.views.signing_in import Entrance, show_entrance
from portal.web.pages import lead, render_page


def own_connection(request: SignedInRequest) -> HttpResponse:
    """The person's own connection with what it is used for, or how to link one."""
    own = managing.find_own(request.user)
    context = _context(request, own) if own is not None else {"own": None}
    return render_page(
        request, "connections/own_connection.html", "connections/_own_connection.html", context
    )


def own_connection_sign_in(request: SignedInRequest) -> HttpResponse:
    """The forms that link an account, or sign it in again, and the doing."""
    entrance = Entrance(
        RENEWAL_FORMS,
        reverse("connections:own_connection_sign_in"),
        reverse("connections:own_connection"),
        f"own:{request.user.public_id}",
        connection=managing.find_own(request.user),
        is_personal=True,
    )
    return show_entrance(request, entrance)


def own_connection_continue(request: SignedInRequest) -> HttpResponse:
    """It is called through again: it was paused while the person was switched off or an auditor."""
    own = managing.find_own(request.user)
    if own is not None and parts.pressed(request, parts.purpose_of(own)):
        services.go_on(By.person(request.user), own)
        messages.success(request, _("Your account is used again."))
    return lead(request, reverse("connections:own_connection"))


def own_connection_remove(request: SignedInRequest) -> HttpResponse:
    """It ends; where it has ended already, the page says how it stands."""
    own = managing.find_own(request.user)
    if own is not None and parts.pressed(request, parts.purpose_of(own)):
        with suppress(ConnectionGone):
            services.remove(By.person(request.user), own)
        messages.success(
            request,
            _(
                "Your account is not connected any more, and its sign-in is forgotten. In the door system nothing was changed."
            ),
        )
    return lead(request, reverse("connections:own_connection"))


def _context(request: SignedInRequest, own: Connection) -> dict[str, object]:
    families = selectors.list_own_families(request.user, own)
    count = selectors.count_own_families(request.user, own)
    is_read = selectors.was_listed(own)
    condition = describe(own)
    return {
        "own": own,
        "account": selectors.get_row(own).account,
        "condition": condition,
        "is_first": not is_read and condition.state not in {"signed_out", "paused"},
        "families": families,
        "more": count - len(families),
        "unknown": max(0, (own.families_listed or 0) - count) if is_read else 0,
        **parts.actions_of(request, own),
    }
