"""The first step of an import: a file or pasted rows, however large, in whatever encoding."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from families.models import Job, Sheet
from portal.accounts.models import User
from tests.factories import AuditorFactory, FamilyAdminFactory, FamilyFactory, ManagerFactory
from tests.families.house import HTMX
from tests.families.importing.sheets import RESIDENTS, address, bring, brought
from tests.families.properties import limited

pytestmark = pytest.mark.django_db


def paste(client: Client, rows: str) -> Any:
    return client.post(address("import_create"), {"rows": rows})


class TestPage:
    def test_it_asks_for_a_file_or_rows(self, client: Client, manager: User) -> None:
        page = client.get(address("import_create"))
        assert "Import residents" in page.text
        assert 'enctype="multipart/form-data"' in page.text
        assert (
            client.get(address("import_create"), headers=HTMX)
            .text.lstrip()
            .startswith('<div id="import-create"')
        )

    def test_managers_alone_come_here(self, client: Client) -> None:
        assert client.get(address("import_create")).status_code == 302
        for somebody in (AuditorFactory(), FamilyAdminFactory()):
            client.force_login(somebody)
            assert client.get(address("import_create")).status_code == 403
            assert bring(client).status_code == 403
        assert not Job.objects.exists()

    def test_a_family_is_offered_where_it_is_ones_own(self, client: Client, tower) -> None:
        family, foreign = FamilyFactory(property=tower), FamilyFactory(name="Foreign household")
        client.force_login(limited(ManagerFactory, tower))
        assert brought(client, family=family.public_id).family == family
        assert brought(client, family=foreign.public_id).family is None
        assert "Foreign" not in client.get(address("import_create", family=foreign.public_id)).text


class TestBringing:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_a_file_becomes_a_draft_with_its_columns_guessed(
        self, client: Client, manager: User, encoding: str
    ) -> None:
        text = RESIDENTS.replace("Costa", "Núñez")
        sheet = brought(client, text.encode(encoding))
        assert (sheet.name, sheet.separator, sheet.has_header) == ("residents.csv", ";", True)
        assert sheet.columns == ["first_name", "last_name", "email", "auth"]
        assert bytes(sheet.content).decode(sheet.encoding).lstrip("\ufeff") == text
        assert "Núñez" in client.get(address("import_columns", sheet)).text

    def test_rows_copied_from_a_spreadsheet_are_split_by_tabs(self, client: Client, manager: User) -> None:
        paste(client, "Name\tE-mail\r\nAna Costa\tana@example.org\r\n")
        sheet = Sheet.objects.get()
        assert (sheet.separator, sheet.columns, sheet.job.title) == (
            "\t",
            ["full_name", "email"],
            "Pasted rows",
        )

    def test_two_sheets_of_one_person_are_two_drafts(self, client: Client, manager: User) -> None:
        assert brought(client) != brought(client)

    def test_a_name_of_a_file_is_shown_as_text(self, client: Client, manager: User) -> None:
        assert bring(client, name="<b>{{ 7 }}</b>\u202e.csv").status_code == 302
        sheet = Sheet.objects.get()
        page = client.get(address("import_columns", sheet)).text
        assert "<b>{{ 7 }}" not in page
        assert len(bring(client, name="x" * 250 + ".csv").url) < 100


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "nothing in it"),
            (b"PK\x03\x04\x14\x00", "Save it as CSV"),
            (b"\x00\x01\x02" * 99, "This is no text"),
            (b"a;b\r\n" * 5_002, "5,000 fit into one import"),
            (b"x" * 5_000_001, "more than 5 MB"),
        ],
    )
    def test_a_file_that_is_no_sheet_says_why_beside_the_field(
        self, client: Client, manager: User, content: bytes, words: str
    ) -> None:
        answer = bring(client, content)
        assert answer.status_code == 422
        assert any(words in error for error in answer.context["form"].errors["file"])
        assert not Job.objects.exists()

    def test_thirty_megabytes_are_read_to_their_end_and_not_kept(self, client: Client, manager: User) -> None:
        file = SimpleUploadedFile("big.csv", b"a;b\r\n" * 6_000_000, "text/csv")
        answer = client.post(address("import_create"), {"file": file, "rows": "typed meanwhile"})
        assert answer.status_code == 422
        assert not Job.objects.exists()
        assert "more than 5 MB" in answer.text
        # What stood in the other field is kept.
        assert "typed meanwhile" in answer.text

    @pytest.mark.parametrize("size", [2_600_000, 30_000_000])
    def test_rows_beyond_what_a_form_holds_are_told_in_words(
        self, client: Client, manager: User, size: int
    ) -> None:
        answer = paste(client, "x" * size)
        assert answer.status_code == 422
        assert "more than 5 MB" in answer.text
        assert "Import residents" in answer.text

    def test_pasted_rows_stay_when_they_cannot_be_read(self, client: Client, manager: User) -> None:
        answer = paste(client, 'Ana;"a@example.org\r\nBo;b@example.org')
        assert answer.status_code == 422
        assert "a quotation mark opens that is never closed" in answer.context["form"].errors["rows"][0]
        assert "Bo;b@example.org" in answer.text

    def test_nothing_or_both_ask_for_one(self, client: Client, manager: User) -> None:
        assert "Choose a file" in paste(client, " ").text
        file = SimpleUploadedFile("a.csv", RESIDENTS.encode())
        answer = client.post(address("import_create"), {"file": file, "rows": "Ana;a@example.org"})
        assert answer.status_code == 422
        assert "either a file or pasted rows" in answer.text

    def test_no_form_without_its_token(self, manager: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(manager)
        assert bring(client).status_code == 403
        assert not Job.objects.exists()

    def test_a_second_file_is_refused(self, client: Client, manager: User) -> None:
        files = [SimpleUploadedFile("a.csv", b"a"), SimpleUploadedFile("b.csv", b"b")]
        assert client.post(address("import_create"), {"file": files}).status_code == 400


def test_the_list_tells_ones_own_imports_alone(
    client: Client, manager: User, django_assert_num_queries: Any
) -> None:
    client.force_login(ManagerFactory())
    brought(client)
    client.force_login(manager)
    assert "Nothing imported yet" in client.get(address("import_list")).text
    sheet = brought(client)
    # Session, person, the imports, their rows.
    with django_assert_num_queries(4):
        page = client.get(address("import_list"))
    assert [line.job for line in page.context["page"].lines] == [sheet.job]
    assert "Not confirmed" in page.text
    assert client.get(address("import_list"), headers=HTMX).text.lstrip().startswith('<div id="import-table"')


def test_the_list_goes_on_by_pages(client: Client, manager: User) -> None:
    Job.objects.bulk_create(
        Job(kind="residents", title=f"Sheet {number}", made_by=manager) for number in range(60)
    )
    page = client.get(address("import_list"))
    assert len(page.context["page"].lines) == 50
    older = client.get(page.context["older_url"])
    assert len(older.context["page"].lines) == 10
    assert len(client.get(address("import_list", older="forged")).context["page"].lines) == 50
