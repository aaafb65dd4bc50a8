"""What the trail learns from a web request beside what its view records, and what people read when it cannot be written."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit import viewing
from portal.audit.chain import HeadNotKept
from portal.audit.sign_ins import SignInNotRecorded
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.web.errors import trouble

DENIED = (403, 404)


class DeniedMiddleware:
    """Records each 403 and 404 that a signed-in person gets for an address that names an object."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in DENIED and isinstance(request.user, User) and _names_an_object(request):
            viewing.note_denied(request.user, request.method or "", request.path, response.status_code)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that forgot: without a trail nothing was sent, and nobody sees a broken page."""
        if isinstance(exception, SignInNotRecorded):
            text = _("Nobody can sign in while the audit trail is not available. Try again in a minute.")
            return trouble(request, text, title=_("You are not signed in"))
        if isinstance(exception, AuditUnavailable):
            return trouble(request, _("Not sent: the audit trail is not available. Try again in a minute."))
        if isinstance(exception, OutcomeNotRecorded):
            text = _(
                "We do not know what became of it: it was sent, and the outcome could not be written down. "
                "Look before doing it again."
            )
            return trouble(request, text, title=_("We do not know what became of it"))
        if isinstance(exception, HeadNotKept):
            # Raised after the commit: whatever stood in the transaction is done.
            text = _(
                "It was done and written down, but the audit trail could not be secured. Tell whoever runs "
                "Gatehouse, and look before doing it again."
            )
            return trouble(request, text, title=_("The audit trail could not be secured"))
        return None


def _names_an_object(request: HttpRequest) -> bool:
    match = request.resolver_match
    # A link to set a password names nobody's object, and holds a key that belongs nowhere.
    return match is not None and bool(match.kwargs) and not request.path.startswith("/account/")
