"""What every request passes: its id, its person, its time zone, and the rules for private pages."""

import zoneinfo
from collections.abc import Callable
from uuid import uuid4

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from portal.web.where import Where, client_address, current_request

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Gives each request an id of our own, which ties the audit rows of one click together."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        where = Where(client_address(request), request.headers.get("User-Agent", "")[:300], uuid4().hex)
        token = current_request.set(where)
        try:
            response = self.get_response(request)
        finally:
            current_request.reset(token)
        response["X-Request-ID"] = where.request_id
        return response


class PlainAddressMiddleware:
    """Refuses an address with NUL in it: no text of ours holds one, and PostgreSQL takes none as a parameter."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path_info:
            raise BadRequest("NUL in the address")
        return self.get_response(request)


class SignedInMiddleware(LoginRequiredMiddleware):
    """Everything needs a signed-in person unless its view says otherwise.

    A fragment's request is sent to the sign-in page as a whole: a form never lands inside a table.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") == "true":
            response = HttpResponse(status=204)
            response["HX-Redirect"] = resolve_url(self.get_login_url(view_func))
            return response
        # A POST is not repeated after signing in: one starts again from the page.
        path = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
        return redirect_to_login(path, self.get_login_url(view_func), self.get_redirect_field_name(view_func))


class TimeZoneMiddleware:
    """Tells times in the person's own zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            try:
                zone = zoneinfo.ZoneInfo(request.user.time_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                zone = zoneinfo.ZoneInfo("UTC")
            with timezone.override(zone):
                return self.get_response(request)
        return self.get_response(request)


class PrivatePagesMiddleware:
    """Pages of signed-in people are kept in no cache, and differ for fragments."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if request.user.is_authenticated and "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response
