"""What the trail learns from a web request beside what its view records, and what people read when it cannot be written."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.audit import viewing
from portal.audit.chain import HeadNotKept
from portal.audit.sign_ins import SignInNotRecorded
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.audit.viewing import Refusal
from portal.web import wordings
from portal.web.access import policy_of
from portal.web.errors import trouble

DENIED = (403, 404)


class DeniedMiddleware:
    """Records each 403 and 404 that a signed-in person gets: of an address, an object or a field of a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in DENIED and isinstance(request.user, User):
            refusal = _refusal(request, response.status_code)
            if refusal is not None:
                viewing.note_denied(request.user, refusal)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view that forgot: without a trail nothing was sent, and nobody sees a broken page."""
        if isinstance(exception, SignInNotRecorded):
            text = _("Nobody can sign in while the audit trail is not available. Try again in a minute.")
            return trouble(request, text, title=_("You are not signed in"))
        if isinstance(exception, AuditUnavailable):
            return trouble(request, wordings.no_audit("sent", _("Try again in a minute.")))
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


def _refusal(request: HttpRequest, status: int) -> Refusal | None:
    """What was refused; None where nobody was: an address that no page ever had, one open to everybody, an old form."""
    match = request.resolver_match
    if match is None:
        return None
    policy = policy_of(request)
    if policy is not None and policy.is_open:
        return None
    # Django sets it once a form's token was found to be ours: without, the form is another site's, or too old.
    if not getattr(request, "csrf_processing_done", False):
        return None
    address = request.path
    # Without a policy nothing is known of the address: each argument might be a secret.
    kinds = policy.objects if policy is not None else dict.fromkeys(match.kwargs, "key")
    for name, value in match.kwargs.items():
        if kinds.get(name) == "key":
            address = address.replace(str(value), "…")
    return Refusal(request.method or "", match.view_name, address, status)
