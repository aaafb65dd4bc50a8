"""Signing a connection in again, who may, and what a corrected time zone does."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Kind
from portal.audit.models import Entry
from portal.connections.models import Connection, Health
from portal.web.presses import new_press
from tests.connections.signing import CREATE, come, kept_anywhere, new, press_in, send, typed
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    OpeningFactory,
    ReachFactory,
    SyncStateFactory,
)
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db


class TestRenewing:
    @pytest.fixture
    def connection(self, simulator: SimulatorProcess) -> Connection:
        return ConnectionFactory(
            name="Riverside",
            base_url=simulator.url,
            health=Health.SIGNED_OUT,
            access_token=None,
            last_error="over",
            failures=4,
            history_zone="Asia/Tokyo",
            calls_per_minute=777,
        )

    def renew(self, client: Client, connection: Connection, fields: dict[str, str], **options: Any) -> Any:
        return send(
            client, reverse("connections:connection_renew", args=[connection.public_id]), fields, **options
        )

    @pytest.mark.parametrize("how", ["token", "password"])
    def test_it_works_again_and_keeps_its_settings(
        self, client: Client, simulator: SimulatorProcess, connection: Connection, how: str
    ) -> None:
        come(client, ManagerFactory())
        answer = self.renew(client, connection, typed(simulator, how))
        assert answer.status_code == 204
        made = Connection.objects.get()
        assert (made.pk, made.name, made.health, made.failures, made.last_error) == (
            connection.pk,
            "Riverside",
            Health.GOOD,
            0,
            "",
        )
        assert (made.history_zone, made.calls_per_minute) == ("Asia/Tokyo", 777)
        assert made.token_version > connection.token_version
        assert Entry.objects.order_by("-number")[0].event == "connection.renew"
        assert "is signed in again" in client.get(answer["HX-Redirect"]).text

    def test_a_failed_one_leaves_what_was_there(
        self, client: Client, simulator: SimulatorProcess, connection: Connection
    ) -> None:
        come(client, ManagerFactory())
        assert self.renew(client, connection, typed(simulator, "token", token="wrong")).status_code == 422
        made = Connection.objects.get()
        assert (made.health, made.last_error, made.token_version) == (
            Health.SIGNED_OUT,
            "over",
            connection.token_version,
        )

    def test_another_account_than_before_is_said(
        self, client: Client, simulator: SimulatorProcess, connection: Connection
    ) -> None:
        come(client, ManagerFactory())
        ReachFactory(connection=connection, account_id="somebody-else")
        answer = self.renew(client, connection, typed(simulator, "token"))
        assert "another account than before" in client.get(answer["HX-Redirect"]).text

    def test_one_that_is_removed_meanwhile_stays_removed(
        self, client: Client, simulator: SimulatorProcess, connection: Connection
    ) -> None:
        come(client, ManagerFactory())
        address = reverse("connections:connection_renew", args=[connection.public_id])
        press = press_in(client.get(address).text)
        Connection.objects.update(removed_at=timezone.now())
        assert send(client, address, typed(simulator, "token"), press=press).status_code == 404
        assert Connection.objects.get().access_token is None
        assert simulator.journal() == []

    def test_the_form_knows_what_is_no_secret(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(
            sign_in="password",
            username="ana@cloud.example",
            client_id="an-id",
            client_secret="CANARY-secret",
            access_token="CANARY-token",
            refresh_token="CANARY-refresh",
        )
        page = client.get(reverse("connections:connection_renew", args=[made.public_id])).text
        assert 'value="ana@cloud.example"' in page
        assert 'value="an-id"' in page
        assert "CANARY" not in page

    def test_what_somebody_paused_stays_paused(
        self, client: Client, simulator: SimulatorProcess, connection: Connection
    ) -> None:
        come(client, ManagerFactory())
        Connection.objects.update(paused_at=timezone.now())
        answer = self.renew(client, connection, typed(simulator, "token"))
        assert Connection.objects.get().paused_at
        assert "still paused" in client.get(answer["HX-Redirect"]).text


class TestWho:
    @pytest.mark.parametrize(
        "make", [AuditorFactory, FamilyAdminFactory, lambda: ManagerFactory(is_limited=True)]
    )
    def test_only_an_unlimited_manager_adds_and_renews(
        self, client: Client, simulator: SimulatorProcess, make: Any
    ) -> None:
        person = come(client, make())
        made = ConnectionFactory()
        for address in (CREATE, reverse("connections:connection_renew", args=[made.public_id])):
            press = new_press(person.pk, "connection:new")
            assert client.get(address).status_code == 403
            assert client.post(address, {**new(simulator), "press": press}).status_code == 403
        assert simulator.journal() == []
        assert Connection.objects.count() == 1

    def test_somebody_elses_own_is_not_renewed(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(owner=FamilyAdminFactory())
        address = reverse("connections:connection_renew", args=[made.public_id])
        assert client.get(address).status_code == 404

    def test_a_form_with_secrets_is_dropped_where_the_sign_in_is_old(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        person = come(client, ManagerFactory(), is_recent=False)
        press = new_press(person.pk, "connection:new")
        assert "/again/" in client.get(CREATE)["Location"]
        answer = client.post(CREATE, {**new(simulator), "press": press})
        assert "/again/" in answer["Location"]
        assert simulator.journal() == []
        assert simulator.token not in kept_anywhere()


def test_a_corrected_zone_tells_the_log_anew_and_says_how_many_rows(client: Client) -> None:
    come(client, ManagerFactory())
    made = ConnectionFactory(name="Riverside")
    family = FamilyFactory()
    ReachFactory(connection=made, family=family)
    SyncStateFactory(family=family, kind=Kind.OPENINGS)
    opening = OpeningFactory(family=family, raw_time="2026-11-20 12:00:00", at=timezone.now())
    address = reverse("connections:connection_change", args=[made.public_id])
    fields = {"name": "Riverside", "history_zone": "Asia/Tokyo", "calls_per_minute": "600"}
    answer = send(client, address, fields)
    assert "1 row of its log is told at another time now" in client.get(answer["HX-Redirect"]).text
    opening.refresh_from_db()
    assert opening.at.isoformat() == "2026-11-20T03:00:00+00:00"
    events = list(Entry.objects.order_by("number").values_list("event", flat=True))
    assert events[-2:] == ["connection.change", "history.retell"]
