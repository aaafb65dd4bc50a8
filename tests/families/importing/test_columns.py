"""What the columns of a sheet mean: by their headers in many languages, or by what stands in them."""

import pytest

from families.services.importing.columns import (
    FIELDS,
    guess_columns,
    has_header,
    header_digest,
    wrong_columns,
)
from families.services.importing.rights import WordUnknown, rights_in

PEOPLE = [["Ana", "Costa", "ana@example.org", "guest"], ["Bo", "Li", "bo@example.org", "user"]]


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("First name|Last name|E-mail|Rights|Family", "first_name last_name email auth family"),
        ("NAME|EMAIL ADDRESS|ROLE|UNIT NO.|BUILDING", "full_name email auth family property"),
        ("Vorname|Nachname|E-Mail-Adresse|Rolle|Wohnung", "first_name last_name email auth family"),
        ("Prénom|Nom|Courriel|Droits|Appartement", "first_name last_name email auth family"),
        ("Nom et prénom|Adresse électronique|Bâtiment", "full_name email property"),
        ("Nombre|Apellidos|Correo electrónico|Vivienda", "first_name last_name email family"),
        ("Nombre y apellidos|Correo", "full_name email"),
        ("Primeiro nome|Sobrenome|E-mail|Fração|Prédio", "first_name last_name email family property"),
        ("Nome|Cognome|Indirizzo e-mail|Ruolo|Interno", "first_name last_name email auth family"),
        ("Voornaam|Achternaam|E-mailadres|Woning", "first_name last_name email family"),
        ("Imię|Nazwisko|E-mail|Mieszkanie", "first_name last_name email family"),
        ("Förnamn|Efternamn|E-post|Lägenhet", "first_name last_name email family"),
        ("Ad|Soyad|E-posta|Daire", "first_name last_name email family"),
        ("E-mail (private) *|Tenant|Phone|residence_id", "email full_name - family"),
        ("Email|E-mail 2|Mail|Name", "email - - full_name"),
    ],
)
def test_a_header_says_what_the_columns_are(header: str, meant: str) -> None:
    names = header.split("|")
    wanted = ["" if name == "-" else name for name in meant.split()]
    rows = [["x"] * len(names)]
    assert has_header([names, *rows])
    assert guess_columns(names, rows, len(names)) == wanted


def test_what_a_header_does_not_say_is_seen_in_the_cells() -> None:
    assert guess_columns(["Wer", "Kontakt", "??", "x"], PEOPLE, 4) == ["", "", "email", "auth"]


def test_without_a_header_the_cells_tell_alone() -> None:
    assert not has_header(PEOPLE)
    assert guess_columns([], PEOPLE, 4) == ["first_name", "last_name", "email", "auth"]
    whole = [["3B", "Ana Costa", "ana@example.org"], ["4C", "Bo Li", "bo@example.org"]]
    assert guess_columns([], whole, 3) == ["family", "full_name", "email"]
    assert guess_columns([], [["ana@example.org"]], 1) == ["email"]


def test_a_header_of_unknown_words_is_seen_by_the_addresses_below_it() -> None:
    assert has_header([["Wer", "Wohin"], ["Ana", "ana@example.org"]])
    assert not has_header([["Ana", "Costa"], ["Bo", "Li"]])


def test_a_header_is_known_again_in_another_case_and_not_in_another_order() -> None:
    assert header_digest(["Prénom", "E-Mail"], 2) == header_digest(["PRENOM ", "e mail"], 2)
    assert header_digest(["Prénom", "E-Mail"], 2) != header_digest(["E-Mail", "Prénom"], 2)


def test_a_meaning_twice_and_no_address_are_wrong() -> None:
    assert wrong_columns(["email", "first_name"]) == []
    (place, words), (of_sheet, missing) = wrong_columns(["auth", "", "auth"])
    assert (place, of_sheet) == (2, None)
    assert "Column 1 is the rights already" in words
    assert "e-mail addresses" in missing


def test_every_meaning_has_a_word() -> None:
    assert all(str(label) for label in FIELDS.values())


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("user", "user"),
        ("Admin", "user"),
        ("ADMINISTRATOR", "user"),
        ("Verwalter", "user"),
        ("guest", "guest"),
        ("Member", "guest"),
        ("résident", "guest"),
        ("Gość", "guest"),
    ],
)
def test_words_for_rights_are_known_in_any_case(word: str, right: str) -> None:
    assert rights_in(word, {}) == right


@pytest.mark.parametrize("word", ["Owner", "propriétaire", "Eigentümer", "chief", "admin user", "x" * 5_000])
def test_an_owner_and_words_nobody_knows_are_not_guessed(word: str) -> None:
    with pytest.raises(WordUnknown) as unknown:
        rights_in(word, {})
    assert len(str(unknown.value)) < 200
