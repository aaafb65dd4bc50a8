"""Adding a connection: tried first, kept only when it works, and nothing secret left lying about."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, SyncState
from portal.audit.models import Entry
from portal.connections.models import Connection, Health
from tests.audit.trails import holds
from tests.connections.signing import CREATE, HTMX, add, come, kept_anywhere, new, send
from tests.factories import (
    ConnectionFactory,
    FamilyAdminFactory,
    ManagerFactory,
    ReachFactory,
)
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

WAYS = ["password", "code", "token"]


class TestAdding:
    def test_by_a_pasted_token(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory(name="Ana"))
        answer = add(client, simulator, history_zone="Europe/Lisbon", calls_per_minute="900")
        made = Connection.objects.get()
        assert (answer.status_code, answer["HX-Redirect"]) == (
            204,
            reverse("connections:connection_detail", args=[made.public_id]),
        )
        assert (made.name, made.base_url, made.history_zone) == ("Riverside", simulator.url, "Europe/Lisbon")
        assert (made.calls_per_minute, made.owner, made.families_listed) == (900, None, 40)
        assert made.access_token == simulator.token
        assert SyncState.objects.get(connection=made).kind == Kind.FAMILIES
        told = list(
            Entry.objects.filter(event="connection.add").order_by("number").values_list("phase", "outcome")
        )
        assert told == [("intent", ""), ("outcome", "succeeded")]
        assert Entry.objects.filter(event="connection.add").first().actor_name == "Ana"
        assert holds()
        page = client.get(answer["HX-Redirect"]).text
        assert "“Riverside” is added. It reaches 40 families" in page
        assert simulator.token not in kept_anywhere() + page

    def test_by_password_which_is_used_once_and_kept_nowhere(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        answer = add(client, simulator, "password")
        assert answer.status_code == 204
        made = Connection.objects.get()
        wanted = simulator.sign_in
        assert (made.username, made.client_id) == (wanted["username"], wanted["client_id"])
        assert made.refresh_token
        page = client.get(answer["HX-Redirect"]).text
        for secret in (wanted["password"], wanted["client_secret"], made.access_token, made.refresh_token):
            assert secret not in kept_anywhere() + page

    def test_without_a_script_one_comes_to_its_page(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        answer = send(client, CREATE, new(simulator), headers={})
        assert answer.status_code == 302
        assert "is added" in client.get(answer["Location"]).text

    def test_an_account_that_reaches_none_is_kept_with_a_warning(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        newcomer = simulator.estate()["newcomer"]["email"]
        answer = add(client, simulator, token=simulator.sign_in_of(newcomer)["token"])
        page = client.get(answer["HX-Redirect"]).text
        assert "reaches 0 families" in page
        assert "reaches no family yet" in page

    def test_families_that_another_connection_reaches_are_told(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        told = simulator.family(auth="admin", is_gone=False)
        ReachFactory(family__residence_id=told["residence_id"])
        answer = add(client, simulator)
        assert "1 of them is reached through another connection too" in client.get(answer["HX-Redirect"]).text

    def test_blanks_and_line_ends_around_a_token_are_no_matter(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        assert add(client, simulator, token=f" \t{simulator.token}\r\n ").status_code == 204
        assert Connection.objects.get().access_token == simulator.token

    def test_the_name_of_a_removed_one_may_be_used_again(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        ConnectionFactory(name="Riverside", removed_at=timezone.now())
        ConnectionFactory(name="Riverside", owner=FamilyAdminFactory())
        assert add(client, simulator).status_code == 204


class TestForm:
    @pytest.mark.parametrize("how", WAYS)
    def test_each_way_is_a_page_and_a_fragment(self, client: Client, how: str) -> None:
        come(client, ManagerFactory())
        page = client.get(f"{CREATE}?how={how}")
        assert page.status_code == 200
        assert "<html" in page.text
        assert f'name="how" value="{how}"' in page.text
        fragment = client.get(f"{CREATE}?how={how}", headers=HTMX).text
        assert fragment.lstrip().startswith('<div class="sign-in-form" id="sign-in-form">')
        assert "csrfmiddlewaretoken" in fragment

    @pytest.mark.parametrize("how", ["", "nonsense", "TOKEN"])
    def test_a_way_that_there_is_not_means_the_first(self, client: Client, how: str) -> None:
        come(client, ManagerFactory())
        assert 'name="how" value="password"' in client.get(f"{CREATE}?how={how}").text

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"name": ""}, "needs a name"),
            ({"name": "  "}, "spaces alone"),
            ({"name": "x" * 101}, "at most 100 characters; this one has 101"),
            ({"name": "x" * 10_000}, "this one has 10,000"),
            ({"name": "a\u200bb"}, "cannot be seen"),
            ({"name": "\u3164"}, "cannot be seen"),
            ({"name": "a\nb"}, "cannot be seen"),
            ({"name": "a\0b"}, "cannot be seen"),
            ({"base_url": ""}, "Type the door system’s address"),
            ({"base_url": "http://cloud.example"}, "use https"),
            ({"base_url": "https://u:CANARY@cloud.example"}, "user name or password"),
            ({"base_url": "https://cloud.example/path"}, "without a path"),
            ({"base_url": "https://cloud.example:0"}, "possible port"),
            ({"base_url": "javascript:alert(1)"}, "https://"),
            ({"token": ""}, "Paste the access token"),
            ({"token": "two words"}, "no token has"),
            ({"token": "naïve"}, "no token has"),
            ({"token": "a\0b"}, "no token has"),
            ({"token": "a" * 8_001}, "at most 8,000 characters"),
            ({"token": "CANARY" * 2_000}, "at most 8,000 characters"),
            ({"history_zone": "Mars/Base"}, "no such time zone"),
            ({"history_zone": "../../etc/passwd"}, "no such time zone"),
            ({"calls_per_minute": "0"}, "greater than or equal to 30"),
            ({"calls_per_minute": "-5"}, "greater than or equal to 30"),
            ({"calls_per_minute": "1000000000"}, "less than or equal to 60000"),
            ({"calls_per_minute": "many"}, "whole number"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_tried(
        self, client: Client, simulator: SimulatorProcess, changes: Any, words: str, headers: Any
    ) -> None:
        come(client, ManagerFactory())
        answer = send(client, CREATE, new(simulator, **changes), headers=headers)
        assert answer.status_code == 422
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert simulator.journal() == []
        assert not Connection.objects.exists()
        assert not Entry.objects.filter(event="connection.add").exists()
        if "token" in changes:
            assert "CANARY" not in answer.text

    @pytest.mark.parametrize("field", ["username", "password", "client_id", "client_secret"])
    def test_everything_that_a_password_needs_is_asked_for(
        self, client: Client, simulator: SimulatorProcess, field: str
    ) -> None:
        come(client, ManagerFactory())
        answer = add(client, simulator, "password", **{field: ""})
        assert answer.status_code == 422
        for secret in (simulator.sign_in["password"], simulator.sign_in["client_secret"]):
            assert secret not in answer.text

    def test_a_name_that_is_there_says_where_to_renew_it(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        ConnectionFactory(name="Riverside")
        answer = add(client, simulator)
        assert answer.status_code == 422
        assert "renew it on its page" in answer.text

    def test_a_private_address_is_refused_where_none_is_allowed(
        self, client: Client, simulator: SimulatorProcess, settings: Any
    ) -> None:
        come(client, ManagerFactory())
        settings.UPSTREAM_PRIVATE_HOSTS = []
        answer = add(client, simulator, base_url="https://10.0.0.7")
        assert answer.status_code == 422
        assert "private network" in answer.text

    def test_addresses_are_suggested(self, client: Client, settings: Any) -> None:
        come(client, ManagerFactory())
        settings.UPSTREAM_REGIONS = ["https://region.example"]
        ConnectionFactory(base_url="https://used.example")
        ConnectionFactory(base_url="https://theirs.example", owner=FamilyAdminFactory())
        page = client.get(CREATE).text
        assert '<option value="https://region.example">' in page
        assert '<option value="https://used.example">' in page
        assert "theirs.example" not in page

    def test_fields_that_nobody_asked_for_do_nothing(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        other = FamilyAdminFactory()
        add(client, simulator, owner=str(other.pk), is_personal="1", health="signed_out", refresh_token="x")
        made = Connection.objects.get()
        assert (made.owner, made.health, made.refresh_token) == (None, Health.GOOD, None)
