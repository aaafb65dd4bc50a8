"""The last step of an import: what will be sent, to whom, how and until when; then it begins."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from families.forms.importing import ConfirmForm
from families.models import Job, Sheet
from families.selectors import importing as selectors
from families.services import importing
from families.services.jobs.running import JobMovedOn
from families.views.importing.parts import find_step, steps, to_job
from portal.accounts.requests import SignedInRequest
from portal.web import wordings
from portal.web.pages import render_page
from portal.web.presses import PressInvalid, new_press, read_press

# How many families are named.
NAMED = 20


def import_confirm(request: SignedInRequest, import_id: str) -> HttpResponse:
    """What will be sent, and the sending of it. Asked twice, it begins once."""
    sheet = find_step(request, import_id)
    if isinstance(sheet, Job):
        return to_job(sheet)
    if sheet.read_at is None:
        return redirect("families:import_columns", import_id)
    if request.method != "POST":
        return _show(request, sheet, ConfirmForm())
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _show(request, sheet, form, 422)
    try:
        read_press(request.POST.get("press", ""), request.user.id, _purpose(sheet))
        job = importing.confirm_draft(request.user, sheet, not_after=form.not_after)
    except PressInvalid:
        form.add_error(
            None, wordings.old_page(_("Nothing was sent: look at the numbers, and confirm again."))
        )
    except importing.PreviewChanged:
        words = _(
            "Somebody joined or changed meanwhile, and the preview is another now. Nothing was sent: look again."
        )
        form.add_error(None, words)
    except importing.NothingToSend:
        form.add_error(None, _("No row of it would be sent."))
    except JobMovedOn:
        return to_job(sheet.job)
    else:
        return to_job(job)
    return _show(request, sheet, form, 422)


def _purpose(sheet: Sheet) -> str:
    """What a press that confirms is signed for: the rows as they were read when its page was shown."""
    return f"import:{sheet.job.public_id}:{sheet.reading}"


def _show(request: SignedInRequest, sheet: Sheet, form: ConfirmForm, status: int = 200) -> HttpResponse:
    families, count = selectors.families_to_reach(request.user, sheet.job, NAMED)
    context = {
        "sheet": sheet,
        "options": sheet.job.options,
        "tally": selectors.tally_of(sheet.job),
        "families": families,
        "family_count": count,
        "more_families": count - len(families),
        "form": form,
        "press": new_press(request.user.id, _purpose(sheet)),
        **steps(sheet, "confirmation"),
    }
    return render_page(
        request, "families/import_confirm.html", "families/_import_confirm.html", context, status
    )
