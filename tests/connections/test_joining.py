"""Adding a connection and signing one in again: tried first, kept only when it works, and nothing secret left lying about."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, SyncState
from portal.audit.models import Entry
from portal.connections.models import Connection, Health
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.connections.signing import HTMX, come, new, press_in, send, typed
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
from tests.families.house import a_trail_that_refuses
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

CREATE = reverse("connections:connection_create")
WAYS = ["password", "code", "token"]


def add(client: Client, simulator: SimulatorProcess, how: str = "token", **changes: Any) -> Any:
    return send(client, CREATE, new(simulator, how, **changes))


def kept_anywhere() -> str:
    """All that is stored, as text."""
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return f"{list(Connection.objects.values())} {list(Entry.objects.values())} {sessions}"


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
            ({"name": "  "}, "needs a name"),
            ({"name": "x" * 101}, "at most 100 signs; this one has 101"),
            ({"name": "x" * 10_000}, "this one has 10,000"),
            ({"name": "a\u200bb"}, "cannot be seen"),
            ({"name": "a\nb"}, "cannot be seen"),
            ({"name": "a\0b"}, "cannot be seen"),
            ({"base_url": ""}, "Type the address"),
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


class TestTheUpstreamSaysNo:
    def test_a_wrong_token(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        answer = add(client, simulator, token="nonsense-CANARY")
        assert answer.status_code == 422
        assert "does not accept this token" in answer.text
        assert "CANARY" not in answer.text + kept_anywhere()
        assert not Connection.objects.exists()
        assert Entry.objects.filter(event="connection.add").order_by("-number")[0].outcome == "refused"
        assert holds()

    def test_a_wrong_password_is_not_written_back(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        answer = add(client, simulator, "password", password="wrong-CANARY")
        assert answer.status_code == 422
        assert "refused the sign-in" in answer.text
        assert f'value="{simulator.sign_in["username"]}"' in answer.text
        assert "CANARY" not in answer.text + kept_anywhere()
        assert simulator.sign_in["client_secret"] not in answer.text

    @pytest.mark.parametrize(
        ("kind", "options", "status", "words"),
        [
            ("unauthorized", {}, 422, "does not accept this token"),
            ("refuse", {"words": "Not for you", "shape": 0}, 422, "Not for you"),
            ("html", {}, 422, "does not speak as the upstream does"),
            ("redirect", {}, 422, "leads to another one"),
            ("empty", {}, 422, "does not speak as the upstream does"),
            ("hang", {}, 503, "No whole answer came in time"),
            ("reset_after", {}, 503, "No whole answer came in time"),
            ("status", {"status": 500}, 503, "HTTP 500"),
            ("busy", {}, 503, "busy"),
        ],
    )
    def test_whatever_comes_is_said_in_words_and_nothing_is_kept(
        self,
        client: Client,
        simulator: SimulatorProcess,
        settings: Any,
        kind: str,
        options: Any,
        status: int,
        words: str,
    ) -> None:
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        come(client, ManagerFactory())
        simulator.fault("get_family_list", kind, **options)
        answer = add(client, simulator)
        assert answer.status_code == status
        assert words in answer.text
        assert "othing was kept" in answer.text
        assert not Connection.objects.exists()
        assert holds()

    def test_one_that_is_off_is_a_notice_and_the_same_form_may_be_sent_again(
        self, client: Client, simulator: SimulatorProcess, settings: Any
    ) -> None:
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        come(client, ManagerFactory())
        fields = new(simulator, "token")
        press = press_in(client.get(f"{CREATE}?how=token").text)
        simulator.stop()
        try:
            answer = send(client, CREATE, fields, press=press)
            plain = send(client, CREATE, fields, press=press, headers={})
        finally:
            simulator.start()
        assert (answer.status_code, plain.status_code) == (503, 503)
        assert "could not be reached" in answer.text
        assert "<form" not in answer.text
        assert "could not be reached" in plain.text
        assert fields["token"] not in plain.text
        assert send(client, CREATE, fields, press=press).status_code == 204

    def test_the_whole_try_ends_with_the_deadline(
        self, client: Client, simulator: SimulatorProcess, settings: Any
    ) -> None:
        settings.UPSTREAM_DEADLINE_SECONDS = 1.5
        come(client, ManagerFactory())
        simulator.fault("oauth2/token", "latency", seconds=1)
        simulator.fault("get_family_list", "hang")
        began = timezone.now()
        assert add(client, simulator, "password").status_code == 503
        assert (timezone.now() - began).total_seconds() < 1.5 + 5

    def test_whose_account_it_is_is_only_good_to_know(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        simulator.fault("get_family_info", "status", status=500)
        assert add(client, simulator).status_code == 204


class TestTwice:
    def test_a_form_that_is_sent_twice_adds_once(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        press = press_in(client.get(f"{CREATE}?how=token").text)
        first = send(client, CREATE, new(simulator), press=press)
        again = send(client, CREATE, new(simulator, name="Another"), press=press)
        assert (first.status_code, again.status_code) == (204, 422)
        assert "sent before" in again.text
        assert Connection.objects.count() == 1

    @pytest.mark.parametrize("press", ["", "forged", None])
    def test_without_a_good_press_nothing_is_tried(
        self, client: Client, simulator: SimulatorProcess, press: str | None
    ) -> None:
        come(client, ManagerFactory())
        other = new_press(ManagerFactory().pk, "connection:new") if press is None else press
        answer = client.post(CREATE, {**new(simulator), "press": other}, headers=HTMX)
        assert answer.status_code == 422
        assert simulator.journal() == []

    @pytest.mark.django_db(transaction=True)
    def test_two_tabs_that_add_the_same_name_at_once_add_one(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        simulator.fault("get_family_list", "latency", seconds=0.5)
        presses = [press_in(client.get(f"{CREATE}?how=token").text) for _ in range(2)]

        def one(press: str) -> int:
            mine = Client()
            mine.cookies = client.cookies
            try:
                return int(send(mine, CREATE, new(simulator), press=press).status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(one, presses)) == [204, 422]
        assert Connection.objects.count() == 1
        assert holds()


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


@pytest.mark.django_db(transaction=True)
def test_without_a_trail_nothing_is_tried(client: Client, simulator: SimulatorProcess) -> None:
    come(client, ManagerFactory())
    with a_trail_that_refuses():
        answer = add(client, simulator)
    assert answer.status_code == 503
    assert "audit trail is not available" in answer.text
    assert simulator.journal() == []
    assert not Connection.objects.exists()


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
