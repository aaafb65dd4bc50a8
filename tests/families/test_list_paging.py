"""The pages of the list of families: every family is on one of them, whatever the filter, the order and the way."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from families import selectors
from families.models import Family
from families.selectors import FamilyFilter, listing
from families.selectors.listing import PAGE_SIZE, SORTS
from families.selectors.narrowing import STATES
from tests.factories import ConnectionFactory, FamilyFactory, ManagerFactory, MemberFactory, ReachFactory

pytestmark = pytest.mark.django_db


def url(**query: str) -> str:
    return reverse("families:family_list", query=query)


def walk(client, **query: str) -> list[list[str]]:
    pages, address = [], url(**query)
    while address:
        page = client.get(address).context["page"]
        pages.append([row.name for row in page.rows])
        address = url(**query, after=page.after) if page.after else ""
    return pages


@pytest.mark.parametrize("sort", SORTS)
def test_every_family_is_on_exactly_one_page(client, manager, sort):
    # Equal names, so that the order among them counts.
    for number in range(PAGE_SIZE * 2 + 7):
        FamilyFactory(name=f"Name {number % 5}", is_online=number % 3 > 0)

    pages = walk(client, sort=sort)

    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 7]


@pytest.mark.parametrize("sort", SORTS)
def test_back_leads_where_one_came_from(client, manager, sort):
    for number in range(PAGE_SIZE * 2 + 7):
        FamilyFactory(name=f"Name {number % 5}", is_online=number % 3 > 0)
    first = client.get(url(sort=sort)).context["page"]
    second = client.get(url(sort=sort, after=first.after)).context["page"]
    third = client.get(url(sort=sort, after=second.after)).context["page"]

    back = client.get(url(sort=sort, before=third.before)).context["page"]
    home = client.get(url(sort=sort, before=back.before)).context["page"]

    assert [row.public_id for row in back.rows] == [row.public_id for row in second.rows]
    assert [row.public_id for row in home.rows] == [row.public_id for row in first.rows]
    assert not first.before
    assert not home.before
    assert not third.after


def test_a_cursor_of_another_order_begins_at_the_top(client, manager):
    for number in range(PAGE_SIZE + 1):
        FamilyFactory(name=f"Name {number:03}")
    after = client.get(url()).context["page"].after

    page = client.get(url(sort="offline", after=after)).context["page"]

    assert page.rows[0].name == "Name 000"


def test_the_links_keep_what_was_chosen(client, manager):
    for number in range(PAGE_SIZE + 1):
        FamilyFactory(name=f"Name {number:03}", is_online=False)

    page = client.get(url(q="name", state="offline")).text

    assert 'href="/families/?q=name&amp;state=offline&amp;after=' in page


def test_a_page_says_how_many_fit_altogether(client, manager):
    FamilyFactory.create_batch(PAGE_SIZE + 3)
    first = client.get(url()).context["page"]
    second = client.get(url(after=first.after)).context["page"]

    assert (first.total, second.total) == (PAGE_SIZE + 3, PAGE_SIZE + 3)


STATE = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["Ana", "Bea", "Bea 2", "Núñez", "李"]),
        "is_online": st.booleans(),
        "is_installed": st.booleans(),
        "online_changed_at": st.sampled_from(
            [None, *(timezone.now() - timedelta(days=day) for day in (1, 2))]
        ),
        "gone_at": st.sampled_from([None, None, timezone.now()]),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(st.tuples(STATE, st.integers(0, 2), st.booleans()), max_size=9),
    text=st.sampled_from(["", "", "be", "nun", "李", "given"]),
    state=st.sampled_from(["", "", *STATES]),
    connection=st.sampled_from(["", "", "none", "paused", "signed_out"]),
    sort=st.sampled_from(SORTS),
)
def test_every_family_that_fits_is_on_one_page_in_both_directions(
    transactional, monkeypatch, made, text, state, connection, sort
):
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    with transactional():
        person, works, lost = (
            ManagerFactory(),
            ConnectionFactory(),
            ConnectionFactory(paused_at=timezone.now()),
        )
        for fields, people, is_working in made:
            family = FamilyFactory(**fields)
            MemberFactory.create_batch(people, family=family)
            ReachFactory(family=family, connection=works if is_working else lost)
        chosen = FamilyFilter(text=text, state=state, connection=connection, sort=sort)
        fitting = set(selectors.families_fitting(person, chosen).values_list("public_id", flat=True))
        sources = selectors.list_sources(person)

        forwards, page = [], selectors.list_families(person, chosen, sources)
        assert page.total == len(fitting)
        forwards += [row.public_id for row in page.rows]
        while page.after:
            page = selectors.list_families(person, chosen, sources, after=page.after)
            forwards += [row.public_id for row in page.rows]
        backwards = [row.public_id for row in page.rows]
        while page.before:
            page = selectors.list_families(person, chosen, sources, before=page.before)
            backwards = [row.public_id for row in page.rows] + backwards

        assert len(forwards) == len(set(forwards))
        assert set(forwards) == fitting
        assert backwards == forwards
        assert Family.objects.count() == len(made)


@pytest.fixture
def transactional():
    """Undoes what an example of hypothesis made."""
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def undone():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return undone
