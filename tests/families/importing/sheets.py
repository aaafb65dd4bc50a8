"""Bringing sheets as somebody: what the tests of imports share."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from families.models import JobRow, Sheet
from tests.families.house import token_in

RESIDENTS = (
    "First name;Last name;E-mail;Rights\r\nAna;Costa;ana@example.org;member\r\nBo;Li;bo@example.org;admin\r\n"
)


def address(name: str, sheet: Sheet | None = None, **query: str) -> str:
    """The address of a step: ``address("import_preview", sheet)``."""
    arguments = [sheet.job.public_id] if sheet else []
    return reverse(f"families:{name}", args=arguments, query=query or None)


def bring(client: Client, content: str | bytes = RESIDENTS, name: str = "residents.csv", **query: str) -> Any:
    """Upload a file."""
    file = SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content, "text/csv")
    return client.post(address("import_create", **query), {"file": file, "rows": ""})


def brought(client: Client, content: str | bytes = RESIDENTS, **query: str) -> Sheet:
    """The draft that an upload makes."""
    answer = bring(client, content, **query)
    assert answer.status_code == 302, answer.text
    return Sheet.objects.get(job__public_id=re.search(r"/imports/([\w-]+)/columns/", answer.url)[1])


def choices(client: Client, sheet: Sheet, **changed: str) -> dict[str, str]:
    """The form of the columns as its page shows it, with some of it changed."""
    page = client.get(address("import_columns", sheet))
    form = page.context["form"]
    fields = {name: form[name].value() for name in form.fields} | {"read_as": page.context["read_as"]}
    family = {"family": form.family.public_id} if form.family else {}
    return fields | family | changed


def preview(client: Client, sheet: Sheet, **changed: str) -> Any:
    """Send the form of the columns, and the page that it leads to."""
    answer = client.post(address("import_columns", sheet), choices(client, sheet, **changed))
    return client.get(answer.url) if answer.status_code == 302 else answer


def marks(sheet: Sheet) -> dict[int, str]:
    """The mark of each row of a draft."""
    return dict(JobRow.objects.filter(job=sheet.job_id).order_by("number").values_list("number", "mark"))


def confirm(client: Client, sheet: Sheet, *, press: str = "", hours: int = 24) -> Any:
    """Let a draft go."""
    address_of = address("import_confirm", sheet)
    press = press or token_in(client.get(address_of).text)
    return client.post(address_of, {"press": press, "hours": hours})
