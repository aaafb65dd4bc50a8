"""Pausing, going on, changing and removing a connection."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Family, Kind, Reach, SyncState
from families.sync import planner
from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.connections.models import Connection, PendingSignIn
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.connections.acting import Door, pasted
from tests.connections.signing import HTMX, come, press_in, send
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    ReachFactory,
    SyncStateFactory,
)
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

LIST = reverse("connections:connection_list")
ACTIONS = ("pause", "continue", "remove")


def address(connection: Connection, action: str) -> str:
    return reverse(f"connections:connection_{action}", args=[connection.public_id])


def do(client: Client, connection: Connection, action: str, *, press: str = "", **fields: str) -> Any:
    """As the button of its page does, without a script."""
    page = reverse("connections:connection_detail", args=[connection.public_id])
    press = press or press_in(client.get(page).text)
    return client.post(address(connection, action), {"press": press, **fields})


class TestPausing:
    def test_nothing_is_called_through_it_until_it_goes_on(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory(name="Ana"))
        made = pasted(simulator, name="Riverside")
        answer = do(client, made, "pause")
        made.refresh_from_db()
        assert made.paused_at
        assert "“Riverside” is paused" in client.get(answer["Location"]).text
        assert made not in Connection.objects.usable()
        assert Door.of(simulator, made).press().command.error == "paused"
        assert simulator.journal() == []
        SyncStateFactory(kind=Kind.FAMILIES, family=None, connection=made)

        do(client, made, "continue")
        made.refresh_from_db()
        assert made.paused_at is None
        sent: list[list[int]] = []
        assert planner.plan(sent.append) == 1
        assert list(
            Entry.objects.filter(event__startswith="connection.").values_list("event", "actor_name")
        ) == [
            ("connection.pause", "Ana"),
            ("connection.continue", "Ana"),
        ]
        assert holds()

    def test_twice_is_once(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory()
        for _ in range(2):
            do(client, made, "pause")
        made.refresh_from_db()
        do(client, made, "continue")
        do(client, made, "continue")
        assert Entry.objects.filter(event__startswith="connection.").count() == 2

    @pytest.mark.parametrize("action", ACTIONS)
    @pytest.mark.parametrize("press", ["forged", "of another", "of another's"])
    def test_a_press_that_is_not_good_does_nothing(self, client: Client, action: str, press: str) -> None:
        person = come(client, ManagerFactory())
        made = ConnectionFactory(name="Riverside")
        other = ConnectionFactory()
        token = {
            "forged": "forged",
            "of another": new_press(person.pk, f"connection:{other.public_id}"),
            "of another's": new_press(ManagerFactory().pk, f"connection:{made.public_id}"),
        }[press]
        answer = do(client, made, action, press=token, typed="Riverside")
        assert "too old" in client.get(answer["Location"]).text
        made.refresh_from_db()
        assert (made.paused_at, made.removed_at) == (None, None)
        assert not Entry.objects.filter(event__startswith="connection.").exists()


class TestChanging:
    def change(self, client: Client, connection: Connection, **fields: str) -> Any:
        known = {"name": connection.name, "history_zone": "UTC", "calls_per_minute": "600"}
        return send(client, address(connection, "change"), {**known, **fields})

    def test_name_zone_and_budget_are_changed_and_told(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(name="Old", calls_per_minute=600)
        answer = self.change(client, made, name=" New ", history_zone="Europe/Lisbon", calls_per_minute="90")
        assert answer["HX-Redirect"] == reverse("connections:connection_detail", args=[made.public_id])
        made.refresh_from_db()
        assert (made.name, made.history_zone, made.calls_per_minute) == ("New", "Europe/Lisbon", 90)
        entry = Entry.objects.get(event="connection.change")
        assert '"before": {"calls_per_minute": 600, "history_zone": "UTC", "name": "Old"}' in entry.parameters

    def test_what_stays_is_no_change_and_tells_no_log_anew(self, client: Client) -> None:
        come(client, ManagerFactory())
        self.change(client, ConnectionFactory(calls_per_minute=600))
        assert not Entry.objects.filter(event__in=["connection.change", "history.retell"]).exists()

    @pytest.mark.parametrize(
        "fields", [{"name": ""}, {"name": "Taken"}, {"history_zone": "Mars"}, {"calls_per_minute": "5"}]
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_what_cannot_be_is_said_beside_the_field(
        self, client: Client, fields: dict[str, str], headers: Any
    ) -> None:
        come(client, ManagerFactory())
        ConnectionFactory(name="Taken")
        made = ConnectionFactory(name="Mine")
        known = {"name": "Mine", "history_zone": "UTC", "calls_per_minute": "600"}
        answer = send(client, address(made, "change"), {**known, **fields}, headers=headers)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        made.refresh_from_db()
        assert made.name == "Mine"

    def test_a_zone_that_is_not_in_the_list_is_kept(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(history_zone="Etc/GMT+3", calls_per_minute=600)
        assert self.change(client, made, history_zone="Etc/GMT+3").status_code == 204


class TestRemoving:
    @pytest.fixture
    def connection(self, simulator: SimulatorProcess) -> Connection:
        return ConnectionFactory(
            name="Riverside",
            base_url=simulator.url,
            access_token="CANARY-a",
            refresh_token="CANARY-r",
            client_secret="CANARY-s",
        )

    def test_its_sign_in_is_forgotten_and_what_it_brought_stays(
        self, client: Client, connection: Connection
    ) -> None:
        manager = come(client, ManagerFactory())
        alone, shared = FamilyFactory(name="Alone"), FamilyFactory(name="Shared")
        for family in (alone, shared):
            ReachFactory(connection=connection, family=family)
        ReachFactory(family=shared)
        state = SyncStateFactory(kind=Kind.FAMILIES, family=None, connection=connection)
        PendingSignIn.objects.create(
            state_digest="x",
            started_by=manager,
            connection=connection,
            name="R",
            base_url="https://x.example",
            client_id="i",
            client_secret="CANARY-p",
            calls_per_minute=60,
            expires_at=timezone.now(),
        )
        version = connection.token_version
        answer = do(client, connection, "remove", typed="Riverside")
        assert answer["Location"] == LIST
        page = client.get(LIST).text
        assert "“Riverside” is removed" in page
        assert "1 family is not connected any more" in page
        made = Connection.objects.get(pk=connection.pk)
        assert made.removed_at
        assert (made.access_token, made.refresh_token, made.client_secret) == (None, None, None)
        assert made.token_version > version
        assert not PendingSignIn.objects.exists()
        assert SyncState.objects.get(pk=state.pk).fence > state.fence
        assert Reach.objects.filter(connection=connection, gone_at=None).count() == 0
        assert Family.objects.filter(gone_at=None).count() == 2
        assert Entry.objects.filter(event="connection.remove").get().object_id == connection.public_id
        assert holds()
        family_page = client.get(reverse("families:family_detail", args=[alone.public_id])).text
        assert "not connected any more" in family_page
        shared_page = client.get(reverse("families:family_detail", args=[shared.public_id])).text
        assert "not connected any more" not in shared_page

    @pytest.mark.parametrize("typed", ["", "riverside", "Another"])
    def test_its_name_has_to_be_typed(self, client: Client, connection: Connection, typed: str) -> None:
        come(client, ManagerFactory())
        answer = do(client, connection, "remove", typed=typed)
        assert "That is not its name" in client.get(answer["Location"]).text
        connection.refresh_from_db()
        assert connection.removed_at is None

    def test_nothing_is_called_through_it_or_done_to_it_any_more(
        self, client: Client, simulator: SimulatorProcess, connection: Connection
    ) -> None:
        come(client, ManagerFactory())
        reach = ReachFactory(connection=connection)
        door = Door.of(simulator, connection)
        do(client, connection, "remove", typed="Riverside")
        assert connection not in Connection.objects.usable()
        assert Reach.objects.to_act_in(reach.family) is None
        assert door.press().command.state == "not_sent"
        assert simulator.journal() == []
        press = new_press(ManagerFactory().pk, f"connection:{connection.public_id}")
        for action in (*ACTIONS, "change", "renew"):
            answer = client.post(address(connection, action), {"press": press, "typed": "Riverside"})
            assert answer.status_code == 404, action

    def test_a_manager_removes_somebodys_own_and_cannot_do_more(self, client: Client) -> None:
        manager = come(client, ManagerFactory())
        made = ConnectionFactory(name="nadia@home.example", owner=FamilyAdminFactory())
        press = new_press(manager.pk, f"connection:{made.public_id}")
        for action in ("pause", "continue", "change", "renew"):
            assert client.post(address(made, action), {"press": press}).status_code == 404
        assert client.post(address(made, "remove"), {"press": press, "typed": made.name}).status_code == 302
        made.refresh_from_db()
        assert made.removed_at
        assert made.access_token is None


@pytest.mark.parametrize("action", [*ACTIONS, "change"])
@pytest.mark.parametrize(
    "make", [AuditorFactory, FamilyAdminFactory, lambda: ManagerFactory(is_limited=True)]
)
def test_nobody_else_may(client: Client, action: str, make: Any) -> None:
    person = come(client, make())
    made = ConnectionFactory(name="Riverside")
    press = new_press(person.pk, f"connection:{made.public_id}")
    assert client.post(address(made, action), {"press": press, "typed": "Riverside"}).status_code == 403
    made.refresh_from_db()
    assert (made.paused_at, made.removed_at) == (None, None)


@pytest.mark.parametrize("action", ACTIONS)
def test_by_get_nothing_is_done(client: Client, action: str) -> None:
    come(client, ManagerFactory())
    assert client.get(address(ConnectionFactory(), action)).status_code == 405


def test_nothing_is_called_through_the_own_connection_of_an_auditor() -> None:
    made = ConnectionFactory(owner=FamilyAdminFactory())
    organisation = ConnectionFactory()
    assert set(Connection.objects.usable()) == {made, organisation}
    User.objects.update(role=Role.AUDITOR)
    assert set(Connection.objects.usable()) == {organisation}
