"""The confirmation of an import: it says what will be sent, begins once, and what was brought is deleted."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Family, Job, JobRow, JobState, RowState, Sheet
from families.services import importing
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.factories import FamilyFactory, MemberFactory, ReachFactory
from tests.families.house import HTMX, token_in
from tests.families.importing.sheets import RESIDENTS, address, brought, confirm, preview

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def maple() -> Family:
    return ReachFactory(family=FamilyFactory(name="Maple 3")).family


@pytest.fixture
def sheet(client: Client, manager: User, maple: Family) -> Sheet:
    found = brought(client, family=maple.public_id)
    preview(client, found)
    return Sheet.objects.select_related("job", "job__made_by", "family").get()


def test_it_says_how_many_to_whom_how_and_until_when(
    client: Client, manager: User, maple: Family, sheet: Sheet
) -> None:
    MemberFactory(family=maple, email="bo@example.org", auth="guest")
    preview(client, sheet, differing="change")
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        client.force_login(manager)
        page = client.get(address("import_confirm", sheet))
    for words in (
        "2 rows will be sent",
        "Invited by e-mail",
        "1 person",
        "of 1 member",
        "Maple 3",
        "Marta Reis",
        "24 hours, until Tuesday 5 May, 10:00",
        "Send 2 rows",
    ):
        assert words in page.text
    fragment = client.get(address("import_confirm", sheet), headers=HTMX).text
    assert fragment.lstrip().startswith('<div id="import-confirm"')


def test_confirmed_it_runs_until_the_time_that_was_chosen_and_the_trail_has_no_names(
    client: Client, sheet: Sheet
) -> None:
    answer = confirm(client, sheet, hours=4)
    job = Job.objects.get()
    assert answer.url == reverse("families:job_detail", args=[job.public_id])
    assert job.state == JobState.RUNNING
    assert abs(job.not_after - timezone.now() - timedelta(hours=4)) < timedelta(minutes=1)
    entry = Entry.objects.get(event="import.confirm")
    assert json.loads(entry.parameters)["rows"] == 2
    assert "residents.csv" in f"{entry.parameters}{entry.object_name}"
    assert not Sheet.objects.exists()
    for told in Entry.objects.filter(event__startswith="import"):
        assert "example.org" not in told.parameters


def test_a_second_confirmation_leads_to_the_job_that_began(client: Client, sheet: Sheet) -> None:
    press = token_in(client.get(address("import_confirm", sheet)).text)
    first, second = (confirm(client, sheet, press=press) for _ in range(2))
    assert first.url == second.url == reverse("families:job_detail", args=[sheet.job.public_id])
    assert client.get(address("import_confirm", sheet)).url == first.url
    assert client.get(address("import_preview", sheet)).url == first.url
    assert client.get(address("import_columns", sheet)).url == first.url
    assert Entry.objects.filter(event="import.confirm").count() == 1


def test_confirmed_many_times_at_once_it_begins_once(client: Client, manager: User, sheet: Sheet) -> None:
    press = token_in(client.get(address("import_confirm", sheet)).text)

    def press_it(_number: int) -> int:
        browser = Client()
        browser.force_login(manager)
        try:
            return confirm(browser, sheet, press=press).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(press_it, range(6))) == {302}
    assert Entry.objects.filter(event="import.confirm").count() == 1
    assert Job.objects.get().state == JobState.RUNNING


@pytest.mark.parametrize("press", ["", "forged"])
def test_a_press_that_is_not_ones_own_sends_nothing(client: Client, sheet: Sheet, press: str) -> None:
    answer = client.post(address("import_confirm", sheet), {"press": press, "hours": 24})
    assert answer.status_code == 422
    assert "This page is too old. Nothing was sent" in answer.text
    assert Job.objects.get().state == JobState.DRAFT


@pytest.mark.parametrize("hours", ["", "0", "-1", "1000000000", "x"])
def test_a_time_that_was_not_offered_sends_nothing(client: Client, sheet: Sheet, hours: str) -> None:
    press = token_in(client.get(address("import_confirm", sheet)).text)
    answer = client.post(address("import_confirm", sheet), {"press": press, "hours": hours})
    assert answer.status_code == 422
    assert Job.objects.get().state == JobState.DRAFT


def test_an_old_preview_is_compared_again_and_shown_where_it_differs(
    client: Client, manager: User, maple: Family, sheet: Sheet
) -> None:
    MemberFactory(family=maple, email="ana@example.org", auth="guest")
    Sheet.objects.update(read_at=timezone.now() - timedelta(minutes=6))
    answer = confirm(client, sheet)
    assert answer.status_code == 422
    assert "the preview is another now" in answer.text
    assert "1 row will be sent" in answer.text
    assert Job.objects.get().state == JobState.DRAFT
    # Looked at, it can be confirmed.
    assert confirm(client, sheet).status_code == 302
    assert JobRow.objects.filter(state=RowState.WAITING).count() == 1


def test_an_old_preview_that_still_holds_is_confirmed(client: Client, sheet: Sheet) -> None:
    Sheet.objects.update(read_at=timezone.now() - timedelta(minutes=6))
    assert confirm(client, sheet).status_code == 302


def test_what_another_window_chose_meanwhile_is_not_sent_by_a_page_that_showed_something_else(
    client: Client, sheet: Sheet
) -> None:
    press = token_in(client.get(address("import_confirm", sheet)).text)
    preview(client, sheet, way="create", auth="user")
    answer = confirm(client, sheet, press=press)
    assert answer.status_code == 422
    assert "This page is too old. Nothing was sent" in answer.text
    assert Job.objects.get().state == JobState.DRAFT
    assert confirm(client, sheet).status_code == 302


def test_what_is_read_anew_at_this_moment_is_not_sent(manager: User, sheet: Sheet) -> None:
    Sheet.objects.update(reading="another", read_at=None)
    JobRow.objects.filter(state=RowState.WAITING).first().delete()
    with pytest.raises(importing.PreviewChanged):
        importing.confirm_draft(manager, sheet, not_after=timezone.now() + timedelta(hours=1))
    assert Job.objects.get().state == JobState.DRAFT
    assert Sheet.objects.exists()


def test_where_nothing_would_be_sent_nothing_is_confirmed(
    client: Client, manager: User, maple: Family
) -> None:
    MemberFactory(family=maple, email="ana@example.org", auth="guest")
    sheet = brought(client, "E-mail\r\nana@example.org\r\n", family=maple.public_id)
    page = preview(client, sheet)
    assert "No row would be sent" in page.text
    answer = confirm(client, sheet)
    assert answer.status_code == 422
    assert "No row of it would be sent" in answer.text


def test_the_right_is_asked_again(client: Client, manager: User, sheet: Sheet) -> None:
    press = token_in(client.get(address("import_confirm", sheet)).text)
    User.objects.filter(pk=manager.pk).update(role="auditor")
    assert confirm(client, sheet, press=press).status_code == 403
    assert Job.objects.get().state == JobState.DRAFT


def test_drafts_that_nobody_confirms_are_deleted_after_a_week(client: Client, sheet: Sheet) -> None:
    confirmed = brought(client, family=sheet.family.public_id)
    preview(client, confirmed)
    confirm(client, confirmed)
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23)):
        assert importing.drop_old_drafts() == 0
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert importing.drop_old_drafts() == 1
    assert [job.public_id for job in Job.objects.all()] == [confirmed.job.public_id]
    assert not Sheet.objects.exists()


def test_what_was_brought_stands_in_no_table_but_the_job_once_it_is_confirmed(
    client: Client, manager: User, maple: Family
) -> None:
    sheet = brought(client, RESIDENTS.replace("E-mail", "E-mail;Phone"), family=maple.public_id)
    fields = {"column-4": "", "column-2": "email", "column-3": ""}
    preview(client, sheet, **fields)
    confirm(client, sheet)
    assert not Sheet.objects.exists()
