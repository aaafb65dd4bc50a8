"""Jobs: the list, one of them with its rows, the poll that keeps it live, and its report."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import JobState, RowState
from families.selectors import jobs as selectors
from families.selectors.jobs import Standing
from families.services.jobs import reporting
from families.services.jobs.kinds import kind_of
from families.services.jobs.running import REPEATABLE
from families.views.jobs import parts
from portal.accounts.requests import SignedInRequest
from portal.audit.trail import AuditUnavailable
from portal.web import wordings
from portal.web.access import may_visit
from portal.web.addresses import with_changes
from portal.web.errors import trouble
from portal.web.pages import render_page, wants_fragment


def job_list(request: SignedInRequest) -> HttpResponse:
    """The jobs that have begun, newest first."""
    cursor = request.GET.get("before", "")
    found, older = selectors.list_jobs(request.user, cursor=cursor)
    context = {
        "jobs": [{"standing": each, "shape": parts.job_shape(each)} for each in found],
        "may_import": may_visit(request.user, "families:import_create"),
        "older_url": with_changes(request, before=older) if older else "",
        "newer_url": with_changes(request, before="") if cursor else "",
    }
    return render_page(request, "families/job_list.html", "families/_job_table.html", context)


def job_detail(request: SignedInRequest, job_id: str) -> HttpResponse:
    """A job: how far it is, and its rows."""
    job = parts.find_job(request, job_id)
    asked = request.GET
    state = asked.get("state", "") if asked.get("state") in RowState.values else ""
    page = selectors.page_rows(
        request.user, job, state=state, before=asked.get("before", ""), after=asked.get("after", "")
    )
    address = reverse("families:job_detail", args=[job.public_id])
    standing = selectors.standing_of(job, request.user)
    context = {
        **parts.live_context(request, standing),
        "rows": [parts.row_context(request, told, job) for told in page.rows],
        "has_rights": kind_of(job).telling.has_rights,
        "chosen_word": RowState(state).label if state else "",
        "address": address,
        "here": request.get_full_path(),
        "before_url": page.before and with_changes(request, address, before=page.before, after=""),
        "after_url": page.after and with_changes(request, address, after=page.after, before=""),
    }
    return render_page(request, "families/job_detail.html", "families/_job_rows.html", context)


def job_progress(request: SignedInRequest, job_id: str) -> HttpResponse:
    """How far it is, asked again and again: 204 when nothing is new."""
    job = parts.find_job(request, job_id)
    if not wants_fragment(request):
        return redirect("families:job_detail", job_id)
    standing = selectors.standing_of(job, request.user)
    known = request.GET.get("version", "")
    if known == standing.version:
        return HttpResponse(status=204)
    context = parts.live_context(request, standing)
    # What can be done with it is another only where it stands elsewhere: a question that is open stays open.
    context["is_elsewhere"] = known.partition("-")[0] != job.state
    response = render(request, "families/_job_moved.html", context)
    if context["is_elsewhere"] or _may_renew_rows(standing):
        response["HX-Trigger"] = "job-moved"
    return response


def _may_renew_rows(standing: Standing) -> bool:
    """Whether no question can be open among the rows, or the last of them has ended in a job that is paused."""
    if not any(standing.counts.of(state) for state in REPEATABLE):
        return True
    return standing.job.state == JobState.PAUSED and not standing.counts.of(RowState.CLAIMED)


def job_report(request: SignedInRequest, job_id: str) -> HttpResponseBase:
    """Every row with what became of it, as a sheet to download."""
    job = parts.find_job(request, job_id)
    try:
        reporting.note_report(request.user, job)
    except AuditUnavailable:
        return trouble(request, wordings.no_audit("given out", _("Nothing was changed.")))
    # The person's zone is theirs only until this returns.
    lines = reporting.lines(job, selectors.all_rows(request.user, job), timezone.get_current_timezone())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{reporting.file_name(job)}"'
    return response
