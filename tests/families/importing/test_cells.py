"""One row as a person: names split, addresses and rights checked, and what is wrong said of its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families.services.importing.cells import read_person, split_name
from families.services.importing.tables import Line

COLUMNS = ["full_name", "email", "auth", "family"]


def person(*cells: str, columns: list[str] = COLUMNS, needs_names: bool = False):
    return read_person(Line(7, list(cells)), columns, {}, needs_names=needs_names)


@pytest.mark.parametrize(
    ("whole", "first", "last"),
    [
        ("Ana Costa", "Ana", "Costa"),
        ("Costa, Ana Maria", "Ana Maria", "Costa"),
        ("Ana Maria Costa", "Ana Maria", "Costa"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Ana de la Cruz", "Ana", "de la Cruz"),
        ("Abdul bin Rashid", "Abdul", "bin Rashid"),
        ("De Wit", "De", "Wit"),
        ("DUPONT Marie", "Marie", "DUPONT"),
        ("Marie DUPONT DURAND", "Marie", "DUPONT DURAND"),
        ("MARIE DUPONT", "MARIE", "DUPONT"),
        ("Marie B. Dupont", "Marie B.", "Dupont"),
        ("王小明", "王小明", ""),
        ("Cher", "Cher", ""),
    ],
)
def test_a_whole_name_is_split_as_people_would(whole: str, first: str, last: str) -> None:
    assert split_name(whole) == (first, last)


@given(st.lists(st.text("aBé-'’.", min_size=1, max_size=6), min_size=1, max_size=6))
def test_no_letter_of_a_name_is_lost_by_splitting_it(words: list[str]) -> None:
    first, last = split_name(" ".join(words))
    assert sorted(f"{first} {last}".split()) == sorted(words)


def test_a_row_becomes_a_person() -> None:
    found = person("Ana  Costa ", " ana@example.org ", "Admin", " Maple 3 ")
    assert (found.number, found.first_name, found.last_name) == (7, "Ana", "Costa")
    assert (found.email, found.auth, found.family, found.wrong) == ("ana@example.org", "user", "Maple 3", {})


def test_parts_of_a_name_go_before_the_whole_one() -> None:
    columns = ["first_name", "last_name", "full_name", "email"]
    found = person("Ana", "Costa", "A. Costa", "a@example.org", columns=columns)
    assert (found.first_name, found.last_name) == ("Ana", "Costa")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("A\u200bna Costa", "ZERO WIDTH SPACE"),
        ("\u202eanA Costa", "RIGHT-TO-LEFT OVERRIDE"),
        ("Ana\x00 Costa", "NULL"),
        ("Ana\nCosta", "LINE FEED"),
        ("a" * 65 + " Costa", "at most 64 characters; this one has 65"),
        ("x" * 200, "at most 129 characters"),
        ("=1+1 Costa", "begins with =, as a formula does"),
        ("+1 Costa", "begins with +"),
        ("-2 Costa", "begins with -"),
        ("@SUM(A1) Costa", "begins with @"),
    ],
)
def test_a_name_that_cannot_be_one_says_why_and_stays_as_it_was(name: str, words: str) -> None:
    found = person(name, "ana@example.org")
    assert words in found.wrong["first_name"]
    assert list(found.wrong) == ["first_name"]
    assert found.first_name
    assert "\x00" not in found.first_name


def test_each_part_is_guarded_and_markup_is_a_name_like_others() -> None:
    columns = ["first_name", "last_name", "email"]
    found = person("<b>{{ 7*7 }}</b>", "=HYPERLINK(1)", "a@example.org", columns=columns)
    assert found.first_name == "<b>{{ 7*7 }}</b>"
    assert list(found.wrong) == ["last_name"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "There is no e-mail address"),
        ("   ", "There is no e-mail address"),
        ("ana", "That is no e-mail address"),
        ("a@example.org, b@example.org", "Type one address"),
        ("a@example.org\nb@example.org", "One address, on one line"),
        ("a@exam\u200bple.org", "ZERO WIDTH SPACE"),
        ("\u212aim@example.org", "KELVIN SIGN"),
        ("a" * 300 + "@example.org", "at most 254 characters"),
    ],
)
def test_an_address_that_is_none_says_why(typed: str, words: str) -> None:
    found = person("Ana Costa", typed)
    assert words in found.wrong["email"]
    assert len(found.email) <= 200


def test_an_address_may_begin_with_what_a_formula_begins_with() -> None:
    assert person("Ana Costa", "+ana@example.org").wrong == {}


def test_names_are_needed_only_where_somebody_is_added_directly() -> None:
    assert person("", "ana@example.org").wrong == {}
    assert "needs one" in person("", "ana@example.org", needs_names=True).wrong["first_name"]
    assert person("Cher", "ana@example.org", needs_names=True).wrong == {}


def test_a_row_that_is_too_short_or_too_long_says_so() -> None:
    assert "no e-mail" in person("Ana Costa").wrong["email"]
    assert "2 cells more" in person("Ana", "a@example.org", "", "", "x", " ", "y").wrong["row"]
    assert person("Ana", "a@example.org", "", "", "", " ").wrong == {}


def test_everything_wrong_in_a_row_is_said_at_once() -> None:
    assert set(person("=x", "nobody", "chief").wrong) == {"first_name", "email", "auth"}
