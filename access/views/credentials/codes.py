"""Shows a code: asked for by POST, on the trail first, and gone again by itself."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from access.models import CredentialKind
from access.services.credentials import revealing
from access.services.credentials.accounts import NoAccount
from access.services.credentials.revealing import Revealed
from access.views.credentials import parts, telling
from access.views.credentials.parts import Slot
from families.models import Family
from families.views.outcomes import Outcome
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.upstream import errors
from portal.web.pages import wants_fragment

# So long a code is shown: static/js/reveal.js takes it off the page, and without a script the page goes on by itself.
SHOWN_SECONDS = 30


@sensitive_variables("revealed")
def credential_reveal(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The PIN, NFC or Bluetooth code of an account, in its place; without a script on the page, for 30 seconds."""
    family = find_family(request, family_id)
    holder, kind = parts.holder_in(request.POST), request.POST.get("kind", "")
    if not holder or kind not in parts.CODES:
        return _answer(request, family, telling.nothing_named())
    try:
        revealed = revealing.reveal(request.user, family=family, holder=holder, kind=CredentialKind(kind))
    except (NoAccount, AuditUnavailable, errors.UpstreamError) as error:
        return _answer(request, family, telling.trouble_of(error, holder))
    return _show(request, family, revealed)


@sensitive_variables("revealed", "slot")
def _show(request: SignedInRequest, family: Family, revealed: Revealed) -> HttpResponse:
    if wants_fragment(request):
        url = reverse("access:credential_reveal", args=[family.public_id])
        slot = Slot(revealed.holder, revealed.kind, url, revealed.code)
        return render(request, "access/_credential_code.html", {"slot": slot, "seconds": SHOWN_SECONDS})
    response = parts.show_list(request, family, revealed=revealed)
    response["Refresh"] = f"{SHOWN_SECONDS}; url={reverse('access:credential_list', args=[family.public_id])}"
    return response


def _answer(request: SignedInRequest, family: Family, outcome: Outcome) -> HttpResponse:
    """Nothing was shown: the words alone for htmx, which has their place (notices.js), else the page with them."""
    if wants_fragment(request):
        context = {"status": outcome.kind, "title": outcome.title, "detail": outcome.detail}
        return render(request, "web/_notice.html", context, status=outcome.status)
    return parts.show_list(request, family, outcome)
