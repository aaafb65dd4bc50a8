"""What every request passes: its id, its person, its time zone, and the rules for private pages."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from portal.web.access import Person, names_only_own, names_secret, policy_of
from portal.web.where import Where, client_address, current_request
from portal.web.zones import zone_called

THEME_COOKIE = "theme"
THEMES = frozenset({"light", "dark"})
logger = logging.getLogger(__name__)
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


class PolicyMiddleware:
    """Holds every request to the policy of its address: signed in unless it is open, the roles, the methods, and
    objects of one's own in the fields of a form.

    A fragment's request is sent to the sign-in page as a whole: a form never lands inside a table.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> HttpResponseBase | None:
        policy = policy_of(request)
        if policy is None:
            logger.error("%s has no policy: refused", request.path)
            raise PermissionDenied
        if not policy.is_open:
            if not request.user.is_authenticated:
                return sign_in_first(request)
            if not policy.admits(cast("Person", request.user)):
                raise PermissionDenied
        if request.method not in policy.methods:
            return HttpResponseNotAllowed(sorted(policy.methods))
        if request.method == "POST" and not names_only_own(request, policy):
            raise Http404
        return None


def sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page, and back here afterwards; a POST is not repeated: one starts again from the first page."""
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = resolve_url(settings.LOGIN_URL)
        return response
    path = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return redirect_to_login(path, resolve_url(settings.LOGIN_URL))


class PreferencesMiddleware:
    """Tells times in the person's own zone, words in their language, and knows which colours they like.

    ``request.theme`` is "light", "dark" or "" (as the system): of somebody signed in what their account says, and of
    anybody else what their browser kept. Templates ask for it, so that no page has to ask who somebody is.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            _set_theme(request, request.COOKIES.get(THEME_COOKIE, ""))
            return self.get_response(request)
        _set_theme(request, request.user.theme)
        with timezone.override(zone_called(request.user.time_zone)), _words_of(request.user.language):
            return self.get_response(request)


def _set_theme(request: HttpRequest, theme: str) -> None:
    request.theme = theme if theme in THEMES else ""  # type: ignore[attr-defined]


@contextmanager
def _words_of(language: str) -> Iterator[None]:
    """The person's language, where we speak it; else what their browser asks for."""
    if language in dict(settings.LANGUAGES):
        with translation.override(language):
            yield
    else:
        yield


class PrivatePagesMiddleware:
    """Pages of signed-in people are kept in no cache, and differ for fragments.

    A page whose address is a secret is kept by nobody either, found by no search, and named to nobody: not even our
    own pages see where one came from.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        is_secret = names_secret(request)
        if is_secret:
            response["X-Robots-Tag"] = "noindex, nofollow"
            # Not "no-referrer": a browser would then send a form without its origin, and it would be refused.
            response["Referrer-Policy"] = "strict-origin"
        if (is_secret or request.user.is_authenticated) and "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response
