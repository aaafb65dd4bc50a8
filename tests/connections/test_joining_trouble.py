"""A connection that does not work is not kept, whatever the upstream says; and a form that is sent twice acts once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from portal.audit.models import Entry
from portal.connections.models import Connection
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.connections.signing import CREATE, HTMX, add, come, kept_anywhere, new, press_in, send
from tests.factories import (
    ManagerFactory,
)
from tests.families.house import a_trail_that_refuses
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db


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
            ("html", {}, 422, "does not speak as the door system does"),
            ("redirect", {}, 422, "leads to another one"),
            ("empty", {}, 422, "does not speak as the door system does"),
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


@pytest.mark.django_db(transaction=True)
def test_without_a_trail_nothing_is_tried(client: Client, simulator: SimulatorProcess) -> None:
    come(client, ManagerFactory())
    with a_trail_that_refuses():
        answer = add(client, simulator)
    assert answer.status_code == 503
    assert "audit trail is not available" in answer.text
    assert simulator.journal() == []
    assert not Connection.objects.exists()
