"""The board of doors, and the doors of a family."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Kind
from portal.audit.models import State
from tests.factories import (
    AuditorFactory,
    CommandFactory,
    ConnectionFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OutageFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    RelayFactory,
    SyncStateFactory,
)

HTMX = {"HX-Request": "true"}
BOARD = "/doors/"

pytestmark = pytest.mark.django_db


def cards(text: str) -> set[str]:
    return set(re.findall(r'id="door-card-([^"]+)"', text))


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


class TestTheBoard:
    def test_it_is_a_page_and_a_fragment(self, client, manager):
        device = RelayFactory().device

        page, fragment = client.get(BOARD), client.get(BOARD, headers=HTMX)

        assert "<html" in page.text
        assert "<html" not in fragment.text
        assert cards(page.text) == cards(fragment.text) == {device.public_id}

    def test_a_name_is_text_whatever_stands_in_it(self, client, manager):
        family = FamilyFactory(name="<b>Núñez</b> & {{ x }}")
        RelayFactory(device__family=family, device__name="<i>Gate</i>")

        answer = client.get(BOARD)

        assert "<bdi>&lt;b&gt;Núñez&lt;/b&gt; &amp; {{ x }}</bdi>" in answer.text
        assert "<bdi>&lt;i&gt;Gate&lt;/i&gt;</bdi>" in answer.text
        assert "&lt;bdi" not in answer.text

    def test_a_device_that_many_families_share_stands_once(self, client, manager):
        shared = [DeviceFactory(mac="0C110532D226", is_public=True, name="Lobby") for _ in range(3)]
        private = DeviceFactory()

        answer = client.get(BOARD)

        assert cards(answer.text) == {shared[0].public_id, private.public_id}
        assert "Shared by 3 families" in answer.text

    def test_a_shared_door_was_last_opened_when_any_family_opened_it(self, client, manager):
        now = timezone.now()
        for minutes in (300, 7):
            DeviceFactory(mac="0C11", is_public=True, last_opening_at=now - timedelta(minutes=minutes))

        assert "7 minutes ago" in client.get(BOARD).text

    def test_families_beyond_ones_reach_are_not_counted(self, client):
        limit = PropertyLimitFactory()
        for place in (limit.property, limit.property, None):
            DeviceFactory(mac="0C110532D226", is_public=True, family__property=place)
        client.force_login(limit.person)

        assert "Shared by 2 families" in client.get(BOARD).text

    def test_it_can_show_only_what_is_offline(self, client, manager):
        DeviceFactory()
        outage = OutageFactory()

        assert cards(client.get(BOARD, {"show": "offline"}).text) == {outage.device.public_id}

    def test_it_can_show_only_what_families_share(self, client, manager):
        DeviceFactory()
        shared = DeviceFactory(is_public=True)

        assert cards(client.get(BOARD, {"public": "1"}).text) == {shared.public_id}

    @pytest.mark.parametrize("text", ["courtyard", "núñez", "NUN"])
    def test_it_finds_by_door_and_family(self, client, manager, text):
        device = DeviceFactory(name="Courtyard Gate", family=FamilyFactory(name="Casa Núñez"))
        DeviceFactory()

        assert cards(client.get(BOARD, {"q": text}).text) == {device.public_id}

    def test_by_property(self, client, manager):
        place = PropertyFactory()
        device = DeviceFactory(family__property=place)
        DeviceFactory()

        assert cards(client.get(BOARD, {"property": place.public_id}).text) == {device.public_id}

    def test_pages_hold_every_door_once(self, client, manager):
        for _ in range(130):
            DeviceFactory(name="Same name")
        seen: list[str] = []
        url = BOARD
        while url:
            text = client.get(url).text
            seen += re.findall(r'id="door-card-([^"]+)"', text)
            on = re.search(r'rel="next" href="([^"]+)"', text)
            url = on[1].replace("&amp;", "&") if on else ""

        assert len(seen) == len(set(seen)) == 130

    def test_it_says_how_old_it_is(self, client, manager):
        device = DeviceFactory()
        SyncStateFactory(
            family=device.family, kind=Kind.DEVICES, last_good_at=timezone.now() - timedelta(minutes=12)
        )

        assert "12 minutes ago" in client.get(BOARD).text

    @pytest.mark.parametrize(
        "query",
        [
            "after=forged",
            "property=x",
            "show=all",
            "page=-1",
            "type=x",
            "family=x",
            "public=2",
            "before=forged",
        ],
    )
    def test_a_strange_address_is_no_error(self, client, manager, query):
        device = DeviceFactory()

        assert cards(client.get(f"{BOARD}?{query}").text) == {device.public_id}

    def test_nothing_there_says_how_to_begin(self, client, manager):
        assert "first sync" in client.get(BOARD).text

    def test_a_family_admin_with_nothing_given_reads_whom_to_ask(self, client):
        client.force_login(FamilyAdminFactory())
        text = client.get(BOARD).text
        assert "Ask the property manager" in text
        assert "first sync" not in text

    # Beside the session and the person: places, devices with all of theirs, presses, and why nothing can be sent.
    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"q": "gate"},
            {"q": "0c:11:05"},
            {"show": "offline"},
            {"show": "online"},
            {"type": "Single-tenant Doorphone"},
            {"public": "1"},
            {"property": "its"},
            {"family": "its"},
            {"q": "nothing is called so"},
            {"q": "gate", "show": "online", "public": "1", "property": "its", "type": "other"},
        ],
    )
    @pytest.mark.parametrize("role", ["manager", "limited", "family admin"])
    def test_it_costs_four_queries_however_many_there_are(
        self, client, role, query, django_assert_max_num_queries
    ):
        family = FamilyFactory(property=PropertyFactory())
        person = {
            "manager": lambda: ManagerFactory(),
            "limited": lambda: PropertyLimitFactory(property=family.property).person,
            "family admin": lambda: GrantFactory(family=family).person,
        }[role]()
        its = {"property": family.property.public_id, "family": family.public_id}
        query = {name: its[name] if value == "its" else value for name, value in query.items()}
        client.force_login(person)
        for number in (1, 12):
            for _ in range(number):
                door = RelayFactory(
                    device__family=family, device__name="Gate", device__search_text="gate 0c1105"
                )
                OutageFactory(device=door.device)
                DeviceFactory(is_public=True, mac="0C11", family__property=family.property, name="Gate")
            client.get(BOARD, query)
            with django_assert_max_num_queries(6):
                client.get(BOARD, query)

    @pytest.mark.django_db(transaction=True)
    def test_it_asks_the_upstream_nothing(self, client, simulator, manager):
        connection = ConnectionFactory(base_url=simulator.url, access_token=simulator.token)
        RelayFactory(device__family=ReachFactory(connection=connection).family)
        simulator.clear_journal()

        for address in (BOARD, "/doors/changes/?seen=a.b"):
            assert "online" in client.get(address, headers=HTMX).text
        assert simulator.journal() == []
        simulator.stop()
        assert "door-card" in client.get(BOARD).text


class TestWhoSees:
    def test_nobody_without_signing_in(self, client):
        assert client.get(BOARD).status_code == 302
        assert client.get(BOARD, headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_an_auditor_sees_doors_and_no_button(self, client):
        relay = RelayFactory()
        client.force_login(AuditorFactory())

        answer = client.get(BOARD)

        assert cards(answer.text) == {relay.device.public_id}
        assert f"press-button-{relay.public_id}" not in answer.text

    def test_a_limited_manager_sees_their_property(self, client):
        limit = PropertyLimitFactory()
        inside = DeviceFactory(family__property=limit.property)
        DeviceFactory(name="Canary")
        client.force_login(limit.person)

        answer = client.get(BOARD)

        assert cards(answer.text) == {inside.public_id}
        assert "Canary" not in answer.text

    def test_a_family_admin_sees_their_own(self, client):
        device = DeviceFactory()
        DeviceFactory(name="Canary")
        client.force_login(GrantFactory(family=device.family).person)

        answer = client.get(BOARD)

        assert cards(answer.text) == {device.public_id}
        assert "Canary" not in answer.text

    def test_a_family_admin_is_not_told_when_a_door_was_used_before_their_grant(self, client):
        family, admin, now = FamilyFactory(), FamilyAdminFactory(), timezone.now()
        GrantFactory(person=admin, family=family, starts_at=now - timedelta(days=1))
        before, after = now - timedelta(days=2), now - timedelta(hours=1)
        gate = DeviceFactory(family=family, name="Gate", is_online=False, last_opening_at=before)
        OutageFactory(device=gate, began_at=before)
        client.force_login(admin)
        for address in (BOARD, f"/families/{family.public_id}/doors/"):
            text = client.get(address).text
            assert "Gate" in text
            assert "Last opened" not in text
            assert "Offline since" not in text
        gate.last_opening_at = after
        gate.save()
        assert "Last opened" in client.get(BOARD).text


class TestTheDoorsOfAFamily:
    def url(self, family) -> str:
        return reverse("access:family_doors", args=[family.public_id])

    def test_page_and_fragment(self, client, manager):
        relay = RelayFactory()
        DeviceFactory()

        page, fragment = (
            client.get(self.url(relay.device.family)),
            client.get(self.url(relay.device.family), headers=HTMX),
        )

        assert cards(page.text) == cards(fragment.text) == {relay.device.public_id}
        assert 'id="family-doors"' in fragment.text
        assert "<html" not in fragment.text

    def test_anothers_family_is_a_404(self, client):
        client.force_login(FamilyAdminFactory())

        assert client.get(self.url(FamilyFactory())).status_code == 404

    def test_devices_that_went_are_not_shown(self, client, manager):
        device = DeviceFactory(gone_at=timezone.now())

        assert cards(client.get(self.url(device.family)).text) == set()


class TestWhatIsToldOfPresses:
    def press(self, relay, **fields):
        return CommandFactory(
            name="trigger_akuvox_remote_open_door",
            object_kind="relay",
            object_id=relay.public_id,
            family=relay.device.family,
            **fields,
        )

    def test_an_unknown_press_is_still_told_after_loading_again(self, client, manager):
        self.press(RelayFactory(), state=State.UNKNOWN, created_at=timezone.now() - timedelta(hours=3))

        assert "We do not know whether the door opened" in client.get(BOARD).text

    def test_a_press_of_moments_ago_goes_on_being_asked_for(self, client, manager):
        relay = RelayFactory()
        command = self.press(relay)

        text = client.get(BOARD).text

        assert "told to open" in text
        assert f"/openings/{command.public_id}/?version=accepted-none" in text

    def test_the_press_of_a_process_that_died_is_unknown_and_nothing_is_written(self, client, manager):
        past = timezone.now() - timedelta(minutes=1)
        command = self.press(RelayFactory(), state=State.SENT, created_at=past, deadline_at=past)

        assert "We do not know whether the door opened" in client.get(BOARD).text
        command.refresh_from_db()
        assert command.state == State.SENT

    def test_what_was_settled_long_ago_is_not_told(self, client, manager):
        self.press(RelayFactory(), created_at=timezone.now() - timedelta(hours=1))

        assert 'class="press press--accepted"' not in client.get(BOARD).text

    def test_anothers_press_is_not_told_to_a_family_admin(self, client):
        relay = RelayFactory()
        self.press(relay, state=State.UNKNOWN)
        client.force_login(GrantFactory(family=relay.device.family).person)

        assert "press--unknown" not in client.get(BOARD).text
