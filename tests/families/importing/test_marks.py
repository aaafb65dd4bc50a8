"""What each row would do: new, there already, with other rights, or wrong and why."""

import pytest
from django.utils import timezone

from families.models import Family, Rights
from families.services.importing.cells import read_person
from families.services.importing.marking import CREATE, INVITE, Marked, Wish, mark_people
from families.services.importing.tables import Line
from portal.accounts.models import User
from portal.audit.models import State
from tests.factories import (
    CommandFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
)

pytestmark = pytest.mark.django_db

COLUMNS = ["first_name", "email", "auth", "family", "property"]


def mark(user: User, *rows: str, family: Family | None = None, way: str = INVITE, changes: bool = False):
    """The marks of rows such as "Ana;ana@example.org;member;Maple"."""
    people = [
        read_person(Line(number, row.split(";")), COLUMNS, {}, needs_names=way == CREATE)
        for number, row in enumerate(rows, 2)
    ]
    return mark_people(user, people, Wish(way, changes, Rights.GUEST.value, family))


def told(rows: list[Marked]) -> list[tuple[str, bool]]:
    return [(row.mark, row.will_be_sent) for row in rows]


def reached(**fields) -> Family:
    """A family in which something can be done."""
    return ReachFactory(family=FamilyFactory(**fields)).family


@pytest.fixture
def manager() -> User:
    return ManagerFactory()


@pytest.fixture
def maple() -> Family:
    family = reached(name="Maple 3")
    MemberFactory(family=family, email="Old@Example.org", auth="guest")
    MemberFactory(family=family, email="head@example.org", auth="admin")
    MemberFactory(family=family, email="gone@example.org", gone_at=timezone.now())
    return family


def test_each_row_is_compared_with_who_is_in_its_family(manager: User, maple: Family) -> None:
    rows = mark(
        manager,
        "Ana;ana@example.org;;maple 3",
        "Old;OLD@example.org;;Máple  3",
        "Old;gone@example.org;guest;Maple 3",
        "Head;head@example.org;;Maple 3",
    )
    assert told(rows) == [("new", True), ("there", False), ("new", True), ("there", False)]
    assert {row.family for row in rows} == {maple}
    assert [row.values["auth"] for row in rows] == ["guest", "guest", "guest", "admin"]
    assert rows[1].words == "In the family already, as member."


def test_other_rights_are_left_unless_they_are_to_be_changed(manager: User, maple: Family) -> None:
    (left,) = mark(manager, "Old;old@example.org;admin;Maple 3")
    assert told([left]) == [("differs", False)]
    (changed,) = mark(manager, "Old;old@example.org;admin;Maple 3", changes=True)
    assert told([changed]) == [("differs", True)]
    assert changed.words == "Is a member now, becomes an administrator."
    old = maple.members.get(email="Old@Example.org")
    assert changed.values["member"] == old.public_id
    assert (changed.values["was"], changed.values["auth"]) == ("guest", "user")


def test_an_owner_and_our_own_account_are_never_changed(manager: User, maple: Family) -> None:
    ours = maple.reaches.get()
    MemberFactory(family=maple, email="bot@example.org", auth="user", account_id=ours.account_id)
    rows = mark(
        manager, "H;head@example.org;member;Maple 3", "B;bot@example.org;member;Maple 3", changes=True
    )
    assert told(rows) == [("differs", False), ("differs", False)]
    assert "owner" in rows[0].words
    assert "Gatehouse itself" in rows[1].words


def test_who_was_invited_is_not_invited_twice_and_may_be_added(manager: User, maple: Family) -> None:
    row = "Ana;Ana@example.org;;Maple 3"
    FamilyInvitationFactory(
        family=maple, email="ana@example.org", command=CommandFactory(state=State.UNKNOWN)
    )
    FamilyInvitationFactory(family=maple, email="bo@example.org", command=CommandFactory(state=State.REFUSED))
    forgotten = {"forgotten_at": timezone.now(), "command": CommandFactory(state=State.SUCCEEDED)}
    FamilyInvitationFactory(family=maple, email="ce@example.org", **forgotten)
    rows = mark(manager, row, "Bo;bo@example.org;;Maple 3", "Ce;ce@example.org;;Maple 3")
    assert told(rows) == [("there", False), ("new", True), ("new", True)]
    assert told(mark(manager, row, way=CREATE)) == [("new", True)]


def test_the_same_address_twice_in_a_family_is_wrong_the_second_time(manager: User, maple: Family) -> None:
    reached(name="Oak 1")
    rows = mark(
        manager,
        "Ana;ana@example.org;;Maple 3",
        "Ana;ana@example.org;;Oak 1",
        "Ana;ANA@example.org;;Maple 3",
        *(f"P;p{number}@example.org;;Maple 3" for number in range(600)),
        "Ana;Ana@Example.org;;Maple 3",
    )
    assert told(rows[:3]) == [("new", True), ("new", True), ("error", False)]
    # Also where the first stands in another chunk.
    assert rows[2].words == rows[-1].words == "The same address stands in row 2 already."


def test_a_family_is_found_by_its_ids_and_its_name(manager: User, maple: Family) -> None:
    for text in (maple.residence_id, maple.public_id, "MAPLE 3"):
        (row,) = mark(manager, f"Ana;ana@example.org;;{text}")
        assert row.family == maple


def test_a_name_of_several_families_is_wrong_unless_the_property_says_which(manager: User) -> None:
    north, south = PropertyFactory(name="North"), PropertyFactory(name="South")
    wanted = reached(name="Apt 1", property=north)
    reached(name="apt 1", property=south)
    reached(name="Apt 1", gone_at=timezone.now())
    (row,) = mark(manager, "Ana;ana@example.org;;Apt 1")
    assert (row.mark, row.family) == ("error", None)
    assert "2 families are called “Apt 1”: Apt 1 (North), apt 1 (South)." in row.words
    assert wanted.residence_id not in row.words
    assert row.values["family"] == "Apt 1"
    assert mark(manager, "Ana;ana@example.org;;Apt 1;north")[0].family == wanted


def test_families_beyond_ones_reach_are_not_there(maple: Family) -> None:
    place = PropertyFactory()
    limited = PropertyLimitFactory(property=place).person
    twin = reached(name="Maple 3", property=place)
    rows = mark(limited, "A;a@example.org;;Maple 3", f"B;b@example.org;;{maple.residence_id}")
    assert rows[0].family == twin
    assert rows[1].words.startswith("No family of yours is called")
    assert mark(limited, "A;a@example.org", family=maple)[0].mark == "error"


def test_a_family_that_nothing_reaches_gets_nothing(manager: User) -> None:
    FamilyFactory(name="Lonely")
    ReachFactory(family=FamilyFactory(name="Paused"), connection__paused_at=timezone.now())
    rows = mark(manager, "A;a@example.org;;Lonely", "A;a@example.org;;Paused", "A;a@example.org;;")
    assert told(rows) == [("error", False)] * 3
    assert "No connection reaches this family" in rows[1].words
    assert "no family in this row" in rows[2].words


def test_what_is_wrong_keeps_its_words_beside_the_field(manager: User, maple: Family) -> None:
    (row,) = mark(manager, "=1;old@example.org;chief;Maple 3", changes=True)
    assert told([row]) == [("error", False)]
    assert set(row.values["wrong"]) == {"first_name", "auth"}
    assert row.values["auth"] == "chief"


def test_five_thousand_rows_cost_a_few_queries_a_chunk(manager: User, django_assert_num_queries) -> None:
    families = [reached(name=f"Apt {number}") for number in range(40)]
    for family in families:
        MemberFactory.create_batch(3, family=family)
    rows = [f"P;p{number}@example.org;;Apt {number % 40}" for number in range(5_000)]
    # For each 500 rows: families, members, reaches, invitations.
    with django_assert_num_queries(40):
        found = mark(manager, *rows)
    assert {row.mark for row in found} == {"new"}
    with django_assert_num_queries(4):
        mark(manager, *rows[:500])
