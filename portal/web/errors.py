"""The pages for when something is wrong: a whole page, or a few words for the notices of an open one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from portal.web import wordings
from portal.web.access import names_secret
from portal.web.pages import wants_fragment


def notice(request: HttpRequest, text: str, status: int) -> HttpResponse:
    """A few words for the notices area, which htmx puts there whatever was asked for."""
    response = render(request, "web/_notice.html", {"text": text, "level": "error"}, status=status)
    response["HX-Retarget"] = "#notices"
    response["HX-Reswap"] = "innerHTML"
    return response


def trouble(request: HttpRequest, text: str, *, title: str = "", status: int = 503) -> HttpResponse:
    """An action that could not be done, or not to its end: the words in the notices, or as a page without a script."""
    if wants_fragment(request):
        return notice(request, text, status)
    context = {"title": title or _("Nothing was sent"), "text": text}
    return render(request, "web/trouble.html", context, status=status)


def _answer(request: HttpRequest, status: int, text: str) -> HttpResponse:
    if wants_fragment(request):
        return notice(request, text, status)
    return render(request, f"{status}.html", status=status)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, _("That request could not be read. Nothing was sent. Load the page again."))


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, _("You may not do that. Nothing was sent."))


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, _("That is not there any more, or not yours to see. Nothing was sent."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came from an old page or another session: nothing was done."""
    text = wordings.old_page(_("Nothing was sent. Load it again."))
    if wants_fragment(request):
        return notice(request, text, 403)
    # Whoever came by a link has no account, and no way into the portal: the link is all they have.
    page = "403_csrf_link.html" if names_secret(request) else "403_csrf.html"
    return render(request, page, status=403)


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Says that something broke, without the database or the person."""
    return render(request, "500.html", status=500)
