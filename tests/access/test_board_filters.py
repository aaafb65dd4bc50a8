"""What of the board is shown: by text, by MAC in any spelling, by type, property, family and state; pages both ways."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from access.macs import device_text
from access.selectors.board import PAGE_SIZE
from tests.factories import (
    DeviceFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)

BOARD = "/doors/"
HTMX = {"HX-Request": "true"}
MAC = "0C110532D226"

pytestmark = pytest.mark.django_db


def cards(text: str) -> set[str]:
    return set(re.findall(r'id="door-card-([^"]+)"', text))


def made(name="Courtyard Gate", mac=MAC, **fields):
    return DeviceFactory(name=name, mac=mac, search_text=device_text(name, mac), **fields)


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


class TestText:
    @pytest.mark.parametrize("stored", [MAC, "0c:11:05:32:d2:26"])
    @pytest.mark.parametrize(
        "typed",
        [
            "0c110532d226",
            "0C:11:05:32:D2:26",
            "0c-11-05-32-d2-26",
            "0C11.0532.D226",
            "0C 11 05 32 D2 26",
            "0C:11:05:",
            "32d2",
            "gate 0c:11:05",
        ],
    )
    def test_a_mac_is_found_in_any_spelling(self, client, manager, stored, typed):
        device = made(mac=stored)
        made("Other", "AABBCCDDEEFF")

        assert cards(client.get(BOARD, {"q": typed}).text) == {device.public_id}

    @pytest.mark.parametrize("typed", ["c", "CO", "gate court", "núñez", "NUN", "Núñez"])
    def test_a_name_is_found_by_its_first_letters_and_a_family_by_its_own(self, client, manager, typed):
        device = made(family=FamilyFactory(name="Casa Núñez"))
        made("Back door", "0011", family=FamilyFactory(name="Lima"))

        assert cards(client.get(BOARD, {"q": typed}).text) == {device.public_id}

    def test_a_shared_door_is_found_by_any_of_its_families_and_stands_once(self, client, manager):
        for name in ("Silva", "Okafor", "Silva e Costa"):
            made(is_public=True, family=FamilyFactory(name=name))

        answer = client.get(BOARD, {"q": "costa"})
        assert len(cards(answer.text)) == 1
        assert "Shared by 3 families" in answer.text
        assert len(cards(client.get(BOARD, {"q": "silva"}).text)) == 1

    @pytest.mark.parametrize("typed", ["%", "_", "' OR 1=1", "<i data-x>", "x" * 500, "\u202e"])
    def test_what_means_something_to_a_database_means_nothing_here(self, client, manager, typed):
        made()

        answer = client.get(BOARD, {"q": typed})

        assert answer.status_code == 200
        assert cards(answer.text) == set()
        assert "<i data-x" not in answer.text


class TestChoices:
    def test_by_type_and_by_a_type_without_a_name_of_ours(self, client, manager):
        reader = made(device_type="Access Control")
        strange = made("Lift", "0011", device_type="Teleporter")

        assert cards(client.get(BOARD, {"type": "Access Control"}).text) == {reader.public_id}
        assert cards(client.get(BOARD, {"type": "other"}).text) == {strange.public_id}

    def test_by_state(self, client, manager):
        online, offline = made(), made("Lift", "0011", is_online=False)

        assert cards(client.get(BOARD, {"show": "online"}).text) == {online.public_id}
        assert cards(client.get(BOARD, {"show": "offline"}).text) == {offline.public_id}

    def test_by_property_also_where_the_row_known_longest_is_in_another(self, client, manager):
        first, second = PropertyFactory(), PropertyFactory()
        for place in (first, second, None):
            made(is_public=True, family__property=place)

        for value in (first.public_id, second.public_id, "none"):
            assert len(cards(client.get(BOARD, {"property": value}).text)) == 1

    def test_by_family_with_what_it_shares(self, client, manager):
        family = FamilyFactory(name="Casa Núñez")
        made(is_public=True)
        shared, own = made(is_public=True, family=family), made("Own", "0011", family=family)

        answer = client.get(BOARD, {"family": family.public_id})

        assert cards(answer.text) == {shared.public_id, own.public_id}
        assert "Not only Casa Núñez" in answer.text

    def test_a_family_that_is_not_ones_own_filters_nothing(self, client):
        grant = GrantFactory()
        own = made(family=grant.family)
        client.force_login(grant.person)

        answer = client.get(BOARD, {"family": FamilyFactory(name="Canary").public_id})

        assert cards(answer.text) == {own.public_id}
        assert "Canary" not in answer.text

    def test_a_family_admin_chooses_among_their_families(self, client):
        grant = GrantFactory(family__name="Lima")
        other = GrantFactory(person=grant.person, family__name="Silva")
        made(family=grant.family)
        wanted = made("Own", "0011", family=other.family)
        client.force_login(grant.person)

        answer = client.get(BOARD, {"family": other.family.public_id})

        assert cards(answer.text) == {wanted.public_id}
        assert 'name="family"' in answer.text

    def test_what_is_chosen_stands_in_the_address_and_nothing_else(self, client, manager):
        made(is_public=True)

        answer = client.get(
            BOARD, {"q": "gate", "public": "1", "show": "", "type": "x", "page": "3"}, headers=HTMX
        )

        assert answer["HX-Push-Url"] == "/doors/?q=gate&public=1"
        assert "1 door fits" in answer.text

    def test_all_at_once_and_none_that_fits_leads_back(self, client, manager):
        made()

        text = client.get(BOARD, {"q": "gate", "show": "offline", "public": "1", "type": "other"}).text

        assert "No door fits" in text
        assert "Show all doors" in text


class TestOnceForEach:
    def test_to_a_limited_manager_the_shared_door_of_their_own_families(self, client):
        limit = PropertyLimitFactory()
        made(is_public=True, family__name="Canary")
        own = [made(is_public=True, family__property=limit.property) for _ in range(2)]
        client.force_login(limit.person)

        answer = client.get(BOARD)

        assert cards(answer.text) == {own[0].public_id}
        assert "1 of 1 online" in answer.text
        assert "Shared by 2 families" in answer.text
        assert "Canary" not in answer.text

    def test_to_a_family_admin_the_row_of_their_family(self, client):
        grant = GrantFactory()
        made(is_public=True)
        own = made(is_public=True, family=grant.family)
        client.force_login(grant.person)

        assert cards(client.get(BOARD).text) == {own.public_id}

    def test_a_family_that_is_gone_shares_nothing(self, client, manager):
        made(is_public=True, family__gone_at=timezone.now())
        there = made(is_public=True)

        assert cards(client.get(BOARD).text) == {there.public_id}

    def test_an_opening_before_the_grant_of_its_family_is_not_told(self, client):
        now = timezone.now()
        old = GrantFactory(starts_at=now - timedelta(days=9))
        new = GrantFactory(person=old.person, starts_at=now - timedelta(hours=1))
        made(is_public=True, family=old.family, last_opening_at=now - timedelta(days=3))
        made(is_public=True, family=new.family, last_opening_at=now - timedelta(hours=2))
        client.force_login(old.person)

        text = client.get(BOARD).text

        assert "Last opened" in text
        assert (now - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M") in text
        assert (now - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M") not in text


class TestPages:
    def test_they_lead_both_ways_and_keep_what_is_chosen(self, client, manager):
        for number in range(2 * PAGE_SIZE + 3):
            made("Same name", f"0C{number:010}", family=FamilyFactory())
        there, back, url = [], [], f"{BOARD}?show=online"
        while url:
            text = client.get(url).text
            there.append(re.findall(r'id="door-card-([^"]+)"', text))
            last, url = url, next_url(text, "next")
        assert [len(one) for one in there] == [PAGE_SIZE, PAGE_SIZE, 3]
        url = last
        while url:
            assert "show=online" in url
            text = client.get(url).text
            back.append(re.findall(r'id="door-card-([^"]+)"', text))
            url = next_url(text, "prev")
        assert back == there[::-1]
        assert len({one for shown in there for one in shown}) == 2 * PAGE_SIZE + 3


def next_url(text: str, way: str) -> str:
    found = re.search(rf'rel="{way}" href="([^"]+)"', text)
    return found[1].replace("&amp;", "&") if found else ""
