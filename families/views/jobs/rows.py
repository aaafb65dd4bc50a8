"""What people do with a row that waits for them: look what became of it, say that it was done, send it once more."""

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from families.models import JobRow
from families.services.jobs import running
from families.services.jobs.kinds import kind_of
from families.services.jobs.running import JobMovedOn
from families.views.jobs import parts
from portal.accounts.requests import SignedInRequest
from portal.web.pages import lead


def job_row_look(request: SignedInRequest, job_id: str, row_id: str) -> HttpResponse:
    """Reads what tells of it, and says what that is."""
    row = parts.find_row(request, job_id, row_id)
    if parts.pressed(request, parts.row_purpose(row)):
        if running.look_at_row(request.user, row):
            row.refresh_from_db(fields=["words"])
            messages.success(request, _("Line %(number)d: %(words)s") % _of(row))
        else:
            told = {"number": row.number, "words": kind_of(row.job).telling.nothing_tells}
            messages.info(request, _("Line %(number)d: %(words)s") % told)
    return lead(request, parts.address_of(row.job, row.state))


def job_row_close(request: SignedInRequest, job_id: str, row_id: str) -> HttpResponse:
    """Somebody looked, and says that it was done."""
    row = parts.find_row(request, job_id, row_id)
    if parts.pressed(request, parts.row_purpose(row)):
        try:
            running.close_row(request.user, row)
        except JobMovedOn:
            parts.say_moved_on(request)
        else:
            messages.success(request, _("Line %(number)d counts as done.") % _of(row))
    return lead(request, parts.address_of(row.job, row.state))


def job_row_retry(request: SignedInRequest, job_id: str, row_id: str) -> HttpResponse:
    """Somebody who knows that it may have been done sends it once more."""
    row = parts.find_row(request, job_id, row_id)
    state = row.state
    if parts.pressed(request, parts.row_purpose(row)):
        try:
            running.retry_row(request.user, row)
        except JobMovedOn:
            parts.say_moved_on(request)
        else:
            messages.success(request, _("Line %(number)d is sent once more.") % _of(row))
    return lead(request, parts.address_of(row.job, state))


def _of(row: JobRow) -> dict[str, object]:
    return {"number": row.number, "words": row.words}
