"""Signing in at the upstream, in the browser: a return counts once, for whoever began it, and not for long."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.audit.models import Entry
from portal.connections import tasks
from portal.connections.models import Connection, Health, PendingSignIn
from tests.audit.trails import holds
from tests.connections.signing import HTMX, come, new, press_in, send, typed
from tests.factories import AuditorFactory, ConnectionFactory, FamilyAdminFactory, ManagerFactory
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

CREATE = reverse("connections:connection_create")
RETURN = reverse("connections:sign_in_return")
OWN = reverse("connections:own_connection")


def begin(client: Client, simulator: SimulatorProcess, **changes: Any) -> str:
    """The form is sent; the address that its answer leads to."""
    answer = send(client, CREATE, new(simulator, "code", **changes))
    assert answer.status_code == 200, answer.text
    return leave_url(answer.text)


def leave_url(text: str) -> str:
    return unescape(re.search(r'href="(http[^"]+oauth2/auth[^"]+)"', text)[1])


def agree(simulator: SimulatorProcess, address: str, answer: str = "allow", account: str = "") -> str:
    """At the upstream: the page, and one of its buttons; the path that the browser is sent back to."""
    page = requests.get(address, timeout=5)
    assert page.status_code == 200, page.text
    form = {"account": account or simulator.sign_in["username"], "answer": answer}
    back = requests.post(
        simulator.url + unescape(re.search(r'action="([^"]+)"', page.text)[1]),
        data=form,
        timeout=5,
        allow_redirects=False,
    )
    parts = urlsplit(back.headers["Location"])
    return f"{parts.path}?{parts.query}"


class TestTheWayThere:
    def test_a_link_leads_there_with_everything_that_the_upstream_asks_for(
        self, client: Client, simulator: SimulatorProcess, settings: Any
    ) -> None:
        manager = come(client, ManagerFactory())
        found = {name: value for name, [value] in parse_qs(urlsplit(begin(client, simulator)).query).items()}
        assert found["redirect_uri"] == f"{settings.PUBLIC_URL}{RETURN}"
        assert (found["response_type"], found["scope"]) == ("code", "user")
        assert found["client_id"] == simulator.sign_in["client_id"]
        pending = PendingSignIn.objects.get()
        assert (pending.started_by, pending.name, pending.is_personal) == (manager, "Riverside", False)
        assert pending.client_secret == simulator.sign_in["client_secret"]
        stored = str(list(PendingSignIn.objects.values()))
        sessions = str([session.get_decoded() for session in Session.objects.all()])
        assert found["state"] not in stored + sessions
        assert simulator.sign_in["client_secret"] not in stored + sessions
        assert simulator.journal() == []

    def test_the_page_says_which_return_address_the_upstream_must_know(
        self, client: Client, settings: Any
    ) -> None:
        come(client, ManagerFactory())
        assert f"{settings.PUBLIC_URL}{RETURN}" in client.get(f"{CREATE}?how=code").text

    def test_without_a_script_it_is_a_page_with_the_same_link(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        answer = send(client, CREATE, new(simulator, "code"), headers={})
        assert "<html" in answer.text
        assert leave_url(answer.text)

    @pytest.mark.parametrize("field", ["client_id", "client_secret", "base_url", "name"])
    def test_what_is_missing_is_said_and_nothing_is_begun(
        self, client: Client, simulator: SimulatorProcess, field: str
    ) -> None:
        come(client, ManagerFactory())
        assert send(client, CREATE, new(simulator, "code", **{field: ""})).status_code == 422
        assert not PendingSignIn.objects.exists()

    def test_what_was_begun_long_ago_and_too_often_is_cleared_away(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        begin(client, simulator)
        PendingSignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        for number in range(14):
            begin(client, simulator, name=f"Number {number}")
        assert PendingSignIn.objects.count() == 10
        assert PendingSignIn.objects.filter(name="Number 13").exists()

    def test_what_was_given_up_is_forgotten_with_its_secret_also_when_nobody_begins_another(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        begin(client, simulator)
        begin(client, simulator, name="Given up")
        PendingSignIn.objects.filter(name="Given up").update(expires_at=timezone.now())
        tasks.look_after_connections()
        assert [one.name for one in PendingSignIn.objects.all()] == ["Riverside"]


class TestTheWayBack:
    def test_it_is_proven_and_kept(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        address = begin(client, simulator, history_zone="Europe/Lisbon", calls_per_minute="90")
        answer = client.get(agree(simulator, address))
        made = Connection.objects.get()
        assert answer["Location"] == reverse("connections:connection_detail", args=[made.public_id])
        assert (made.name, made.sign_in, made.history_zone, made.calls_per_minute) == (
            "Riverside",
            "code",
            "Europe/Lisbon",
            90,
        )
        assert made.refresh_token
        assert made.client_secret == simulator.sign_in["client_secret"]
        assert "It reaches 40 families" in client.get(answer["Location"]).text
        assert not PendingSignIn.objects.exists()
        told = Entry.objects.filter(event="connection.add").order_by("number")
        assert list(told.values_list("phase", "outcome")) == [("intent", ""), ("outcome", "succeeded")]
        assert made.refresh_token not in str(list(Entry.objects.values()))
        assert holds()

    def test_a_connection_that_is_there_is_signed_in_again(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(name="Riverside", base_url=simulator.url, health=Health.SIGNED_OUT)
        address = reverse("connections:connection_renew", args=[made.public_id])
        answer = send(client, address, typed(simulator, "code"))
        client.get(agree(simulator, leave_url(answer.text)))
        made.refresh_from_db()
        assert (made.health, made.sign_in) == (Health.GOOD, "code")
        assert Connection.objects.count() == 1

    def test_it_counts_once(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        client.get(back)
        again = client.get(back)
        assert again.status_code == 422
        assert "was used before" in again.text
        assert Connection.objects.count() == 1
        assert len(simulator.journal("oauth2/token")) == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_returns_at_once_are_one(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        simulator.fault("oauth2/token", "latency", seconds=0.5)

        def one(_number: int) -> int:
            mine = Client()
            mine.cookies = client.cookies
            try:
                return int(mine.get(back).status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(one, range(4))) == [302, 422, 422, 422]
        assert len(simulator.journal("oauth2/token")) == 1
        assert Connection.objects.count() == 1

    def test_two_tabs_of_one_session_each_come_back(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        first, second = begin(client, simulator), begin(client, simulator, name="Hillside")
        for address in (second, first):
            assert client.get(agree(simulator, address)).status_code == 302
        assert set(Connection.objects.values_list("name", flat=True)) == {"Riverside", "Hillside"}

    def test_after_ten_minutes_it_is_too_late(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        PendingSignIn.objects.update(expires_at=timezone.now())
        assert client.get(back).status_code == 422
        assert simulator.journal("oauth2/token") == []

    def test_somebody_elses_is_not_theirs_and_stays_good(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        other = Client()
        come(other, ManagerFactory())
        assert other.get(back).status_code == 422
        assert simulator.journal("oauth2/token") == []
        assert client.get(back).status_code == 302

    def test_another_session_of_the_same_person_is_not_the_one(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        manager = come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        other = Client()
        come(other, manager)
        assert other.get(back).status_code == 422
        client.logout()
        come(client, manager)
        assert client.get(back).status_code == 422
        assert not Connection.objects.exists()

    def test_a_visitor_signs_in_first_and_nothing_is_kept(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        assert reverse("account_login") in Client().get(back)["Location"]
        assert not Connection.objects.exists()

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"code": "x"},
            {"state": "forged", "code": "x"},
            {"state": "", "code": "x"},
            {"state": "x" * 10_000, "code": "x"},
            [("state", "a"), ("state", "b"), ("code", "x")],
        ],
    )
    def test_a_forged_return_is_plain_words(
        self, client: Client, simulator: SimulatorProcess, query: Any
    ) -> None:
        come(client, ManagerFactory())
        begin(client, simulator)
        answer = client.get(f"{RETURN}?{urlencode(query)}")
        assert answer.status_code == 422
        assert "Nothing was kept" in answer.text
        assert simulator.journal() == []

    def test_who_says_no_there_is_told_so(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator), "deny")
        answer = client.get(back)
        assert answer.status_code == 422
        assert "Nobody agreed" in answer.text
        assert not PendingSignIn.objects.exists()
        entry = Entry.objects.get(event="connection.add")
        assert (entry.outcome, entry.words) == ("refused", "access_denied")

    def test_a_code_that_came_twice_or_not_at_all_is_none(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        state = parse_qs(urlsplit(begin(client, simulator)).query)["state"][0]
        answer = client.get(f"{RETURN}?{urlencode([('state', state), ('code', 'a'), ('code', 'b')])}")
        assert answer.status_code == 422
        assert simulator.journal("oauth2/token") == []

    def test_a_code_that_the_upstream_refuses(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        state = parse_qs(urlsplit(begin(client, simulator)).query)["state"][0]
        answer = client.get(f"{RETURN}?{urlencode({'state': state, 'code': 'CANARY-code'})}")
        assert answer.status_code == 422
        assert "refused the sign-in" in answer.text
        assert "CANARY" not in answer.text + str(list(Entry.objects.values()))
        assert not Connection.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "status"), [("hang", 503), ("html", 422), ("status", 503), ("redirect", 422)]
    )
    def test_an_upstream_in_trouble_keeps_nothing(
        self, client: Client, simulator: SimulatorProcess, settings: Any, kind: str, status: int
    ) -> None:
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        simulator.fault("oauth2/token", kind, **({"status": 500} if kind == "status" else {}))
        assert client.get(back).status_code == status
        assert not Connection.objects.exists()
        assert holds()

    def test_a_name_that_was_taken_meanwhile(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        ConnectionFactory(name="Riverside")
        answer = client.get(back)
        assert answer.status_code == 422
        assert "meanwhile" in answer.text
        assert Connection.objects.count() == 1

    def test_a_connection_that_was_removed_meanwhile(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(base_url=simulator.url)
        address = reverse("connections:connection_renew", args=[made.public_id])
        back = agree(simulator, leave_url(send(client, address, typed(simulator, "code")).text))
        Connection.objects.update(removed_at=timezone.now(), access_token=None)
        answer = client.get(back)
        assert answer.status_code == 422
        assert "removed this connection meanwhile" in answer.text
        assert Connection.objects.get().access_token is None

    def test_a_right_that_was_withdrawn_meanwhile(self, client: Client, simulator: SimulatorProcess) -> None:
        manager = come(client, ManagerFactory())
        back = agree(simulator, begin(client, simulator))
        manager.is_limited = True
        manager.save()
        assert client.get(back).status_code == 403
        assert not Connection.objects.exists()
        assert simulator.journal("oauth2/token") == []

    def test_an_auditor_has_no_business_here(self, client: Client) -> None:
        come(client, AuditorFactory())
        assert client.get(RETURN).status_code == 403

    def test_ones_own_account(self, client: Client, simulator: SimulatorProcess) -> None:
        person = come(client, FamilyAdminFactory())
        address = reverse("connections:own_connection_sign_in")
        newcomer = simulator.estate()["newcomer"]["email"]
        answer = send(client, address, typed(simulator, "code"))
        back = agree(simulator, leave_url(answer.text), account=newcomer)
        assert client.get(back)["Location"] == OWN
        made = Connection.objects.get()
        assert (made.owner, made.sign_in, made.families_listed) == (person, "code", 0)

    def test_a_form_that_is_sent_twice_begins_once(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        press = press_in(client.get(f"{CREATE}?how=code").text)
        for status in (200, 422):
            answer = client.post(CREATE, {**new(simulator, "code"), "press": press}, headers=HTMX)
            assert answer.status_code == status
        assert PendingSignIn.objects.count() == 1
