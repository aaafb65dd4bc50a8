"""What the views of imports share: finding a draft, and where its steps are."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from families.models import Job, Sheet
from families.selectors import importing as selectors
from portal.accounts.requests import SignedInRequest


def find_draft(request: SignedInRequest, import_id: str) -> Sheet:
    """The draft, or a 404 unless it is this person's own."""
    try:
        return selectors.get_draft(request.user, import_id)
    except Sheet.DoesNotExist:
        raise Http404 from None


def find_step(request: SignedInRequest, import_id: str) -> Sheet | Job:
    """The draft, or the job that it became; a 404 for neither."""
    try:
        # In this order: what is confirmed between the two questions is found by the second.
        return selectors.get_draft(request.user, import_id)
    except Sheet.DoesNotExist:
        begun = selectors.find_begun(request.user, import_id)
        if begun is None:
            raise Http404 from None
        return begun


def to_job(job: Job) -> HttpResponse:
    """To the page of the job that a draft became."""
    return redirect("families:job_detail", job.public_id)


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
