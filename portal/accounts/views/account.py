"""My account: who I am here, how I sign in, where I am signed in, and what I may do."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.selectors import granted
from portal.accounts import gate, sessions
from portal.accounts.browsers import browser_names
from portal.accounts.forms.account import NewPasswordForm, PreferencesForm, ThemeForm
from portal.accounts.mails import send_mail
from portal.accounts.models import User
from portal.accounts.requests import SignedInRequest
from portal.accounts.services import own
from portal.web.access import may_visit
from portal.web.addresses import own_path
from portal.web.errors import trouble
from portal.web.middleware import THEME_COOKIE
from portal.web.pages import lead, render_page, wants_fragment
from portal.web.where import current_request
from portal.web.zones import zone_names

logger = logging.getLogger(__name__)
PERSONAL_CONNECTION = "connections:own_connection"


def my_account(request: SignedInRequest) -> HttpResponse:
    """Name, language, time zone, colours."""
    return _show_preferences(request, PreferencesForm.of(request.user))


def preferences_change(request: SignedInRequest) -> HttpResponse:
    """Keep what they chose. A plain form: the whole page may look and read differently afterwards."""
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _show_preferences(request, form, status=422)
    if own.change_preferences(request.user, form.wanted()):
        messages.success(request, _("Kept."))
    else:
        messages.info(request, _("Nothing was changed."))
    response = lead(request, reverse("accounts:my_account"))
    _remember_theme(response, request.user.theme)
    return response


def theme_change(request: SignedInRequest) -> HttpResponse:
    """Keep the colours chosen in the frame of any page, and stay on it."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return trouble(request, _("There are no such colours."), title=_("Nothing was changed"), status=422)
    own.choose_theme(request.user, form.cleaned_data["theme"])
    if wants_fragment(request):
        response = HttpResponse(status=204)
    else:
        back = own_path(request, request.headers.get("Referer"))
        response = redirect(back or reverse("accounts:my_account"))
    _remember_theme(response, request.user.theme)
    return response


def sign_in_means(request: SignedInRequest) -> HttpResponse:
    """The password and the second factors."""
    user = request.user
    factors = list(Authenticator.objects.filter(user_id=user.pk).order_by("created_at"))
    context = {
        "tab": "sign_in",
        "has_password": user.has_usable_password(),
        "apps": [one for one in factors if one.type == Authenticator.Type.TOTP],
        "passkeys": [one.wrap() for one in factors if one.type == Authenticator.Type.WEBAUTHN],
        "recovery": next((one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None),
        "is_required": gate.needs_second_factor(user),
        "factors_url": _address_of(user, "mfa_index"),
    }
    return render_page(request, "accounts/sign_in_means.html", "accounts/_sign_in_means.html", context)


def password_change(request: SignedInRequest) -> HttpResponse:
    """Choose a new password; the policy asks for a recent sign-in, so the old one is not asked for again."""
    user = request.user
    form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        context = {"tab": "sign_in", "form": form, "has_password": user.has_usable_password()}
        return render_page(
            request, "accounts/password_change.html", "accounts/_password_form.html", context, status
        )
    ended = own.change_password(request, user, form.cleaned_data["password"])
    words = _("The password is changed.")
    if ended:
        words += " " + ngettext(
            "You were signed out in %(number)d other place.",
            "You were signed out in %(number)d other places.",
            ended,
        ) % {"number": ended}
    messages.success(request, words)
    _tell(request, "password_changed", number=ended)
    return lead(request, reverse("accounts:sign_in_means"))


def session_list(request: SignedInRequest) -> HttpResponse:
    """Where they are signed in."""
    return _show_sessions(request)


def session_end(request: SignedInRequest, session_id: str) -> HttpResponse:
    """Sign out in one place."""
    one = sessions.find_session(request.user, session_id)
    if one is None:
        raise Http404
    if one.session_key == request.session.session_key:
        logout(request)
        return lead(request, reverse("account_login"))
    own.end_session(request.user, one)
    return _after_ending(request, 1)


def session_end_others(request: SignedInRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    ended = own.end_other_sessions(request.user, keep=request.session.session_key or "")
    if ended:
        _tell(request, "sessions_ended", number=ended, by=str(request.user))
    return _after_ending(request, ended)


def my_rights(request: SignedInRequest) -> HttpResponse:
    """What they may see and do, and whom to ask for more."""
    user = request.user
    mine = granted.get_scope(user)
    context = {
        "tab": "rights",
        "scope": mine,
        "grants": [(grant, granted.is_in_force(grant)) for grant in mine.grants],
        "to_ask": granted.list_managers_to_ask(user),
        "families": granted.visible_number(user),
        "connection_url": _address_of(user, PERSONAL_CONNECTION),
        "now": timezone.now(),
    }
    return render_page(request, "accounts/my_rights.html", "accounts/_my_rights.html", context)


def _show_preferences(request: SignedInRequest, form: PreferencesForm, status: int = 200) -> HttpResponse:
    context = {"tab": "me", "form": form, "zones": _zones(request.user)}
    return render_page(request, "accounts/my_account.html", "accounts/_preferences.html", context, status)


def _zones(user: User) -> list[str]:
    """The zones to choose from: those that people here have chosen come first."""
    used = User.objects.exclude(time_zone="").values_list("time_zone", flat=True).distinct()
    known = zone_names()
    common = [name for name in dict.fromkeys([user.time_zone, "UTC", *sorted(used)]) if name in known]
    return list(dict.fromkeys([*common, *known]))


def _show_sessions(request: SignedInRequest, **more: Any) -> HttpResponse:
    places = [
        (one, browser_names(one.user_agent), one.session_key == request.session.session_key)
        for one in sessions.list_sessions(request.user)
    ]
    # Here first, then where somebody was last.
    places.sort(key=lambda place: not place[2])
    context = {
        "tab": "sessions",
        "places": places,
        "others": sum(not is_here for _one, _names, is_here in places),
        "idle_minutes": settings.SESSION_IDLE_MINUTES,
        "longest_hours": settings.SESSION_COOKIE_AGE // 3600,
        **more,
    }
    return render_page(request, "accounts/session_list.html", "accounts/_sessions.html", context)


def _after_ending(request: SignedInRequest, ended: int) -> HttpResponse:
    words = (
        ngettext("You are signed out there.", "You are signed out in %(number)d places.", ended)
        % {"number": ended}
        if ended
        else _("You were not signed in anywhere else.")
    )
    if wants_fragment(request):
        return _show_sessions(request, done=words)
    messages.success(request, words)
    return redirect("accounts:session_list")


def _tell(request: SignedInRequest, template: str, **details: Any) -> None:
    """The same by mail: somebody else may have sat there. What was done stays done without it."""
    user = request.user
    context = {
        "person": user,
        "since": timezone.now(),
        "address": current_request.get().address,
        "link": f"{settings.PUBLIC_URL}{reverse('accounts:session_list')}",
        **details,
    }
    try:
        send_mail(template, [user.email], context)
    except (OSError, SMTPException):
        logger.exception("the mail %s could not be sent", template)
        messages.warning(request, _("The mail that tells you so could not be sent."))


def _remember_theme(response: HttpResponse, theme: str) -> None:
    """For the pages that this browser sees while nobody is signed in. theme.js writes the same cookie."""
    if theme:
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")


def _address_of(user: User, url_name: str) -> str:
    return reverse(url_name) if may_visit(user, url_name) else ""
