"""The page of a visitor's link: where the pass stands, for whoever looks, at no cost."""

import pytest

from tests.access.visiting import Visited

pytestmark = pytest.mark.django_db


@pytest.fixture
def visited(simulator) -> Visited:
    return Visited.of(simulator)


def test_a_pass_that_works_shows_its_code_to_whoever_presses(client, visited):
    page = client.get(visited.path)
    assert "Your pass works now" in page.text
    assert visited.grouped not in page.text
    assert not visited.asked()

    answer = visited.press(client)

    assert visited.grouped in answer.text
    assert len(visited.asked()) == 1
