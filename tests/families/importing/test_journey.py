"""An import from the sheet to its confirmation: nothing is sent before it, and it begins once."""

import pytest
from django.test import Client
from django.urls import reverse

from families.models import Family, Job, JobState, RowState, Sheet
from portal.accounts.models import User
from tests.families.importing.sheets import brought, confirm, preview
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_sheet_becomes_a_preview_and_a_job_and_is_deleted_then(
    client: Client, manager: User, family: Family, simulator: SimulatorProcess
) -> None:
    sheet = brought(client, family=family.public_id)
    page = preview(client, sheet)
    assert page.context["tally"].marks == {"new": 2}
    assert "Ana" in page.text
    job = Job.objects.get()
    assert job.state == JobState.DRAFT
    assert not simulator.journal()
    answer = confirm(client, sheet)
    assert (answer.status_code, answer.url) == (302, reverse("families:job_detail", args=[job.public_id]))
    job.refresh_from_db()
    assert (job.state, job.kind, job.made_by) == (JobState.RUNNING, "residents", manager)
    assert job.options == {"way": "invite", "changes_rights": False, "auth": "guest"}
    rows = list(job.rows.order_by("number"))
    assert [(row.number, row.family, row.state, row.mark) for row in rows] == [
        (2, family, RowState.WAITING, "new"),
        (3, family, RowState.WAITING, "new"),
    ]
    assert rows[1].values == {
        "first_name": "Bo",
        "last_name": "Li",
        "email": "bo@example.org",
        "auth": "user",
        "member": "",
    }
    assert not Sheet.objects.exists()
    assert not simulator.journal()
