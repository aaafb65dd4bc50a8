"""What was found changed outside the portal."""

from django.http import HttpResponse

from families.selectors.changes import list_changes
from families.views import frame, parts
from portal.accounts.requests import SignedInRequest


def family_changes(request: SignedInRequest, family_id: str) -> HttpResponse:
    """What others changed in this family: a tab of its page."""
    family = parts.find_family(request, family_id)
    context = {"changes": list_changes(request.user, family)}
    return frame.render_tab(request, family, frame.CHANGES, "families/_family_changes.html", context)
