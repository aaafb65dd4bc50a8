"""Finding families and members by what somebody types."""

import pytest

from families.models import Family
from families.selectors import families_matching
from portal.text import searchable
from tests.factories import FamilyFactory, MemberFactory

pytestmark = pytest.mark.django_db


def found(text: str) -> list[str]:
    return list(Family.objects.filter(families_matching(text)).order_by("pk").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Casa Núñez", "nunez"),
        ("Casa Núñez", "NÚÑ"),
        ("Casa Nunez", "núñ"),
        ("Casa Núñez", "sa nu"),
        ("Casa Núñez", "nunez casa"),
        ("Müller-Lüdenscheidt", "luden"),
        ("Łódź", "łód"),
        ("Li", "Li"),
        ("Familie Li", "li"),
        ("李家", "李"),
        ("王小李", "李"),
        ("Ｆｌｙ", "fly"),
        ("Straße 5", "strasse"),
        ("100 % sicher", "%"),
    ],
)
def test_a_family_is_found(name, text):
    FamilyFactory(name=name)
    FamilyFactory(name="Somebody else")

    assert found(text) == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Elias", "li"),
        ("Olivia", "l"),
        ("Casa", "casas"),
        ("Casa", "cas_"),
        ("Casa", "c%a"),
        ("Casa", "casa x"),
    ],
)
def test_a_family_is_not_found(name, text):
    FamilyFactory(name=name)

    assert found(text) == []


def test_one_and_two_letters_find_beginnings_of_words_three_find_what_stands_inside():
    FamilyFactory(name="Olivia")

    assert found("iv") == []
    assert found("ivi") == ["Olivia"]


@pytest.mark.parametrize("text", ["maría", "LOPEZ", "lopez maria", "ana@house.example", "ma lo"])
def test_a_family_is_found_by_its_member(text):
    family = FamilyFactory(name="Fly")
    MemberFactory(family=family, first_name="María", last_name="López", email="ana@house.example")
    MemberFactory(family=FamilyFactory(name="Other"))

    assert found(text) == ["Fly"]


def test_words_of_two_members_do_not_find_their_family():
    family = FamilyFactory(name="Fly")
    MemberFactory(family=family, first_name="Maria")
    MemberFactory(family=family, first_name="Lorenzo")

    assert found("maria lorenzo") == []


def test_a_member_who_is_gone_finds_nothing():
    member = MemberFactory(first_name="Maria")
    member.gone_at = member.first_seen_at
    member.save()

    assert found("maria") == []


def test_no_text_finds_all():
    FamilyFactory.create_batch(2)

    assert len(found("  ")) == 2


def test_a_name_that_is_too_long_for_its_column_is_cut():
    assert len(searchable("é" * 10_000)) == 300
