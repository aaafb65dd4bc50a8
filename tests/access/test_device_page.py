"""The page of a device: what it tells, to whom, and at what cost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import Lapse
from families.models import Kind
from portal.audit.models import State
from tests.access.devicing import Fitted
from tests.factories import (
    AuditorFactory,
    CommandFactory,
    DeviceFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    OutageFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    RelayFactory,
    SyncStateFactory,
)

HTMX = {"HX-Request": "true"}
MAC = "0C110532D226"

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def device(now):
    relay = RelayFactory(
        name="Street door",
        device__mac=MAC,
        device__name="Courtyard panel",
        device__sip="6200000042",
        device__stream_address="rtsp://10.20.0.1:554/live",
        device__first_seen_at=now - timedelta(days=90),
        device__online_changed_at=now - timedelta(minutes=7),
        device__family__name="Casa Núñez",
    )
    ReachFactory(family=relay.device.family)
    return relay.device


@pytest.fixture
def manager(client):
    manager = ManagerFactory()
    client.force_login(manager)
    return manager


def path(device, name="device_detail"):
    return reverse(f"access:{name}", args=[device.public_id])


def press_of(relay, **fields):
    fields = {"actor_name": "Ana", "family_name": relay.device.family.name} | fields
    return CommandFactory(
        name="trigger_akuvox_remote_open_door",
        object_kind="relay",
        object_id=relay.public_id,
        family=relay.device.family,
        **fields,
    )


class TestThePage:
    def test_it_is_a_page_and_a_fragment(self, client, manager, device):
        page, fragment = client.get(path(device)), client.get(path(device), headers=HTMX)

        assert "<html" in page.text
        assert "<html" not in fragment.text
        assert 'id="device-detail"' in page.text
        assert 'id="device-detail"' in fragment.text
        assert "no-store" in page["Cache-Control"]

    def test_it_says_what_the_device_is(self, client, manager, device):
        text = client.get(path(device)).text

        for words in ("Courtyard panel", "intercom", "Casa Núñez", MAC, "6200000042", "rtsp://10.20.0.1:554"):
            assert words in text
        assert "7 minutes ago" in text

    def test_each_of_its_doors_has_a_button(self, client, manager, device):
        security = RelayFactory(device=device, name="Cellar", is_security=True)
        gone = RelayFactory(device=device, name="Walled up", gone_at=timezone.now())

        text = client.get(path(device)).text

        for relay in device.relays.exclude(pk=gone.pk):
            assert f'id="press-{relay.public_id}"' in text
        assert f'id="door-{security.public_id}"' in text
        assert "security door" in text
        assert "Walled up" not in text

    def test_it_says_how_old_it_is(self, client, manager, device, now):
        SyncStateFactory(family=device.family, kind=Kind.DEVICES, last_good_at=now - timedelta(minutes=12))

        text = client.get(path(device)).text

        assert "12 minutes ago" in text
        assert "freshness--stale" in text

    def test_a_device_that_is_gone_is_told_and_opens_nothing(self, client, manager, device, now):
        device.gone_at = now - timedelta(minutes=3)
        device.save()

        text = client.get(path(device)).text

        assert "This device is gone" in text
        assert "press-button" not in text
        assert "device-check" not in text

    def test_nothing_is_asked_of_the_door_system(self, client, manager, simulator):
        fitted = Fitted.of(simulator)

        assert client.get(fitted.path()).status_code == 200
        assert simulator.journal() == []

    def test_it_answers_while_the_door_system_is_down(self, client, manager, simulator):
        fitted = Fitted.of(simulator)
        simulator.stop()
        try:
            assert client.get(fitted.path()).status_code == 200
        finally:
            simulator.start()


class TestShared:
    def test_each_family_that_shares_it_is_named(self, client, manager):
        shared = [
            DeviceFactory(mac=MAC, is_public=True, family__name=f"Household {number}") for number in range(3)
        ]
        DeviceFactory(mac=MAC, is_public=False, family__name="Not sharing")

        text = client.get(path(shared[0])).text

        assert "3 families" in text
        for device in shared:
            assert device.family.name in text
            assert reverse("access:family_doors", args=[device.family.public_id]) in text
        assert "Not sharing" not in text

    def test_a_family_admin_sees_only_theirs(self, client):
        mine, canary = (
            DeviceFactory(mac=MAC, is_public=True, family__name=name) for name in ("Mine", "Canary")
        )
        client.force_login(GrantFactory(family=mine.family).person)

        text = client.get(path(mine)).text

        assert "Mine" in text
        assert "Canary" not in text
        assert "2 families" not in text
        assert client.get(path(canary)).status_code == 404

    def test_presses_and_openings_of_all_its_families_are_told_with_their_names(self, client, manager):
        here, there = (
            RelayFactory(device__mac=MAC, device__is_public=True, device__family__name=name)
            for name in ("Here", "There")
        )
        press_of(there, actor_name="Bea")
        OpeningFactory(family=there.device.family, device=there.device, account_name="tom")

        text = client.get(path(here.device)).text

        assert "Bea" in text
        assert "tom" in text
        assert text.count("There") >= 3


class TestWhatHappened:
    def test_the_last_openings_come_first_and_lead_to_the_log_of_the_device(
        self, client, manager, device, now
    ):
        for hours, who in ((2, "Olga"), (1, "Nina")):
            OpeningFactory(
                family=device.family, device=device, account_name=who, at=now - timedelta(hours=hours)
            )
        OpeningFactory(family=device.family, account_name="elsewhere")

        text = client.get(path(device)).text

        assert text.index("Nina") < text.index("Olga")
        assert "elsewhere" not in text
        address = f"/log/?family={device.family.public_id}&amp;door={device.public_id}"
        assert address in text
        assert client.get(address.replace("&amp;", "&")).status_code == 200

    def test_where_a_name_repeats_in_the_family_it_says_that_it_guesses(self, client, manager, device):
        DeviceFactory(family=device.family, name=device.name)
        OpeningFactory(family=device.family, device_name=device.name, account_name="somebody")

        text = client.get(path(device)).text

        assert "Several devices of this family have the same name" in text
        assert "somebody" in text

    def test_one_name_is_no_guess(self, client, manager, device):
        DeviceFactory(name=device.name)

        assert "Several devices" not in client.get(path(device)).text

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (State.REFUSED, "Refused"),
            (State.NOT_SENT, "Not sent"),
            (State.NO_TRACE, "No trace in the log"),
            (State.CLOSED_BY_USER, "Closed by a person"),
        ],
    )
    def test_who_opened_it_from_here_why_and_what_became_of_it(
        self, client, manager, device, state, words, now
    ):
        press_of(
            device.relays.get(),
            state=state,
            reason="locked out",
            created_at=now - timedelta(days=2),
        )

        text = client.get(path(device)).text

        assert "Ana" in text
        assert "locked out" in text
        assert words in text

    def test_outages_are_told_with_their_length_and_how_far_polling_can_tell(
        self, client, manager, device, now
    ):
        began = now - timedelta(days=3)
        OutageFactory(
            device=device, began_at=began, ended_at=began + timedelta(minutes=125), resolution_seconds=30
        )
        OutageFactory(device=device, began_at=now - timedelta(minutes=4))

        text = client.get(path(device)).text

        assert "2 h 5 min" in text
        assert "30 s" in text
        assert "about every 30 seconds" in text
        assert "still offline" in text
        assert "2 h 9 min, 2 times" in text
        assert "99.70 % of 30 d" in text

    def test_a_time_in_which_nobody_asked_is_told_apart(self, client, manager, device, now):
        Lapse.objects.create(
            family=device.family, began_at=now - timedelta(days=4), ended_at=now - timedelta(days=3)
        )

        text = client.get(path(device)).text

        assert "1 d, when nobody could ask" in text
        assert "Once nobody could ask" in text


class TestWhoSees:
    def test_nobody_without_signing_in(self, client, device):
        assert client.get(path(device)).status_code == 302
        assert client.get(path(device), headers=HTMX)["HX-Redirect"] == reverse("account_login")

    def test_an_auditor_looks_and_asks_nothing(self, client, device):
        client.force_login(AuditorFactory())

        text = client.get(path(device)).text

        assert MAC in text
        assert "press-button" not in text
        assert 'id="device-check"' not in text
        assert "Show all of it" not in text

    def test_a_limited_manager_sees_their_property_alone(self, client, device):
        place = PropertyFactory()
        person = PropertyLimitFactory(property=place).person
        client.force_login(person)
        assert client.get(path(device)).status_code == 404
        device.family.property = place
        device.family.save()
        text = client.get(path(device)).text
        assert "Show all of it" in text
        assert 'id="device-check"' in text

    def test_a_family_admin_reads_plain_words(self, client, device):
        client.force_login(GrantFactory(family=device.family).person)

        text = client.get(path(device)).text

        for words in (MAC, "SIP", "rtsp://", "Show all of it", 'id="device-check"'):
            assert words not in text
        assert "6200000042" in text
        assert "press-button" in text

    def test_a_family_admin_is_told_nothing_from_before_their_grant(self, client, device, now):
        admin = FamilyAdminFactory()
        GrantFactory(person=admin, family=device.family, starts_at=now - timedelta(days=1))
        long_ago = now - timedelta(days=2)
        device.online_changed_at = long_ago
        device.save()
        OutageFactory(device=device, began_at=long_ago, ended_at=now - timedelta(days=1, hours=12))
        OpeningFactory(family=device.family, device=device, account_name="predecessor", at=long_ago)
        press_of(device.relays.get(), actor=admin, actor_name="Earlier", created_at=long_ago)
        client.force_login(admin)

        text = client.get(path(device)).text

        assert "predecessor" not in text
        assert "since" not in text.partition("</header>")[0].partition("<h1>")[2]
        assert "never seen so" in text

    @pytest.mark.parametrize("strange", ["x", "A" * 22, "0C110532D226", "' OR 1=1--"])
    def test_a_strange_address_is_a_404(self, client, manager, device, strange):
        assert client.get(f"/doors/{strange}/").status_code == 404


def fill(device, rows):
    now = timezone.now()
    for number in range(rows):
        relay = RelayFactory(device=device)
        press_of(relay, state=State.UNKNOWN)
        OpeningFactory(family=device.family, device=device, command=press_of(relay))
        OutageFactory(device=device, began_at=now - timedelta(days=number + 1), ended_at=now)
        DeviceFactory(mac=device.mac, is_public=True)


@pytest.mark.parametrize(("role", "most"), [("manager", 15), ("family admin", 19)])
def test_the_number_of_queries_does_not_grow(client, device, django_assert_max_num_queries, role, most):
    device.is_public = True
    device.save()
    grant = GrantFactory(family=device.family, starts_at=timezone.now() - timedelta(days=60))
    client.force_login(ManagerFactory() if role == "manager" else grant.person)
    fill(device, 1)
    client.get(path(device))
    with django_assert_max_num_queries(most) as few:
        client.get(path(device))
    fill(device, 12)
    with django_assert_max_num_queries(len(few)):
        client.get(path(device))
