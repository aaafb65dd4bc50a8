"""The hourly counts are what a count of the rows would be, for everybody, whatever happened to rows and families."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection as database
from django.utils import timezone

from access.models import Call, HourlyCount, Opening
from access.selectors import Counted, count_by_hour
from access.sync.hours import Hours
from families.models import Family, Kind, Property
from families.services.placements import place_families
from families.services.properties import delete_property
from portal.audit.trail import By
from tests.factories import (
    AuditorFactory,
    CallFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.syncing import connect, read

backfill = import_module("access.migrations.0002_hourly_counts_by_property")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
YEAR = {"since": NOON - timedelta(days=300), "until": NOON + timedelta(days=300)}

pytestmark = pytest.mark.django_db


def opening(family, at, *, is_success=True):
    """An opening with its count, as a sync writes them."""
    made = OpeningFactory(family=family, at=at, is_success=is_success)
    count(family, at, "opened" if is_success else "refused")
    return made


def call(family, at):
    CallFactory(family=family, at=at)
    count(family, at, "calls")


def count(family, at, column):
    hours = Hours()
    hours.add(family.pk, at, column)
    hours.store()


def by_rows(families, moments=None):
    """The same by looking at each row."""
    told = [
        (at, "opened" if is_success else "refused")
        for at, is_success in Opening.objects.filter(family__in=families).values_list("at", "is_success")
    ]
    told += [(at, "calls") for at in Call.objects.filter(family__in=families).values_list("at", flat=True)]
    found = {}
    for at, column in told:
        found.setdefault(at.replace(minute=0, second=0, microsecond=0), Counter())[column] += 1
    return {hour: Counted(**counts) for hour, counts in found.items()}


def stored(place=None):
    """The counts of a property or the estate, without hours in which nothing is left."""
    rows = HourlyCount.objects.filter(property=place).values_list("hour", *Counted._fields)
    return {hour: Counted(*counts) for hour, *counts in rows if any(counts)}


def assert_all_hold():
    assert stored() == by_rows(Family.objects.all())
    for place in Property.objects.all():
        assert stored(place) == by_rows(place.families.all())


@pytest.fixture
def places():
    """Two properties with two families each, and a family in none: some rows in the same hours, some alone."""
    first, second = PropertyFactory(), PropertyFactory()
    for number, place in enumerate((first, first, second, second, None)):
        family = FamilyFactory(property=place)
        for minutes in (0, 7, 59, 60, 61 + number * 60):
            opening(family, NOON + timedelta(minutes=minutes, microseconds=number))
        opening(family, NOON + timedelta(minutes=number), is_success=False)
        call(family, NOON + timedelta(hours=number))
    return first, second


class TestMoves:
    def test_what_was_counted_moves_with_the_family(self, places):
        first, second = places
        moving = list(first.families.order_by("pk"))[:1]

        place_families(By.operator(), second, moving)

        assert second.families.count() == 3
        assert_all_hold()

    def test_into_a_property_for_the_first_time_and_out_of_all(self, places):
        first, _ = places
        place_families(By.operator(), first, list(Family.objects.filter(property=None)))
        assert_all_hold()

        place_families(By.operator(), None, list(first.families.all()))

        assert first.families.count() == 0
        assert stored(first) == {}
        assert_all_hold()

    def test_families_of_several_properties_at_once(self, places):
        place_families(By.operator(), PropertyFactory(), list(Family.objects.all()))

        assert_all_hold()
        assert all(stored(place) == {} for place in places)

    def test_back_again_is_as_before(self, places):
        first, second = places
        moving, before = list(first.families.all()), stored(first)
        place_families(By.operator(), second, moving)

        place_families(By.operator(), first, list(Family.objects.filter(pk__in=[one.pk for one in moving])))

        assert stored(first) == before
        assert_all_hold()

    def test_what_comes_later_is_counted_where_the_family_is_by_then(self, places):
        first, second = places
        family = first.families.first()
        place_families(By.operator(), second, [family])

        opening(family, NOON + timedelta(minutes=3))

        assert_all_hold()

    def test_a_deleted_property_takes_its_counts_along(self, places):
        first, _ = places
        place_families(By.operator(), None, list(first.families.all()))

        delete_property(By.operator(), first)

        assert set(HourlyCount.objects.values_list("property", flat=True)) == {None, places[1].pk}
        assert_all_hold()


class TestTheSync:
    def test_a_whole_sync_counts_for_estate_and_properties(self, simulator):
        connection = connect(simulator)
        read(connection, Kind.FAMILIES)
        place = PropertyFactory()
        place_families(By.operator(), place, list(Family.objects.order_by("pk")[:2]))

        read(connection)

        assert len(stored(place)) > 10
        assert_all_hold()

    def test_rows_written_twice_are_counted_once(self, simulator):
        connection = connect(simulator)
        read(connection)

        read(connection)

        assert_all_hold()


class TestTheMigration:
    def test_it_counts_the_rows_that_are_there(self, places):
        HourlyCount.objects.all().delete()

        backfill.count(apps, SimpleNamespace(connection=database))

        assert len(stored()) > 5
        assert_all_hold()

    def test_what_comes_after_it_adds_to_the_same_hours(self, places):
        HourlyCount.objects.all().delete()
        backfill.count(apps, SimpleNamespace(connection=database))

        opening(places[0].families.first(), NOON)

        assert_all_hold()


class TestWhoSees:
    def test_managers_and_auditors_of_everything_see_the_estate(self, places):
        everything = by_rows(Family.objects.all())

        for person in (ManagerFactory(), AuditorFactory()):
            assert count_by_hour(person, **YEAR) == everything

    def test_a_limited_person_sees_the_sum_of_their_properties(self, places):
        first, second = places
        person = PropertyLimitFactory(property=first).person
        assert count_by_hour(person, **YEAR) == by_rows(first.families.all())

        PropertyLimitFactory(property=second, person=person)

        assert count_by_hour(person, **YEAR) == by_rows(Family.objects.exclude(property=None))

    def test_a_limited_person_without_a_property_sees_nothing(self, places):
        assert count_by_hour(ManagerFactory(is_limited=True), **YEAR) == {}

    def test_a_family_admin_sees_what_came_after_their_grant(self, places):
        family = places[0].families.first()
        start = NOON + timedelta(minutes=30)
        person = GrantFactory(family=family, starts_at=start).person

        seen = count_by_hour(person, **YEAR)

        # Of the hour in which the grant began only its second half.
        assert (
            seen[NOON].opened
            == Opening.objects.filter(
                family=family, at__gte=start, at__lt=NOON + timedelta(hours=1), is_success=True
            ).count()
        )
        assert 0 < seen[NOON].opened < by_rows([family])[NOON].opened
        assert sum(hour.opened for hour in seen.values()) == (
            Opening.objects.filter(family=family, at__gte=start, is_success=True).count()
        )

    def test_a_family_admin_with_nothing_granted_sees_nothing(self, places):
        ended = GrantFactory(family=places[0].families.first(), ends_at=timezone.now() - timedelta(days=1))

        for person in (FamilyAdminFactory(), ended.person):
            assert count_by_hour(person, **YEAR) == {}

    def test_nobody_who_was_switched_off_sees_anything(self, places):
        limit = PropertyLimitFactory(property=places[0])
        for person in (ManagerFactory(), limit.person):
            person.is_active = False
            assert count_by_hour(person, **YEAR) == {}

    def test_the_time_asked_for_ends_before_its_last_hour(self, places):
        seen = count_by_hour(ManagerFactory(), since=NOON, until=NOON + timedelta(hours=1))

        assert set(seen) == {NOON}
