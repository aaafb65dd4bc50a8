"""Words for rights that nobody knows are asked about, and remembered; so are the columns of a sheet without a header."""

import pytest
from django.test import Client

from families.models import ColumnMemory, Family, Sheet
from families.services.importing.rights import MOST_WORDS, unknown_words, word_digest
from portal.accounts.models import User
from tests.factories import FamilyFactory, ManagerFactory, ReachFactory
from tests.families.importing.sheets import address, bring, brought, choices, marks, preview

pytestmark = pytest.mark.django_db
SHEET = (
    "Name;E-mail;Rights\r\n"
    "Ana;ana@example.org;Chief\r\nBo;bo@example.org;chief\r\nCe;ce@example.org;Kid\r\nDi;di@example.org;member\r\n"
)
PLAIN = "Maple 3;Ana Costa;ana@example.org\r\nMaple 3;Bo Li;bo@example.org\r\n"
CHIEF, KID = f"word-{word_digest('chief')}", f"word-{word_digest('kid')}"


@pytest.fixture
def maple() -> Family:
    return ReachFactory(family=FamilyFactory(name="Maple 3")).family


def rights(sheet: Sheet) -> dict[int, str]:
    return {row.number: row.values["auth"] for row in sheet.job.rows.all()}


class TestWords:
    def test_each_that_nobody_knows_is_a_question(self, client: Client, manager: User, maple: Family) -> None:
        page = client.get(address("import_columns", brought(client, SHEET, family=maple.public_id)))
        assert "What does “Chief” mean here?" in page.text
        assert "What does “Kid” mean here?" in page.text
        assert page.text.count(" mean here?") == 2

    def test_unless_it_is_said_their_rows_are_left_out(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        sheet = brought(client, SHEET, family=maple.public_id)
        page = preview(client, sheet)
        assert "“Chief” is no right that is known here" in page.text
        assert marks(sheet) == {2: "error", 3: "error", 4: "error", 5: "new"}

    def test_what_is_said_is_done_and_remembered_for_such_a_sheet(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        sheet = brought(client, SHEET, family=maple.public_id)
        preview(client, sheet, **{CHIEF: "user", KID: "guest"})
        assert rights(sheet) == {2: "user", 3: "user", 4: "guest", 5: "guest"}

        again = brought(client, SHEET.replace("Chief", "CHIEF"), family=maple.public_id)
        form = client.get(address("import_columns", again)).context["form"]
        assert (form[CHIEF].value(), form[KID].value()) == ("user", "guest")
        preview(client, again, **{KID: "leave_out"})
        assert marks(again)[4] == "error"
        assert rights(again)[2] == "user"
        # The words themselves, which might be names, are kept nowhere.
        memory = ColumnMemory.objects.get()
        assert "chief" not in str(memory.words).lower()

        client.force_login(ManagerFactory())
        foreign = client.get(address("import_columns", brought(client, SHEET, family=maple.public_id)))
        assert foreign.context["form"][CHIEF].value() == "leave_out"

    def test_one_about_which_the_page_did_not_ask_is_asked_before_anything_is_read(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        sheet = brought(client, SHEET, family=maple.public_id)
        fields = choices(client, sheet)
        del fields[KID]
        answer = client.post(address("import_columns", sheet), fields)
        assert answer.status_code == 422
        assert "Say what it means, or leave its rows out." in answer.text
        assert marks(sheet) == {}

    def test_another_column_has_other_words(self, client: Client, manager: User, maple: Family) -> None:
        sheet = brought(client, SHEET, family=maple.public_id)
        fields = choices(client, sheet, **{"column-0": "auth", "column-2": "full_name", "again": "1"})
        page = client.post(address("import_columns", sheet), fields)
        assert "What does “Ana” mean here?" in page.text
        assert "What does “Chief” mean here?" not in page.text

    @pytest.mark.parametrize("meaning", ["admin", "", "<b>"])
    def test_a_meaning_that_is_none_is_refused(
        self, client: Client, manager: User, maple: Family, meaning: str
    ) -> None:
        sheet = brought(client, SHEET, family=maple.public_id)
        answer = client.post(address("import_columns", sheet), choices(client, sheet, **{CHIEF: meaning}))
        assert answer.status_code == 422
        assert marks(sheet) == {}

    def test_nobody_becomes_an_owner_and_a_word_is_shown_as_text(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        odd = SHEET.replace("Kid", "<b>{{ 7 }}</b>").replace("member", "owner")
        page = client.get(address("import_columns", brought(client, odd, family=maple.public_id)))
        assert "&lt;b&gt;{{ 7 }}&lt;/b&gt;" in page.text
        assert "What does “owner”" not in page.text

    def test_of_many_the_most_frequent_are_asked(self) -> None:
        words = [f"word {number}" for number in range(40)]
        found = unknown_words([*words, "word 39", "", "member", "owner"])
        assert (len(found), found[0]) == (MOST_WORDS, "word 39")


class TestWithoutAHeader:
    def test_the_columns_are_remembered_by_their_place(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        sheet = brought(client, PLAIN)
        assert (sheet.has_header, sheet.columns) == (False, ["family", "full_name", "email"])
        preview(client, sheet, **{"column-1": "last_name", "whose": "column"})
        assert brought(client, PLAIN.replace("Ana", "Eva")).columns == ["family", "last_name", "email"]
        # Of another width it is another sheet, and somebody else's memory is not one's own.
        assert brought(client, PLAIN.replace("\r\n", ";x\r\n")).columns[1] == "first_name"
        client.force_login(ManagerFactory())
        assert brought(client, PLAIN).columns[1] == "full_name"

    def test_where_the_addresses_stand_elsewhere_nothing_is_remembered(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        preview(client, brought(client, PLAIN), **{"column-1": "last_name", "whose": "column"})
        turned = "ana@example.org;Maple 3;Ana Costa\r\nbo@example.org;Maple 3;Bo Li\r\n"
        assert brought(client, turned).columns == ["email", "family", "full_name"]

    def test_a_header_of_as_many_columns_is_not_taken_for_it(
        self, client: Client, manager: User, maple: Family
    ) -> None:
        preview(client, brought(client, PLAIN), **{"column-1": "last_name", "whose": "column"})
        assert bring(client, "Wer;Was;Wo\r\n" + PLAIN).status_code == 302
        assert Sheet.objects.latest("pk").columns == ["", "", "email"]
