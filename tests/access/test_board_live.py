"""The board keeps itself true: a poll answers with the parts that are new, and with nothing where none is."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from families.models import Kind
from tests.factories import (
    DeviceFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    OutageFactory,
    ReachFactory,
    RelayFactory,
    SyncStateFactory,
)

BOARD = "/doors/"
POLL = {"HX-Request": "true", "X-Poll": "1"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


@pytest.fixture
def relay():
    return RelayFactory(device__name="Front Gate", device__family=ReachFactory().family)


def poll_of(text: str, **more: str) -> str:
    """The address that the page will ask, with the versions that it holds."""
    url = re.search(r'data-poll hx-get="(/doors/changes/[^"]*|/families/[^"]*/doors/changes/)"', text)[1]
    held = re.findall(r'<input type="hidden" name="(seen|doors|count|moved)" value="([^"]+)"', text)
    query = urlencode([*held, *more.items()])
    return url.replace("&amp;", "&") + ("&" if "?" in url else "?") + query


def parts(text: str) -> set[str]:
    return {found[1] for found in re.finditer(r'id="(door-(?:state|doors|count|moved)[^"]*)"', text)}


class TestThePoll:
    def test_nothing_new_is_a_204(self, client, manager, relay):
        answer = client.get(poll_of(client.get(BOARD).text), headers=POLL)

        assert (answer.status_code, answer.content) == (204, b"")

    def test_a_device_that_went_off_is_told_with_its_buttons_and_the_count(self, client, manager, relay):
        other = RelayFactory().device
        url = poll_of(client.get(BOARD).text)
        device = relay.device
        OutageFactory(device=device, began_at=timezone.now())
        type(device).objects.filter(pk=device.pk).update(is_online=False)

        answer = client.get(url, headers=POLL)

        assert parts(answer.text) == {
            f"door-state-{device.public_id}",
            f"door-doors-{device.public_id}",
            "door-count",
        }
        assert "Front Gate is offline." in answer.text
        assert "1 of 2 online" in answer.text
        assert "Offline since" in answer.text
        assert "Open anyway" in answer.text
        assert answer.text.count('hx-swap-oob="true"') == 4
        assert other.public_id not in answer.text

    def test_an_opening_changes_what_is_told_and_leaves_the_buttons(self, client, manager, relay):
        url = poll_of(client.get(BOARD).text)
        device = relay.device
        type(device).objects.filter(pk=device.pk).update(last_opening_at=timezone.now())

        answer = client.get(url, headers=POLL)

        assert parts(answer.text) == {f"door-state-{device.public_id}"}
        assert "is online." not in answer.text

    def test_what_it_answers_holds_the_versions_of_the_next_poll(self, client, manager, relay):
        page = client.get(BOARD).text
        type(relay.device).objects.filter(pk=relay.device.pk).update(name="Side Gate")
        answer = client.get(poll_of(page), headers=POLL).text
        seen = re.search(r'name="seen" value="([^"]+)"', answer)[1]
        page = re.sub(r'name="seen" value="[^"]+"', f'name="seen" value="{seen}"', page)

        assert "Side Gate" in answer
        assert client.get(poll_of(page), headers=POLL).status_code == 204

    def test_a_card_that_does_not_fit_any_more_says_so_and_others_are_offered(self, client, manager, relay):
        device = relay.device
        type(device).objects.filter(pk=device.pk).update(is_online=False)
        page = client.get(BOARD, {"show": "offline"}).text
        type(device).objects.filter(pk=device.pk).update(is_online=True)
        DeviceFactory(is_online=False)

        answer = client.get(poll_of(page), headers=POLL)

        assert f"door-state-{device.public_id}" in parts(answer.text)
        assert "Front Gate is online." in answer.text
        assert 'href="/doors/?show=offline"' in answer.text
        # It is said once.
        again = client.get(poll_of(page, moved="1"), headers=POLL)
        assert "door-moved" not in parts(again.text)

    def test_a_connection_that_is_lost_takes_the_buttons(self, client, manager, relay):
        connection = relay.device.family.reaches.get().connection
        url = poll_of(client.get(BOARD).text)
        type(connection).objects.filter(pk=connection.pk).update(paused_at=timezone.now())

        answer = client.get(url, headers=POLL)

        assert f"door-doors-{relay.device.public_id}" in parts(answer.text)
        assert f"press-button-{relay.public_id}" not in answer.text
        assert "Cannot be opened now" in answer.text

    def test_a_device_of_others_is_never_told_of(self, client):
        grant = GrantFactory()
        RelayFactory(device__family=grant.family)
        canary = RelayFactory(device__name="Canary").device
        client.force_login(grant.person)
        url = poll_of(client.get(BOARD).text) + f"&seen={canary.public_id}.x&doors={canary.public_id}.x"

        assert "Canary" not in client.get(url, headers=POLL).text

    @pytest.mark.parametrize(
        "query", ["", "seen=", "seen=x&seen=.&doors=%22.%3C&count=", "after=forged&seen=a.b"]
    )
    def test_a_strange_address_is_no_error(self, client, manager, relay, query):
        assert client.get(f"/doors/changes/?{query}", headers=POLL).status_code in {200, 204}

    def test_opened_directly_it_leads_to_the_board(self, client, manager):
        answer = client.get("/doors/changes/?show=offline&seen=a.b&count=x")

        assert (answer.status_code, answer["Location"]) == (302, "/doors/?show=offline")

    def test_signed_out_it_leads_to_the_sign_in(self, client):
        assert client.get("/doors/changes/", headers=POLL)["HX-Redirect"] == reverse("account_login")


class TestTheFamilysDoors:
    def test_they_are_asked_for_in_the_same_way(self, client):
        grant = GrantFactory()
        device = RelayFactory(device__family=grant.family, device__name="Front Gate").device
        client.force_login(grant.person)
        url = poll_of(client.get(reverse("access:family_doors", args=[grant.family.public_id])).text)

        assert client.get(url, headers=POLL).status_code == 204
        type(device).objects.filter(pk=device.pk).update(is_online=False)
        answer = client.get(url, headers=POLL)
        assert f"door-state-{device.public_id}" in parts(answer.text)
        assert '<h3 class="door-card__name">' in answer.text

    def test_anothers_are_a_404_and_without_htmx_the_page_is_shown(self, client, manager, relay):
        url = reverse("access:family_door_changes", args=[relay.device.family.public_id])
        assert client.get(url)["Location"] == url.removesuffix("changes/")
        client.force_login(FamilyAdminFactory())
        assert client.get(url, headers=POLL).status_code == 404


class TestHowOldItIs:
    def test_a_device_that_was_not_read_for_long_says_so(self, client, manager, relay):
        late = timezone.now() - timedelta(seconds=20 * settings.SYNC_SECONDS[Kind.DEVICES])
        SyncStateFactory(family=relay.device.family, kind=Kind.DEVICES, last_good_at=late)

        text = client.get(BOARD).text

        assert "Not read since" in text
        assert "some families could not be read" in text

    def test_outages_are_drawn_and_told(self, client, manager, relay):
        device = relay.device
        now = timezone.now()
        type(device).objects.filter(pk=device.pk).update(first_seen_at=now - timedelta(days=90))
        OutageFactory(
            device=device, began_at=now - timedelta(days=2), ended_at=now - timedelta(days=2, hours=-3)
        )

        text = client.get(BOARD).text

        assert text.count('class="strip__offline"') == 1
        assert "Offline once, for 3 h, over 30 days" in text
        assert f"every {settings.SYNC_SECONDS[Kind.DEVICES]} seconds" in text
        assert " style=" not in text
