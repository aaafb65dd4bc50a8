"""Says that the web process answers."""

from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """ "ok" as plain text, without touching the database."""
    return HttpResponse("ok", content_type="text/plain")
