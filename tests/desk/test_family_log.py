"""The log of one family: a tab of its page, filtered, paged and watched like the whole log."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.desk.test_log import HTMX, ids
from tests.factories import (
    AuditorFactory,
    CallFactory,
    ConnectionFactory,
    DeviceFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    ReachFactory,
)

pytestmark = pytest.mark.django_db


def url(family) -> str:
    return reverse("desk:family_log", args=[family.public_id])


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


@pytest.fixture
def house():
    return FamilyFactory(name="Casa Núñez")


def test_it_shows_this_familys_rows_inside_its_page(client, manager, house):
    mine, call = OpeningFactory(family=house), CallFactory(family=house)
    OpeningFactory()

    page = client.get(url(house)).text

    assert set(ids(page)) == {f"opening-{mine.pk}", f"call-{call.pk}"}
    assert 'id="family-frame"' in page
    assert "<title>Log · Casa Núñez · Gatehouse</title>" in page
    assert re.search(r'id="family-tab-log"[^>]*aria-current="page"', page)


def test_htmx_gets_the_tab_without_the_head(client, manager, house):
    mine = OpeningFactory(family=house)

    fragment = client.get(url(house), headers=HTMX).text

    assert ids(fragment) == [f"opening-{mine.pk}"]
    assert 'id="family-tab"' in fragment
    assert 'id="family-frame"' not in fragment
    restored = client.get(url(house), headers={**HTMX, "HX-History-Restore-Request": "true"}).text
    assert 'id="family-frame"' in restored


def test_nobody_sees_it_without_signing_in(client, house):
    assert client.get(url(house))["Location"].startswith(reverse("account_login"))
    assert client.get(url(house), headers=HTMX)["HX-Redirect"] == reverse("account_login")


def test_anothers_family_is_a_404(client, house):
    client.force_login(GrantFactory().person)

    assert client.get(url(house)).status_code == 404
    assert client.get("/families/nobody/log/").status_code == 404


def test_an_auditor_looks(client, house):
    client.force_login(AuditorFactory())

    assert client.get(url(house)).status_code == 200


def test_a_family_admin_sees_nothing_before_their_grant(client, house):
    grant = GrantFactory(family=house)
    OpeningFactory(family=house, at=grant.starts_at - timedelta(minutes=5), account_name="Former tenant")
    after = OpeningFactory(family=house, at=grant.starts_at + timedelta(minutes=5))
    client.force_login(grant.person)

    page = client.get(url(house)).text

    assert ids(page) == [f"opening-{after.pk}"]
    assert "Former tenant" not in page


def test_its_filters_ask_within_the_family(client, manager, house):
    gate, lobby = DeviceFactory(family=house, name="Gate"), DeviceFactory(family=house, name="Lobby")
    wanted = OpeningFactory(family=house, device=gate)
    OpeningFactory(family=house, device=lobby)

    page = client.get(url(house), {"door": gate.public_id}).text

    assert ids(page) == [f"opening-{wanted.pk}"]
    form = re.search(r"<form[^>]*log-filters[^>]*>", page)[0]
    assert f'action="{url(house)}"' in form
    assert 'hx-select="#log"' in form


@pytest.mark.parametrize(
    "query", ["before=forged", "result=password", "family=other", "door=none", "property=x"]
)
def test_what_no_filter_knows_is_ignored(client, manager, house, query):
    mine = OpeningFactory(family=house)
    OpeningFactory()

    assert ids(client.get(f"{url(house)}?{query}").text) == [f"opening-{mine.pk}"]


def test_another_family_in_the_address_changes_nothing(client, manager, house):
    stranger = OpeningFactory()

    page = client.get(url(house), {"family": stranger.family.public_id}).text

    assert ids(page) == []


def test_an_empty_log_is_no_failed_search(client, manager, house):
    assert "Nothing recorded yet" in client.get(url(house)).text
    searched = client.get(url(house), {"q": "nobody of that name"}).text
    assert "Nothing matches" in searched
    assert f'<a class="button button--main" href="{url(house)}">Show the whole log</a>' in searched


def test_older_rows_are_reached_and_stay_inside(client, manager, house):
    for number in range(60):
        OpeningFactory(family=house, number=number)
    page = client.get(url(house)).text

    older = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    second = client.get(older).text

    assert older.startswith(url(house))
    assert len(set(ids(page)) | set(ids(second))) == 60
    assert 'id="log-live"' not in second


def test_its_top_is_watched_for_this_family_alone(client, manager, house):
    OpeningFactory(family=house, at=timezone.now() - timedelta(minutes=9))
    poll = unescape(re.search(r'id="log-live"[^>]*hx-get="([^"]+)"', client.get(url(house)).text)[1])
    OpeningFactory(at=timezone.now())
    assert client.get(poll, headers=HTMX).status_code == 204
    mine = OpeningFactory(family=house, at=timezone.now())

    assert ids(client.get(poll, headers=HTMX).text) == [f"opening-{mine.pk}"]


def test_the_tab_costs_less_than_the_page_whatever_is_in_it(
    client, manager, house, django_assert_num_queries
):
    ReachFactory(family=house)
    for number in range(40):
        OpeningFactory(family=house, number=number)
        CallFactory(family=house)
    client.get(url(house))
    # Session and person, family, two watermarks, openings, calls, gaps, freshness, doors.
    with django_assert_num_queries(9):
        client.get(url(house), headers=HTMX)
    # And the connections, the owners, how old everything is, what is open of move-outs.
    with django_assert_num_queries(13):
        client.get(url(house))


def test_it_answers_while_the_upstream_is_switched_off_and_asks_it_nothing(client, manager, simulator, house):
    ReachFactory(family=house, connection=ConnectionFactory(base_url=simulator.url))
    simulator.stop()

    assert client.get(url(house)).status_code == 200
    simulator.start()
    assert simulator.journal() == []
