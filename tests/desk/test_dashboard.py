"""The first page: what needs attention, for whom."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import HourlyCount
from families.models import Kind, Reach
from portal.audit.models import State
from portal.connections.models import Health
from tests.factories import (
    AuditorFactory,
    ChangeFactory,
    CommandFactory,
    ConnectionFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GapFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyLimitFactory,
    ReachFactory,
    SyncStateFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    manager = ManagerFactory(name="Ana")
    client.force_login(manager)
    return manager


class TestAttention:
    def test_a_quiet_day_says_so(self, client, manager):
        FamilyFactory()

        assert "A quiet day" in client.get("/").text

    def test_a_connection_that_lost_its_sign_in_comes_first(self, client, manager):
        DeviceFactory(is_online=False, name="Garage")
        ConnectionFactory(name="Riverside", health=Health.SIGNED_OUT)

        text = client.get("/").text

        assert text.index("“Riverside” is signed out") < text.index("Garage")

    def test_an_unknown_outcome_is_told(self, client, manager):
        family = FamilyFactory()
        CommandFactory(
            state=State.UNKNOWN,
            family=family,
            object_kind="relay",
            object_id="x",
            object_name="Courtyard Gate",
        )

        assert "Nobody knows whether Courtyard Gate opened" in client.get("/").text

    @pytest.mark.parametrize(
        ("event", "name", "words"),
        [
            ("member.invite", "ana@example.org", "Invite a member: ana@example.org (Fly)"),
            ("family.rename", "Fly", "Rename a family (Fly)"),
        ],
    )
    def test_what_nobody_knows_the_outcome_of_is_told_in_words(self, client, manager, event, name, words):
        CommandFactory(
            state=State.UNKNOWN,
            family=FamilyFactory(name="Fly"),
            family_name="Fly",
            event=event,
            object_kind="invitation",
            object_name=name,
        )

        text = client.get("/").text

        assert f"Nobody knows whether this was done: {words}" in text
        assert event not in text

    def test_offline_families_doors_gaps_changes_and_unread_families_are_told(self, client, manager):
        FamilyFactory(name="Dark House", is_online=False)
        DeviceFactory(is_online=False, name="Service Entrance")
        GapFactory(family=FamilyFactory(name="Busy House"), seen_at=timezone.now())
        ChangeFactory(family=FamilyFactory(name="Changed House"))
        SyncStateFactory(family=FamilyFactory(name="Unread House"), kind=Kind.OPENINGS, failures=5)

        text = client.get("/").text

        for name in ("Dark House", "Service Entrance", "Busy House", "Changed House", "Unread House"):
            assert name in text

    def test_one_device_that_is_offline_leads_to_its_page_and_more_of_them_to_the_board(
        self, client, manager
    ):
        device = DeviceFactory(is_online=False)
        for _ in range(2):
            DeviceFactory(is_online=False, mac=device.mac, is_public=True)
        assert re.search(r'href="/doors/[\w-]{22}/"', client.get("/").text)
        DeviceFactory(is_online=False)
        text = client.get("/").text
        assert not re.search(r'href="/doors/[\w-]{22}/"', text)
        assert "/doors/?show=offline" in text

    def test_nothing_of_strangers_is_told(self, client):
        limit = PropertyLimitFactory()
        FamilyFactory(property=limit.property)
        for make in (
            lambda: FamilyFactory(name="Canary", is_online=False),
            lambda: DeviceFactory(name="Canary", is_online=False),
            lambda: GapFactory(family=FamilyFactory(name="Canary")),
            lambda: ChangeFactory(subject="Canary"),
            lambda: CommandFactory(
                state=State.UNKNOWN, family=FamilyFactory(name="Canary"), object_name="Canary"
            ),
            lambda: SyncStateFactory(family=FamilyFactory(name="Canary"), failures=5),
            lambda: ConnectionFactory(name="Canary", health=Health.SIGNED_OUT),
            lambda: OpeningFactory(account_name="Canary"),
        ):
            make()
        for person in (limit.person, GrantFactory().person):
            client.force_login(person)
            assert "Canary" not in client.get("/").text

    def test_a_limited_manager_is_told_of_the_connection_that_reaches_theirs(self, client):
        limit = PropertyLimitFactory()
        reach: Reach = ReachFactory(family__property=limit.property)
        reach.connection.health = Health.FAILING
        reach.connection.save()
        client.force_login(limit.person)

        assert reach.connection.name in client.get("/").text

    def test_a_family_admin_is_told_in_plain_words(self, client):
        grant = GrantFactory()
        ReachFactory(family=grant.family, connection__name="Riverside", connection__health=Health.SIGNED_OUT)
        client.force_login(grant.person)

        text = client.get("/").text

        assert "Your doors cannot be reached" in text
        assert "Riverside" not in text
        assert "manage.py" not in text

    def test_anothers_own_connection_is_not_told(self, client, manager):
        ConnectionFactory(name="Canary", health=Health.SIGNED_OUT, owner=FamilyAdminFactory())

        assert "Canary" not in client.get("/").text


class TestTheDay:
    def test_bars_count_the_hours_of_the_readers_day(self, client, manager):
        FamilyFactory()
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        HourlyCount.objects.create(hour=hour, opened=41, refused=2)

        assert "41 opened, 2 refused" in client.get("/").text

    def test_the_number_of_queries_does_not_grow(self, client, manager, django_assert_max_num_queries):
        def estate(count: int) -> None:
            for _ in range(count):
                device = DeviceFactory(is_online=False)
                OpeningFactory(family=device.family)
                ChangeFactory(family=device.family)
                CommandFactory(state=State.UNKNOWN, family=device.family)
                GapFactory(family=device.family)

        estate(5)
        client.get("/")
        with django_assert_max_num_queries(24) as few:
            client.get("/")
        estate(12)
        with django_assert_max_num_queries(len(few)):
            client.get("/")


class TestWhoSees:
    def test_nobody_without_signing_in(self, client):
        assert client.get("/").status_code == 302

    def test_a_family_admin_sees_their_home(self, client):
        grant = GrantFactory(family__name="Casa Núñez")
        client.force_login(grant.person)

        answer = client.get("/")

        assert "Casa Núñez" in answer.text
        assert f"/families/{grant.family.public_id}/doors/" in answer.text
        assert "The estate" not in answer.text

    def test_a_family_admin_with_nothing_granted_is_told_whom_to_ask(self, client):
        client.force_login(FamilyAdminFactory())

        assert "No family is given to you yet" in client.get("/").text

    def test_a_grant_that_ended_shows_nothing(self, client):
        grant = GrantFactory(family__name="Canary", ends_at=timezone.now() - timedelta(minutes=1))
        client.force_login(grant.person)

        assert "Canary" not in client.get("/").text

    def test_an_auditor_sees_the_same_as_a_manager(self, client):
        FamilyFactory(name="Dark House", is_online=False)
        client.force_login(AuditorFactory())

        assert "Dark House" in client.get("/").text
