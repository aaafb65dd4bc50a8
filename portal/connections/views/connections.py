"""The connections of the organisation, and one of them."""

from django.http import HttpResponse
from django.urls import reverse

from portal.accounts.requests import SignedInRequest
from portal.connections import selectors
from portal.connections.views import parts
from portal.web.addresses import with_changes
from portal.web.pages import render_page


def connection_list(request: SignedInRequest) -> HttpResponse:
    """Every connection with how it does; below them the removed ones, and that people have their own."""
    context = {
        "rows": selectors.list_connections(request.user),
        "removed": selectors.list_removed(request.user),
        "personal": [
            (row, parts.fresh_press(request, parts.purpose_of(row.connection)))
            for row in selectors.list_personal(request.user)
        ],
        "create_url": reverse("connections:connection_create"),
    }
    return render_page(
        request, "connections/connection_list.html", "connections/_connection_list.html", context
    )


def connection_detail(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """One connection: how it does, what it reaches, what was done to it."""
    connection = parts.find_connection(request, connection_id, with_removed=True)
    page = selectors.list_reached(
        connection, before=request.GET.get("before", ""), after=request.GET.get("after", "")
    )
    context = {
        "row": selectors.get_row(connection),
        "page": page,
        "before_url": page.before and with_changes(request, before=page.before, after=""),
        "after_url": page.after and with_changes(request, after=page.after, before=""),
        "deeds": selectors.list_deeds(request.user, connection),
        **parts.actions_of(request, connection),
    }
    return render_page(
        request, "connections/connection_detail.html", "connections/_connection_detail.html", context
    )
