"""Page or fragment: the one place that decides it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
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
