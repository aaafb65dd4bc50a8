"""The third step of an import: every row with its mark. Nothing was sent yet."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from families.models import Job, JobRow, Rights
from families.selectors import importing as selectors
from families.services import importing
from families.views.importing.parts import find_draft, find_step, steps, to_job
from portal.accounts.requests import SignedInRequest
from portal.web.addresses import with_changes
from portal.web.pages import render_page

MARKS = {
    "new": ("ok", gettext_lazy("New")),
    "there": ("off", gettext_lazy("There already")),
    "differs": ("warn", gettext_lazy("Rights differ")),
    "error": ("bad", gettext_lazy("Wrong")),
}


def import_preview(request: SignedInRequest, import_id: str) -> HttpResponse:
    """The rows of a draft, a page at a time, those of one mark alone where that is asked for."""
    sheet = find_step(request, import_id)
    if isinstance(sheet, Job):
        return to_job(sheet)
    if sheet.read_at is None:
        # Its reading never came to its end, or its columns were not chosen yet.
        return redirect("families:import_columns", import_id)
    mark = request.GET.get("mark", "")
    mark = mark if mark in importing.MARKS else ""
    tally = selectors.tally_of(sheet.job)
    page = selectors.page_rows(request.user, sheet.job, tally, mark=mark, page=request.GET.get("page", ""))
    address = reverse("families:import_preview", args=[import_id])
    context = {
        "sheet": sheet,
        "options": sheet.job.options,
        "tally": tally,
        "page": page,
        "rows": [
            (row, family, *MARKS[row.mark], _rights(row), row.values.get("wrong", {}))
            for row, family in page.rows
        ],
        "mark": mark,
        "marks": [
            (name, *MARKS[name], tally.marks.get(name, 0), with_changes(request, address, mark=name, page=""))
            for name in importing.MARKS
        ],
        "all_url": with_changes(request, address, mark="", page=""),
        "newer_url": page.number > 1 and with_changes(request, address, page=str(page.number - 1)),
        "older_url": page.number < page.pages and with_changes(request, address, page=str(page.number + 1)),
        **steps(sheet, "preview"),
    }
    return render_page(request, "families/import_preview.html", "families/_import_preview.html", context)


def import_drop(request: SignedInRequest, import_id: str) -> HttpResponse:
    """Delete a draft, with all that was brought."""
    sheet = find_draft(request, import_id)
    importing.drop_draft(request.user, sheet)
    messages.success(
        request, _("The import is dropped, and what was brought with it deleted. Nothing was sent.")
    )
    return redirect("families:import_list")


def _rights(row: JobRow) -> str:
    auth = str(row.values.get("auth", ""))
    return str(Rights(auth).label) if auth in Rights.values else auth
