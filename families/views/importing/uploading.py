"""The list of one's imports, and the first step of one: a file or pasted rows."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from families.forms.importing import UploadForm
from families.models import Family
from families.selectors import importing as selectors
from families.services import importing
from portal.accounts.requests import SignedInRequest
from portal.web.addresses import with_changes
from portal.web.pages import render_page
from portal.web.uploads import OneFile, read_on


def import_list(request: SignedInRequest) -> HttpResponse:
    """One's imports: drafts to go on with, and those that were sent."""
    page = selectors.list_imports(request.user, request.GET.get("older", ""))
    context = {"page": page, "older_url": page.older and with_changes(request, older=page.older)}
    return render_page(request, "families/import_list.html", "families/_import_table.html", context)


@csrf_exempt
def import_create(request: SignedInRequest) -> HttpResponse:
    """The form for a file or pasted rows, and the draft that is made of them.

    Exempt only so far that the file's size is said before anything reads the form; the form itself is checked.
    """
    request.upload_handlers = [OneFile(request, importing.LARGEST_BYTES)]
    try:
        answer: HttpResponse = _create(request)
    except RequestDataTooBig:
        read_on(request)
        return _show(request, UploadForm.too_large(), 422)
    return answer


@csrf_protect
def _create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            sheet = importing.make_draft(
                request.user, content=form.content, name=form.name, family=_offered_family(request)
            )
        except importing.SheetRefused as refused:
            form.refuse(refused)
        else:
            return redirect("families:import_columns", sheet.job.public_id)
    return _show(request, form, 422)


def _offered_family(request: SignedInRequest) -> Family | None:
    """The family that a link to this page names; all rows are offered to go there."""
    wanted = request.GET.get("family", "")
    found = Family.objects.visible_to(request.user).filter(public_id=wanted, gone_at=None)
    return found.select_related("property").first() if wanted else None


def _show(request: SignedInRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    family = _offered_family(request)
    address = reverse("families:import_create")
    context = {
        "form": form,
        "family": family,
        "create_url": f"{address}?family={family.public_id}" if family else address,
    }
    return render_page(
        request, "families/import_create.html", "families/_import_create.html", context, status
    )
