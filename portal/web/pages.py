"""Page or fragment, or another page altogether: the one place that decides it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render


def wants_fragment(request: HttpRequest) -> bool:
    """Whether the answer is swapped into a page: asked by htmx, and neither boosted nor a history restore."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def render_page(
    request: HttpRequest,
    page: str,
    fragment: str,
    context: dict[str, Any] | None = None,
    status: int | None = None,
) -> HttpResponse:
    """The page, or only its fragment where htmx asked; the page includes the same fragment."""
    return render(request, fragment if wants_fragment(request) else page, context, status=status)


def lead(request: HttpRequest, address: str) -> HttpResponse:
    """The browser as a whole goes to ``address``, also where htmx asked for a fragment."""
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return HttpResponseRedirect(address)
