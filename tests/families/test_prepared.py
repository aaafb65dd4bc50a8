"""Statements written once: what is put into their holes, and what comes back."""

import datetime as dt

import pytest
from django.db import connection
from django.db.models import BooleanField, IntegerField
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from families.models import Family
from families.selectors.prepared import Prepared, hole
from tests.factories import FamilyFactory, ReachFactory

pytestmark = pytest.mark.django_db


def named(*names: str) -> Prepared:
    found = Family.objects.filter(hole("which", BooleanField()), pk__in=hole("among"))
    return Prepared(found.order_by("name").values(*names))


def ask(statement: Prepared, text: str, **among: object) -> list[str]:
    which = ('"families_family"."name" LIKE %s', [text])
    return [
        row["name"] for row in statement.rows(which=which, among=Family.objects.filter(**among).values("pk"))
    ]


def test_each_asking_is_answered_for_what_was_put_in_this_time() -> None:
    for name in ("Ant", "Asp", "Bee"):
        FamilyFactory(name=name, is_online=name != "Asp")
    statement = named("name")
    assert ask(statement, "A%") == ["Ant", "Asp"]
    assert ask(statement, "A%", is_online=True) == ["Ant"]
    assert ask(statement, "%e%", is_online=True) == ["Bee"]


def test_what_is_put_in_is_a_parameter_and_never_text_of_the_statement() -> None:
    FamilyFactory(name="Ant")
    assert ask(named("name"), "' OR '1'='1") == []
    assert ask(named("name"), "%s") == []


def test_a_hole_that_can_find_nothing_finds_nothing_and_asks_nothing() -> None:
    FamilyFactory(name="Ant")
    statement = named("name")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows = statement.rows(which=("1 = 1", []), among=Family.objects.none().values("pk"))
    assert (rows, len(asked)) == ([], 0)


def test_values_come_back_as_a_query_of_djangos_would_have_them() -> None:
    at = timezone.now().replace(microsecond=0) - dt.timedelta(days=2)
    reach = ReachFactory(family=FamilyFactory(is_online=True, online_changed_at=at))
    found = Family.objects.filter(pk__in=hole("among")).annotate(all_of_them=hole("count", IntegerField()))
    columns = ("is_online", "online_changed_at", "reaches__connection", "all_of_them")
    (row,) = Prepared(found.values(*columns)).rows(
        among=Family.objects.values("pk"), count=("SELECT COUNT(*) + %s FROM families_family", [41])
    )
    assert row == {
        "is_online": True,
        "online_changed_at": at,
        "reaches__connection": reach.connection_id,
        "all_of_them": 42,
    }
