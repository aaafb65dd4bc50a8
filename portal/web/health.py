"""Says that the web process answers."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """ "ok" as plain text, without touching the database."""
    return HttpResponse("ok", content_type="text/plain")
