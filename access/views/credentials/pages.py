"""The credentials of a family's accounts, and of one's own account over families: what is there, as it was last read."""

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import CredentialKind, Holder
from access.selectors import credentials as selectors
from access.services.credentials import reading
from access.services.credentials.accounts import NoAccount
from access.services.credentials.reading import Read
from access.views.credentials import parts, telling
from families.views.outcomes import Outcome, say
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web.pages import lead, render_page


def credential_list(request: SignedInRequest, family_id: str) -> HttpResponse:
    """The accounts of a family that this person may have to do with, each with its credentials: a tab of its page."""
    return parts.show_list(request, find_family(request, family_id))


def credential_read(request: SignedInRequest, family_id: str) -> HttpResponse:
    """Read which credentials an account has now."""
    family = find_family(request, family_id)
    holder = parts.holder_in(request.POST)
    if not holder:
        return parts.answer(request, family, telling.nothing_named())
    try:
        read = reading.read_family(request.user, family=family, holder=holder)
    except (NoAccount, AuditUnavailable) as error:
        return parts.answer(request, family, telling.trouble_of(error, holder))
    if read.error is not None:
        return parts.answer(request, family, telling.trouble_of(read.error, holder))
    return parts.answer(request, family, Outcome("ok", _("Read just now."), ""))


def my_credentials(request: SignedInRequest) -> HttpResponse:
    """What one's own account has in each family, and what it lacks."""
    own = selectors.find_own_connection(request.user)
    listed = selectors.list_own(request.user)
    context = {
        "own_connection": own,
        "own_is_usable": own is not None and selectors.is_usable(own),
        "own_url": reverse("connections:own_connection"),
        "lines": [(row, [(kind, row.known.get(kind)) for kind in CredentialKind]) for row in listed.rows],
        "kinds": list(CredentialKind),
        "more": listed.more,
    }
    return render_page(request, "access/my_credentials.html", "access/_my_credentials.html", context)


def my_credentials_read(request: SignedInRequest) -> HttpResponse:
    """Read what one's own account has in the families that were read longest ago, as many as there is time for."""
    try:
        read = reading.read_own(request.user)
    except AuditUnavailable as error:
        say(request, telling.trouble_of(error, Holder.OWN))
    else:
        if read.error is not None:
            say(request, telling.trouble_of(read.error, Holder.OWN))
        if read.families:
            messages.success(request, _told(read))
    return lead(request, reverse("access:my_credentials"))


def _told(read: Read) -> str:
    words = ngettext("%(n)d family was read.", "%(n)d families were read.", read.families) % {
        "n": read.families
    }
    if not read.left:
        return words
    left = ngettext(
        "%(n)d is left: read again to go on.", "%(n)d are left: read again to go on.", read.left
    ) % {"n": read.left}
    return f"{words} {left}"
