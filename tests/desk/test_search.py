"""Search from everywhere: by a few letters, in any script, and never beyond one's reach."""

import pytest
from django.urls import reverse
from django.utils import timezone

from access.macs import device_text
from access.models import Device, TempKey
from portal.desk.search import SHOWN_AT_MOST
from portal.text import searchable
from tests.factories import (
    DeviceFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    ReachFactory,
)

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


def make_pass(label: str, **fields: object) -> TempKey:
    reach = ReachFactory()
    return TempKey.objects.create(
        reach=reach, family=reach.family, label=label, search_text=searchable(label), **fields
    )


def test_passes_are_found_by_their_label(client, manager):
    key = make_pass("Cleaner on Mondays")
    make_pass("Cleaner of old", gone_at=timezone.now())

    found = find(client, "cleaner")

    assert f'href="{reverse("access:pass_detail", args=[key.public_id])}"' in found
    assert "Cleaner of old" not in found


def test_passes_of_others_are_not_found(client):
    make_pass("Canary pass")
    client.force_login(GrantFactory().person)

    assert "Canary" not in find(client, "canary")


def test_every_row_leads_to_its_page(client, manager):
    member = MemberFactory(first_name="Mina", family__name="Mina at home")
    device = DeviceFactory(name="Mina's gate", family=member.family)
    page = reverse("families:family_detail", args=[member.family.public_id])

    found = find(client, "mina")

    assert f'href="{page}"' in found
    assert f'href="{page}#family-people"' in found
    assert f'href="{reverse("access:device_detail", args=[device.public_id])}"' in found
    assert "3 found" in found


def test_where_more_are_found_than_shown_all_are_a_press_away(client, manager):
    FamilyFactory.create_batch(SHOWN_AT_MOST + 1, name="Fly")

    found = find(client, "fly")

    assert found.count("<bdi>Fly</bdi>") == SHOWN_AT_MOST
    assert f'href="{reverse("families:family_list", query={"q": "fly"})}"' in found


def test_typing_finds_below_the_field_and_cancels_the_request_before(client, manager):
    page = client.get("/").text

    assert (
        'hx-get="/search/" hx-trigger="input changed delay:200ms" hx-sync="this:replace" hx-target="#search-panel"'
        in page
    )
    assert '<form class="search" action="/search/" role="search">' in page
    assert 'hx-target="#search" hx-swap="outerHTML"' in client.get("/search/?q=x").text


def test_it_costs_four_queries_beside_session_and_person(client, manager, django_assert_num_queries):
    FamilyFactory.create_batch(30, name="Fly")
    MemberFactory.create_batch(30, first_name="Fly")
    with django_assert_num_queries(6):
        find(client, "fly")


def test_nobody_finds_anything_without_signing_in(client):
    assert client.get("/search/?q=x")["Location"].startswith(reverse("account_login"))
    assert client.get("/search/?q=x", headers=HTMX)["HX-Redirect"] == reverse("account_login")


@pytest.mark.parametrize(
    "text", ["0C110532D226", "0c:11:05:32:d2:26", "0C-11-05-32", "d226", "gate 0c:11:05"]
)
def test_a_device_is_found_by_its_mac_however_spelt_and_leads_to_its_page(client, manager, text):
    device = DeviceFactory(mac="0C110532D226", name="Courtyard Gate")
    Device.objects.update(search_text=device_text(device.name, device.mac))

    assert f'href="/doors/{device.public_id}/"' in find(client, text)


def test_no_mac_is_found_beyond_ones_reach(client):
    device = DeviceFactory(mac="0C110532D226", name="Canary")
    Device.objects.update(search_text=device_text(device.name, device.mac))
    client.force_login(GrantFactory().person)

    assert "Canary" not in find(client, "0C110532D226")
