"""The second step of an import: how the sheet is read, what its columns mean, and what to do with its rows."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from families.forms.importing import ChoicesForm
from families.models import Family, Job, Sheet
from families.selectors.people import choose_families
from families.services import importing
from families.services.importing.tables import Table
from families.views.importing.parts import find_step, steps, to_job
from portal.accounts.requests import SignedInRequest
from portal.web.pages import render_page, wants_fragment

SEARCH_LENGTH = 200
# How many rows of the sheet are shown above which the columns are chosen.
_SHOWN = 6


def import_columns(request: SignedInRequest, import_id: str) -> HttpResponse:
    """The sheet as it was read, with what can be said otherwise; then its preview."""
    sheet = find_step(request, import_id)
    if isinstance(sheet, Job):
        return to_job(sheet)
    if request.method != "POST":
        table = importing.table_of(sheet)
        columns = _fitting(sheet.columns, table)
        words = importing.words_to_ask(table, columns, headed=sheet.has_header)
        initial = ChoicesForm.initial_of(sheet, columns)
        form = ChoicesForm(initial=initial, width=table.width, family=sheet.family, words=words)
        return _show(request, sheet, table, form)
    family = _chosen_family(request)
    if "again" in request.POST or "find" in request.POST:
        return _read_again(request, sheet, family)
    try:
        table = importing.table_of(sheet, *_asked(request))
    except importing.SheetRefused as refused:
        return _refuse(request, sheet, refused, family)
    form = ChoicesForm(request.POST, width=table.width, family=family, words=_unknown(request, table))
    if not form.is_valid():
        return _show(request, sheet, table, form, 422)
    try:
        importing.keep_choices(request.user, sheet, form.choices)
    except importing.SheetRefused as refused:
        return _refuse(request, sheet, refused, family)
    return redirect("families:import_preview", import_id)


def import_families(request: SignedInRequest) -> HttpResponse:
    """The families that were found to bring all rows into, while somebody types; the chosen one stays."""
    if not wants_fragment(request):
        return redirect("families:import_create")
    chosen = list(filter(None, [request.GET.get("family", "")]))
    context = {"choice": choose_families(request.user, chosen, _text(request.GET)), "family_error": ""}
    return render(request, "families/_import_families.html", context)


def _read_again(request: SignedInRequest, sheet: Sheet, family: Family | None) -> HttpResponse:
    """Show the sheet as it reads with another encoding or separator; nothing is kept yet."""
    encoding, separator = _asked(request)
    try:
        table = importing.table_of(sheet, encoding, separator)
    except importing.SheetRefused as refused:
        return _refuse(request, sheet, refused, family)
    headed = request.POST.get("has_header", "yes") == "yes"
    initial: dict[str, Any] = request.POST.dict()
    # Guessed anew where it reads otherwise than what was shown; else what was chosen stays.
    if "again" in request.POST and request.POST.get("read_as") != _read_as(table, headed=headed):
        columns = importing.columns_for(request.user, table, headed=headed)
        initial |= ChoicesForm.columns_as(columns, importing.words_for(request.user, table, headed=headed))
    columns = [str(initial.get(f"column-{place}", "")) for place in range(table.width)]
    words = importing.words_to_ask(table, columns, headed=headed)
    form = ChoicesForm(initial=initial, width=table.width, family=family, words=words)
    return _show(request, sheet, table, form)


def _unknown(request: SignedInRequest, table: Table) -> list[str]:
    """The words for rights that nobody knows, as the columns were chosen: the page may have shown others, or none."""
    asked = request.POST
    columns = [asked.get(f"column-{place}", "") for place in range(table.width)]
    return importing.words_to_ask(table, columns, headed=asked.get("has_header", "yes") == "yes")


def _read_as(table: Table, *, headed: bool) -> str:
    return f"{table.encoding} {ord(table.separator)} {'with' if headed else 'without'} a header"


def _refuse(
    request: SignedInRequest, sheet: Sheet, refused: importing.SheetRefused, family: Family | None
) -> HttpResponse:
    """The sheet as it was read before, with what was wrong with how it should be read now."""
    table = importing.table_of(sheet)
    form = ChoicesForm(request.POST, width=table.width, family=family, words=_unknown(request, table))
    form.is_valid()
    form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    return _show(request, sheet, table, form, 422)


def _asked(request: SignedInRequest) -> tuple[str, str]:
    encoding, separator = request.POST.get("encoding", ""), request.POST.get("separator", "")
    return (
        encoding if encoding in importing.ENCODINGS else "",
        separator if separator in importing.SEPARATORS else "",
    )


def _chosen_family(request: SignedInRequest) -> Family | None:
    wanted = request.POST.get("family", "")
    found = Family.objects.visible_to(request.user).filter(public_id=wanted, gone_at=None)
    return found.select_related("property").first() if wanted else None


def _text(asked: Any) -> str:
    return str(asked.get("family_q", "")).strip()[:SEARCH_LENGTH]


def _fitting(columns: list[str], table: Table) -> list[str]:
    """What the columns mean, as many as the table has."""
    return (columns + [""] * table.width)[: table.width]


def _show(
    request: SignedInRequest, sheet: Sheet, table: Table, form: ChoicesForm, status: int = 200
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    chosen = [form.family.public_id] if form.family else []
    lines = table.lines[:_SHOWN]
    context = {
        "sheet": sheet,
        "form": form,
        "read_as": _read_as(table, headed=form["has_header"].value() == "yes"),
        "lines": [(line.number, _fitting(line.cells, table)) for line in lines],
        "more": len(table.lines) - len(lines),
        "choice": choose_families(request.user, chosen, _text(asked)),
        "family_error": form.family_error,
        **steps(sheet, "columns"),
    }
    return render_page(
        request, "families/import_columns.html", "families/_import_columns.html", context, status
    )
