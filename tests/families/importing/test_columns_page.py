"""The second step of an import: how the sheet is read, and what is remembered of it."""

import pytest
from django.test import Client

from families.models import ColumnMemory, Family, Job, Sheet
from portal.accounts.models import User
from tests.factories import FamilyFactory, ManagerFactory, ReachFactory
from tests.families.house import HTMX
from tests.families.importing.sheets import RESIDENTS, address, brought, choices, marks, preview
from tests.families.properties import limited
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def maple() -> Family:
    return ReachFactory(family=FamilyFactory(name="Maple 3")).family


def test_it_shows_the_first_rows_and_what_was_guessed(client: Client, manager: User) -> None:
    sheet = brought(client)
    page = client.get(address("import_columns", sheet))
    assert "ana@example.org" in page.text
    form = page.context["form"]
    assert [form[f"column-{place}"].value() for place in range(4)] == sheet.columns
    assert (form["encoding"].value(), form["separator"].value(), form["has_header"].value()) == (
        "utf-8",
        ";",
        "yes",
    )
    fragment = client.get(address("import_columns", sheet), headers=HTMX).text
    assert fragment.lstrip().startswith('<div id="import-columns"')


@pytest.mark.parametrize("name", ["import_columns", "import_preview", "import_confirm", "import_drop"])
def test_a_draft_is_its_makers_alone(client: Client, manager: User, maple: Family, name: str) -> None:
    sheet = brought(client, family=maple.public_id)
    preview(client, sheet)
    client.force_login(ManagerFactory())
    way = client.post if name == "import_drop" else client.get
    assert way(address(name, sheet)).status_code == 404
    client.logout()
    assert way(address(name, sheet)).status_code == 302
    assert Sheet.objects.filter(pk=sheet.pk).exists()


def test_what_was_recognised_can_be_read_otherwise_and_is_not_kept_yet(client: Client, manager: User) -> None:
    sheet = brought(
        client, "Élodie;Muñoz,e@example.org\r\n".encode("cp1250", "replace").replace(b"?", b"\xf1")
    )
    fields = choices(client, sheet, encoding="cp1250", separator=",", has_header="no", again="1")
    page = client.post(address("import_columns", sheet), fields)
    assert page.status_code == 200
    assert page.context["lines"][0][1] == ["Élodie;Muńoz", "e@example.org"]
    assert page.context["form"]["column-1"].value() == "email"
    sheet.refresh_from_db()
    assert (sheet.encoding, sheet.separator) == ("cp1252", ",")


def test_what_was_chosen_stays_while_nothing_of_the_reading_changes(client: Client, manager: User) -> None:
    sheet = brought(client)
    fields = choices(client, sheet, **{"column-3": "", "way": "create", "again": "1"})
    form = client.post(address("import_columns", sheet), fields).context["form"]
    assert (form["column-3"].value(), form["way"].value()) == ("", "create")


def test_there_and_back_again_guesses_what_it_guessed_first(client: Client, manager: User) -> None:
    sheet = brought(client, "Ana Costa,ana@example.org\r\n")
    fields = choices(client, sheet, has_header="yes", again="1")
    form = client.post(address("import_columns", sheet), fields).context
    assert form["form"]["column-1"].value() == ""
    fields |= {"has_header": "no", "read_as": form["read_as"], "column-0": "", "column-1": ""}
    form = client.post(address("import_columns", sheet), fields).context["form"]
    assert [form[f"column-{place}"].value() for place in range(2)] == ["full_name", "email"]


def test_an_encoding_that_does_not_fit_is_told_beside_it(client: Client, manager: User) -> None:
    sheet = brought(client, "Muñoz;e@example.org\r\n".encode("cp1252"))
    for more in ({"again": "1"}, {}):
        answer = client.post(
            address("import_columns", sheet), choices(client, sheet, encoding="utf-8", **more)
        )
        assert answer.status_code == 422
        assert "cannot be read as UTF-8" in answer.context["form"].errors["encoding"][0]
        assert "Muñoz" in answer.text


def test_the_choices_are_kept_and_lead_to_the_preview(client: Client, manager: User, maple: Family) -> None:
    sheet = brought(client)
    page = preview(
        client,
        sheet,
        whose="one",
        family=maple.public_id,
        way="create",
        auth="user",
        differing="change",
        **{"column-3": ""},
    )
    assert page.status_code == 200
    sheet = Sheet.objects.get()
    assert (sheet.family, sheet.columns[3]) == (maple, "")
    assert sheet.job.options == {"way": "create", "changes_rights": True, "auth": "user"}
    assert {row.values["auth"] for row in sheet.job.rows.all()} == {"user"}
    # Back shows what was chosen.
    form = client.get(address("import_columns", sheet)).context["form"]
    assert (form["way"].value(), form["auth"].value(), form["differing"].value()) == (
        "create",
        "user",
        "change",
    )
    assert (form["whose"].value(), form.family) == ("one", maple)


def test_the_columns_of_a_header_are_remembered_by_whoever_chose_them(
    client: Client, manager: User, maple: Family
) -> None:
    odd = "Wer;Was;Wohin\r\nAna;ana@example.org;Maple 3\r\n"
    sheet = brought(client, odd)
    assert sheet.columns == ["", "email", ""]
    preview(client, sheet, **{"column-0": "full_name", "column-2": "family", "whose": "column"})
    assert brought(client, odd.replace("Ana", "Bo").upper()).columns == ["full_name", "email", "family"]
    assert brought(client, "Wer;Was;Wohin;?\r\nAna;ana@example.org;;\r\n").columns[0] == ""
    client.force_login(ManagerFactory())
    assert brought(client, odd).columns == ["", "email", ""]
    assert ColumnMemory.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"column-2": ""}, "No column has the e-mail addresses"),
        ({"column-0": "email"}, "Column 1 is the e-mail address already"),
        ({"whose": "column"}, "No column is the family"),
        ({"whose": "one"}, "Choose the family."),
        ({"column-0": "password"}, "Select a valid choice"),
        ({"way": "open"}, "Select a valid choice"),
        ({"auth": "admin"}, "Select a valid choice"),
        ({"encoding": "rot13"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_told_where_it_was_chosen(
    client: Client, manager: User, changed: dict[str, str], words: str
) -> None:
    sheet = brought(client)
    answer = client.post(address("import_columns", sheet), choices(client, sheet, **changed))
    assert answer.status_code == 422
    assert words in answer.text
    assert not marks(sheet)


def test_a_header_and_nothing_else_has_no_rows(client: Client, manager: User, maple: Family) -> None:
    sheet = brought(client, RESIDENTS.splitlines()[0], family=maple.public_id)
    answer = preview(client, sheet)
    assert answer.status_code == 422
    assert "a header and nothing below it" in answer.text


class TestFamilies:
    def test_they_are_found_while_one_types_and_the_chosen_one_stays(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        oak = FamilyFactory(name="Oak 1", search_text="oak 1")
        query = {"family_q": "oak", "family": maple.public_id}
        found = client.get(address("import_families", **query), headers=HTMX).text
        assert f'value="{maple.public_id}" checked' in found
        assert f'value="{oak.public_id}">' in found
        assert 'id="import-families"' in found

    def test_without_a_script_the_form_is_sent_to_find_one(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        sheet = brought(client)
        fields = choices(client, sheet, family_q="maple", find="1", way="create")
        page = client.post(address("import_columns", sheet), fields)
        assert maple.public_id in page.text
        assert page.context["form"]["way"].value() == "create"

    def test_opened_by_itself_it_leads_to_the_form(self, client: Client, manager: User) -> None:
        assert client.get(address("import_families")).url == address("import_create")

    def test_foreign_families_are_not_found_nor_taken(self, client: Client, tower, maple: Family) -> None:
        client.force_login(limited(ManagerFactory, tower))
        assert (
            maple.public_id not in client.get(address("import_families", family_q="maple"), headers=HTMX).text
        )
        sheet = brought(client)
        fields = choices(client, sheet, whose="one", family=maple.public_id)
        assert client.post(address("import_columns", sheet), fields).status_code == 404
        assert not marks(sheet)


def test_nothing_is_asked_upstream(
    client: Client, manager: User, family: Family, simulator: SimulatorProcess
) -> None:
    simulator.clear_journal()
    sheet = brought(client, family=family.public_id)
    preview(client, sheet)
    assert not simulator.journal()
    assert Job.objects.count() == 1
