"""Several at the same moment: presses by one link, a press and the end of the link, two links of one pass."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from access.models import VisitorLink
from access.services.visitors import links
from portal.audit.models import Entry
from tests.access.passing import LIST
from tests.access.visiting import Visited
from tests.audit.trails import holds
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visited(simulator, settings) -> Visited:
    # All of them are to get an answer: how many calls one process makes at a time is another test's.
    settings.UPSTREAM_ACTIONS_AT_ONCE = 64
    return Visited.of(simulator)


def at_once(count, do):
    """What each of so many got who began at the same moment."""
    start = threading.Barrier(count)

    def run(number):
        start.wait(20)
        try:
            return do(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_twenty_presses_at_once_six_are_shown(visited):
    answers = at_once(20, lambda number: visited.press(Client(REMOTE_ADDR=f"198.51.100.{number}")))

    shown = [answer for answer in answers if answer.status_code == 200]
    assert len(shown) == 6
    assert all(visited.grouped in answer.text for answer in shown)
    # Where more press than may be on their way, one may be told to come again: it is not counted.
    assert {answer.status_code for answer in answers} - {503} == {200, 429}
    assert len(visited.asked()) == 6
    assert visited.row.shown_count == 6
    assert Entry.objects.filter(event="visitor_link.show", phase="intent").count() == 6
    assert holds()


def test_a_press_twice_shows_twice_and_is_told_twice(visited):
    answers = at_once(2, lambda number: visited.press())

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(visited.asked()) == 2
    assert Entry.objects.filter(event="visitor_link.show", phase="intent").count() == 2


def test_a_link_that_ends_while_its_code_is_read_shows_nothing(visited):
    visited.simulator.fault(LIST, "latency", seconds=1.5)
    found = []

    def press():
        found.append(visited.press())
        connections.close_all()

    thread = threading.Thread(target=press)
    thread.start()
    while not visited.asked():
        thread.join(0.05)
    links.end_link(ManagerFactory(), link=visited.row)
    thread.join(20)

    [answer] = found
    assert answer.status_code == 404
    assert visited.grouped not in answer.text
    assert visited.row.shown_count == 0


def test_a_pass_that_ends_while_its_code_is_read_shows_nothing(visited):
    visited.simulator.fault(LIST, "latency", seconds=1.5)
    visited.works(hours_ago=1, hours_more=1 / 3600)

    answer = visited.press()

    assert answer.status_code == 409
    assert visited.grouped not in answer.text
    assert "It is over" in answer.text


def test_of_links_made_at_once_one_stands(visited):
    manager = ManagerFactory()

    made = at_once(5, lambda number: links.make_link(manager, key=visited.key))

    assert VisitorLink.objects.filter(revoked_at=None).count() == 1
    shown = [one for one in made if Client().get(f"/v/{one.secret}/").status_code == 200]
    assert len(shown) == 1
    assert Entry.objects.filter(event="visitor_link.make").count() == 6
