"""Search from everywhere: by a few letters, in any script, and never beyond one's reach."""

import pytest

from tests.factories import DeviceFactory, FamilyFactory, GrantFactory, ManagerFactory, MemberFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


def find(client, text: str) -> str:
    return client.get("/search/", {"q": text}, headers=HTMX).text


@pytest.mark.parametrize("text", ["nunez", "NÚÑEZ", "casa nun", "Casa"])
def test_a_family_is_found_whatever_the_accents(client, manager, text):
    FamilyFactory(name="Casa Núñez")

    assert "Casa Núñez" in find(client, text)


def test_short_names_and_other_scripts_are_found(client, manager):
    FamilyFactory(name="李家")
    MemberFactory(first_name="Li", last_name="Wei")
    MemberFactory(first_name="Amelie", last_name="Durand")

    assert "李家" in find(client, "李")
    found = find(client, "Li")
    assert "Li Wei" in found
    assert "Amelie" not in found


def test_members_are_found_by_e_mail_and_doors_by_name(client, manager):
    MemberFactory(first_name="Mina", last_name="Okafor", email="mina@post.example")
    DeviceFactory(name="Courtyard Gate")

    assert "Mina Okafor" in find(client, "mina@post")
    assert "Courtyard Gate" in find(client, "courtyard")


@pytest.mark.parametrize("text", ["", "   ", "a" * 500, "%", "_", "' OR 1=1 --", "\ud800"])
def test_a_strange_text_finds_nothing_and_is_no_error(client, manager, text):
    FamilyFactory(name="Canary")

    answer = client.get("/search/", {"q": text.encode("utf-8", "surrogatepass")})

    assert answer.status_code == 200
    assert "Canary" not in answer.text


def test_a_nul_is_refused_as_a_bad_request(client, manager):
    assert client.get("/search/?q=%00").status_code == 400


def test_nothing_beyond_ones_reach_is_found(client):
    MemberFactory(first_name="Canary")
    DeviceFactory(name="Canary Gate")
    grant = GrantFactory(family__name="Canary at home")
    client.force_login(grant.person)

    found = find(client, "canary")

    assert "Canary at home" in found
    assert "Canary Gate" not in found
    assert "<h2>People" not in found


def test_page_and_fragment(client, manager):
    assert "<html" in client.get("/search/?q=x").text
    assert "<html" not in find(client, "x")
