"""Signing a connection in: a new one, one that is there, or somebody's own; in each of three ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from families.models import Reach
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable, By
from portal.connections import authorization, joining, services
from portal.connections.authorization import Beginning
from portal.connections.failing import why_not
from portal.connections.forms import NEW_FORMS, RENEWAL_FORMS, SignInForm
from portal.connections.joining import ConnectionGone, NameTaken, Proven, Wanted
from portal.connections.models import Connection, SignIn
from portal.connections.services import Connected
from portal.connections.views import parts, telling
from portal.upstream.errors import UpstreamError
from portal.web import wordings
from portal.web.pages import lead, render_page, wants_fragment
from portal.web.presses import PressInvalid

SESSION_KEY = "sign_in_returns"


@dataclass(frozen=True)
class Entrance:
    """Where a sign-in is typed: for a new connection, for one to renew, or for somebody's own.

    ``back`` is the page that one came from, and goes back to.
    """

    forms: Mapping[str, type[SignInForm]]
    action: str
    back: str
    purpose: str
    connection: Connection | None = None
    is_personal: bool = False

    def choose(self, how: str) -> type[SignInForm]:
        """The form of this way to sign in; an unknown one means the first."""
        return self.forms.get(how) or self.forms[self.usual]

    @property
    def usual(self) -> str:
        """The way that is offered first."""
        return str(self.connection.sign_in) if self.connection else str(next(iter(self.forms)))


def connection_create(request: SignedInRequest) -> HttpResponse:
    """The forms that add a connection, and the adding."""
    action, back = reverse("connections:connection_create"), reverse("connections:connection_list")
    return show_entrance(request, Entrance(NEW_FORMS, action, back, "connection:new"))


def connection_renew(request: SignedInRequest, connection_id: str) -> HttpResponse:
    """The forms that sign a connection in again, and the signing in."""
    connection = parts.find_connection(request, connection_id)
    action = reverse("connections:connection_renew", args=[connection.public_id])
    purpose = parts.purpose_of(connection)
    entrance = Entrance(RENEWAL_FORMS, action, parts.address_of(connection), purpose, connection=connection)
    return show_entrance(request, entrance)


def show_entrance(request: SignedInRequest, entrance: Entrance) -> HttpResponse:
    """The form that was chosen in the address, or what becomes of the one that was sent."""
    if request.method == "POST":
        return _take(request, entrance)
    form = entrance.choose(request.GET.get("how", ""))(initial=_known(entrance))
    return _show(request, entrance, form)


def keep(request: SignedInRequest, proven: Proven) -> Connected:
    """Store what was proven, and say on the next page what was found. Raises NameTaken and ConnectionGone."""
    renewed = proven.wanted.renews
    is_another = renewed is not None and _is_another(renewed, proven)
    connected = services.connect(By.person(request.user), proven)
    if proven.wanted.owner is not None:
        telling.tell_own(request, proven, connected)
    else:
        telling.tell_connected(request, proven, connected, is_another=is_another)
    return connected


def session_name(request: SignedInRequest) -> str:
    """A random name of this session, which tells a return from that of another. It opens nothing by itself."""
    if SESSION_KEY not in request.session:
        request.session[SESSION_KEY] = authorization.new_session_name()
    return str(request.session[SESSION_KEY])


def suggested_addresses() -> list[str]:
    """Addresses to choose from: of connections that are there, then those of the settings."""
    return list(dict.fromkeys([*_used_addresses(), *settings.UPSTREAM_REGIONS]))


def _used_addresses() -> QuerySet[Connection, str]:
    found = Connection.objects.of_the_organisation().there()
    return found.order_by("base_url").values_list("base_url", flat=True).distinct()


def _take(request: SignedInRequest, entrance: Entrance) -> HttpResponse:
    form = entrance.choose(request.POST.get("how", ""))(request.POST, initial=_known(entrance))
    if not form.is_valid():
        return _show(request, entrance, form, status=422)
    try:
        press = parts.take_press(request, entrance.purpose)
    except PressInvalid:
        form.add_error(None, parts.old_page_words())
        return _show(request, entrance, form, status=422)
    if form.how == SignIn.CODE:
        return _leave(request, entrance, form)
    try:
        proven = joining.prove(By.person(request.user), _wanted(request, entrance, form))
    except UpstreamError as error:
        parts.give_press_back(press)
        failed = why_not(error)
        if failed.is_refusal:
            form.add_error(None, _("%(why)s Nothing was kept.") % {"why": failed.words})
            return _show(request, entrance, form, status=422)
        return _say_failed(request, entrance, form, failed.words)
    except AuditUnavailable:
        parts.give_press_back(press)
        words = wordings.no_audit("tried")
        return _say_failed(request, entrance, form, words)
    try:
        connected = keep(request, proven)
    except NameTaken:
        words = _("Somebody has added one of this name meanwhile. Nothing was kept.")
        form.add_error("name" if "name" in form.fields else None, words)
        return _show(request, entrance, form, status=422)
    except ConnectionGone:
        form.add_error(None, _("Somebody has removed this connection meanwhile. Nothing was kept."))
        return _show(request, entrance, form, status=422)
    return lead(request, entrance.back if entrance.is_personal else parts.address_of(connected.connection))


def _wanted(request: SignedInRequest, entrance: Entrance, form: SignInForm) -> Wanted:
    found = form.cleaned_data
    owner = request.user if entrance.is_personal else None
    name = found.get("name") or (
        entrance.connection.name if entrance.connection else request.user.email[:100]
    )
    return Wanted(
        name,
        found["base_url"],
        form.credentials(),
        owner=owner,
        renews=entrance.connection,
        history_zone=found.get("history_zone", ""),
        calls_per_minute=found.get("calls_per_minute") or 0,
    )


def _leave(request: SignedInRequest, entrance: Entrance, form: SignInForm) -> HttpResponse:
    """The page from which one goes on to the upstream: a link, since a form may not lead to another site."""
    found = form.cleaned_data
    connection = entrance.connection
    beginning = Beginning(
        base_url=found["base_url"],
        client_id=found["client_id"],
        client_secret=found["client_secret"],
        name=found.get("name") or (connection.name if connection else request.user.email[:100]),
        renews=connection,
        is_personal=entrance.is_personal,
        history_zone=found.get("history_zone", ""),
        calls_per_minute=found.get("calls_per_minute") or 0,
    )
    address = authorization.begin(request.user, session_name(request), beginning)
    context = {"leave_url": address, "base_url": found["base_url"], "entrance": entrance}
    return render_page(request, "connections/sign_in_leave.html", "connections/_sign_in_leave.html", context)


def _say_failed(request: SignedInRequest, entrance: Entrance, form: SignInForm, words: str) -> HttpResponse:
    """It may work another time: a notice beside the form, which keeps what was typed where there is a script."""
    title = _("Nothing was kept.")
    detail = _("%(why)s Try again in a moment.") % {"why": words}
    notice = {"status": "off", "title": title, "detail": detail}
    if wants_fragment(request):
        return render(request, "web/_notice.html", notice, status=503)
    return _show(request, entrance, form, notice, status=503)


def _show(
    request: SignedInRequest,
    entrance: Entrance,
    form: SignInForm,
    notice: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "entrance": entrance,
        "form": form,
        "ways": [(str(how), how.label, how == form.how) for how in map(SignIn, entrance.forms)],
        "press": parts.fresh_press(request, entrance.purpose),
        "addresses": settings.UPSTREAM_REGIONS if entrance.is_personal else suggested_addresses(),
        "address_field": form["base_url"] if entrance.is_personal and form.initial.get("base_url") else None,
        "return_address": authorization.return_address() if form.how == SignIn.CODE else "",
        "notices": [notice] if notice else [],
    }
    page, fragment = "connections/connection_sign_in.html", "connections/_sign_in_form.html"
    return render_page(request, page, fragment, context, status=status)


def _known(entrance: Entrance) -> dict[str, Any]:
    """What a form begins with, nothing secret: what is known of the connection; else, for somebody's own, the
    organisation's address where it has but one."""
    connection = entrance.connection
    if connection is None:
        used = set(_used_addresses()[:2]) if entrance.is_personal else set()
        return {"base_url": used.pop()} if len(used) == 1 else {}
    return {
        "base_url": connection.base_url,
        "username": connection.username,
        "client_id": connection.client_id,
    }


def _is_another(connection: Connection, proven: Proven) -> bool:
    """Whether the account is surely not the one of before."""
    before = set(
        Reach.objects.filter(connection=connection, gone_at=None)
        .order_by()
        .values_list("account_id", flat=True)
        .distinct()
    )
    now = {row.account_id for row in proven.rows}
    return bool(before and now) and before.isdisjoint(now)
