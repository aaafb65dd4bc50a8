"""What the views of imports share: finding a draft, and where its steps are."""

from typing import Any

from django.http import Http404
from django.urls import reverse

from families.models import Sheet
from families.selectors import importing as selectors
from portal.accounts.requests import SignedInRequest


def find_draft(request: SignedInRequest, import_id: str) -> Sheet:
    """The draft, or a 404 unless it is this person's own."""
    try:
        return selectors.get_draft(request.user, import_id)
    except Sheet.DoesNotExist:
        raise Http404 from None


def steps(sheet: Sheet, current: str) -> dict[str, Any]:
    """What families/_import_steps.html takes."""
    import_id = [sheet.job.public_id]
    places = [
        ("columns", reverse("families:import_columns", args=import_id), True),
        ("preview", reverse("families:import_preview", args=import_id), sheet.read_at is not None),
        ("confirmation", reverse("families:import_confirm", args=import_id), sheet.read_at is not None),
    ]
    return {
        "steps": [(name, url if is_open else "") for name, url, is_open in places],
        "current_step": current,
    }
