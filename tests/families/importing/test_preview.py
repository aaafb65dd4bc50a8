"""The preview of an import: every row with its mark, by mark and by page, and nothing sent."""

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from families.models import Family, Job, JobRow, Sheet
from families.selectors.importing import ROWS_A_PAGE
from families.services import importing
from families.services.importing import word_digest
from portal.accounts.models import User
from tests.factories import FamilyFactory, ManagerFactory, ReachFactory
from tests.families.house import HTMX
from tests.families.importing.sheets import RESIDENTS, address, brought, choices, marks, preview
from tests.families.properties import limited

pytestmark = pytest.mark.django_db


@pytest.fixture
def maple() -> Family:
    return ReachFactory(family=FamilyFactory(name="Maple 3")).family


def many(count: int) -> str:
    return "Name;E-mail\r\n" + "".join(f"P{number};p{number}@example.org\r\n" for number in range(count))


def test_each_row_stands_there_with_its_mark_and_what_is_wrong_beneath_the_cell(
    client: Client, manager: User, maple: Family
) -> None:
    sheet = brought(
        client,
        RESIDENTS + "=1;<b>x</b>{{ 7*7 }};nobody;chief\r\n",
        family=maple.public_id,
    )
    page = preview(client, sheet)
    assert marks(sheet) == {2: "new", 3: "new", 4: "error"}
    assert "&lt;b&gt;x&lt;/b&gt;{{ 7*7 }}" in page.text
    assert "<b>x</b>" not in page.text
    assert "That is no e-mail address" in page.text
    assert "no right that is known here" in page.text
    assert "Will be invited." in page.text
    assert "Nothing was sent yet" in page.text
    fragment = client.get(address("import_preview", sheet), headers=HTMX).text
    assert fragment.lstrip().startswith('<div id="import-preview"')


def test_rows_are_shown_by_their_mark_and_strange_filters_show_all(
    client: Client, manager: User, maple: Family
) -> None:
    sheet = brought(client, RESIDENTS + "Ce;Do;nobody;\r\n", family=maple.public_id)
    preview(client, sheet)
    for mark, numbers in (("error", [4]), ("new", [2, 3]), ("there", []), ("password", [2, 3, 4])):
        page = client.get(address("import_preview", sheet, mark=mark))
        assert [row.number for row, *_ in page.context["rows"]] == numbers
    assert "All <" in page.text


def test_pages_are_numbered_and_any_number_is_one(client: Client, manager: User, maple: Family) -> None:
    sheet = brought(client, many(ROWS_A_PAGE * 2 + 1), family=maple.public_id)
    preview(client, sheet)
    for asked, shown in (("", 1), ("2", 2), ("3", 3), ("4", 3), ("-1", 1), ("x", 1), ("9" * 40, 1), ("²", 1)):
        page = client.get(address("import_preview", sheet, page=asked)).context["page"]
        assert (page.number, page.pages) == (shown, 3)
    assert len(page.rows) == ROWS_A_PAGE


def test_five_thousand_rows_take_as_many_queries_as_one(
    client: Client, manager: User, maple: Family, django_assert_num_queries: Any
) -> None:
    counts = []
    for count in (1, 5_000):
        sheet = brought(client, many(count), family=maple.public_id)
        preview(client, sheet)
        assert len(marks(sheet)) == count
        counts.append(sheet)
    for sheet in counts:
        # Session, person, the sheet, marks, rows, families.
        with django_assert_num_queries(6):
            client.get(address("import_preview", sheet))


def test_reading_five_thousand_rows_takes_a_few_queries_a_chunk(
    client: Client, manager: User, maple: Family, django_assert_max_num_queries: Any
) -> None:
    sheet = brought(client, many(5_000), family=maple.public_id)
    fields = choices(client, sheet)
    # Ten chunks: families, members, reaches, invitations; then the claim on the reading and its rows, each in a
    # transaction of its own; and what any request asks.
    with django_assert_max_num_queries(10 * 4 + 10 * 5 + 30):
        assert client.post(address("import_columns", sheet), fields).status_code == 302


def test_a_preview_that_was_never_read_to_its_end_leads_back(client: Client, manager: User) -> None:
    sheet = brought(client)
    for name in ("import_preview", "import_confirm"):
        assert client.get(address(name, sheet)).url == address("import_columns", sheet)


def test_reading_again_replaces_the_rows(client: Client, manager: User, maple: Family) -> None:
    sheet = brought(client, family=maple.public_id)
    preview(client, sheet)
    # The heading is a row now, and its “Rights” a word that nobody knows.
    preview(client, sheet, has_header="no", **{f"word-{word_digest('rights')}": "leave_out"})
    assert marks(sheet) == {1: "error", 2: "new", 3: "new"}


def test_of_two_readings_at_once_the_later_one_writes(client: Client, manager: User, maple: Family) -> None:
    """The earlier finds another at work between two of its batches, and leaves the rows to it."""
    sheet = brought(client, many(1_200), family=maple.public_id)
    early = Sheet.objects.select_related("job", "job__made_by", "family").get()
    late = Sheet.objects.select_related("job", "job__made_by", "family").get()
    asked: list[str] = []

    def begin_another(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and '"families_sheet"."reading" =' in sql:
            asked.append(sql)
            if len(asked) == 2:
                Sheet.objects.filter(pk=sheet.pk).update(reading="another")
        return execute(sql, params, many, context)

    with database.execute_wrapper(begin_another):
        assert not importing.read_rows(manager, early)
    assert len(marks(sheet)) == 500
    assert importing.read_rows(manager, late)
    assert len(marks(sheet)) == 1_200


def test_families_that_are_not_ones_own_any_more_are_not_named(client: Client, tower, maple: Family) -> None:
    maple.property = tower
    maple.save()
    person = limited(ManagerFactory, tower)
    client.force_login(person)
    sheet = brought(client, family=maple.public_id)
    preview(client, sheet)
    assert "Maple" in client.get(address("import_preview", sheet)).text
    person.property_limits.all().delete()
    for name in ("import_columns", "import_preview", "import_confirm"):
        assert "Maple" not in client.get(address(name, sheet)).text


class TestDropping:
    def test_all_that_was_brought_is_gone(self, client: Client, manager: User, maple: Family) -> None:
        sheet = brought(client, family=maple.public_id)
        preview(client, sheet)
        answer = client.post(address("import_drop", sheet), follow=True)
        assert "Nothing was sent" in answer.text
        assert not Job.objects.exists()
        assert not Sheet.objects.exists()
        assert not JobRow.objects.exists()
        assert client.post(address("import_drop", sheet)).status_code == 404

    def test_a_look_drops_nothing(self, client: Client, manager: User) -> None:
        sheet = brought(client)
        assert client.get(address("import_drop", sheet)).status_code == 405
