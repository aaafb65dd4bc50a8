"""The pages of the organisation's connections: how each does, what it reaches and as what, what was done to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.audit.trail import By
from portal.connections import managing
from portal.connections.models import CallCount, Connection, Health
from tests.connections.signing import HTMX, come
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    MemberFactory,
    ReachFactory,
)
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db

LIST = reverse("connections:connection_list")


def page_of(connection: Connection) -> str:
    return reverse("connections:connection_detail", args=[connection.public_id])


def calls(connection: Connection, ago: int, count: int) -> None:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=ago)
    CallCount.objects.create(connection=connection, minute=minute, calls=count)


class TestList:
    def test_one_that_answers_nothing_good_is_not_called_working(self, client: Client) -> None:
        come(client, ManagerFactory())
        ago = timezone.now() - timedelta(minutes=7)
        made = ConnectionFactory(last_good_at=ago, last_error="the answer cannot be read")
        for address in (LIST, page_of(made)):
            page = client.get(address).text
            assert "Answers, but not as it should" in page
            assert "the answer cannot be read" in page
            assert "status--warn" in page
            assert "Working" not in page

    def test_a_paused_one_whose_families_another_one_reads_says_so(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(name="Riverside", paused_at=timezone.now())
        ReachFactory(family=ReachFactory(connection=made).family)
        for address in (LIST, page_of(made)):
            page = client.get(address).text
            assert "Its family is read through another connection." in page
            assert "not being read" not in page
        ReachFactory(connection=made)
        assert "1 of its 2 families is not being read" in client.get(LIST).text

    def test_a_refusal_a_moment_ago_is_no_news(self, client: Client) -> None:
        come(client, ManagerFactory())
        ConnectionFactory(last_error="refused")
        assert "Working" in client.get(LIST).text

    def test_each_connection_is_told(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(name="Riverside", base_url="https://cloud.example", failures=3)
        family = ReachFactory(connection=made, account_id="me", auth="admin").family
        MemberFactory(family=family, account_id="me", email="office@estate.example")
        ReachFactory(connection=made, account_id="me", auth="guest")
        ReachFactory(connection=made, account_id="me", auth="guest")
        ReachFactory(connection=made, account_id="me", auth="")
        ReachFactory(connection=made, account_id="me", auth="user", gone_at=timezone.now())
        calls(made, 0, 7)
        calls(made, 30, 20)
        calls(made, 61, 999)
        page = client.get(LIST)
        assert page.status_code == 200
        for words in (
            "Riverside",
            "https://cloud.example",
            "office@estate.example",
            "Pasted token",
            "4 families",
            "Working",
            "1 role not read yet",
            "In 2 families the log and the rights may be partial.",
            "3 failures since",
            "7 calls this minute, of 6000 at most",
            "27 in the last hour",
        ):
            assert words in page.text, words
        assert '<td class="number">20</td>' in page.text
        assert "999" not in page.text

    def test_two_connections_of_one_account_both_name_it(self, client: Client) -> None:
        come(client, ManagerFactory())
        family = FamilyFactory()
        for _ in range(2):
            ReachFactory(family=family, account_id="me")
        MemberFactory(family=family, account_id="me", email="office@estate.example")
        assert client.get(LIST).text.count("office@estate.example") == 2

    def test_it_is_a_fragment_too(self, client: Client) -> None:
        come(client, ManagerFactory())
        answer = client.get(LIST, headers=HTMX).text
        assert answer.lstrip().startswith('<div class="stack" id="connection-list">')

    def test_an_empty_one_says_how_to_begin(self, client: Client) -> None:
        come(client, ManagerFactory())
        page = client.get(LIST).text
        assert "No connection yet" in page
        assert reverse("connections:connection_create") in page

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"health": Health.SIGNED_OUT, "last_error": "the token was refused"}, "Signed out"),
            ({"health": Health.FAILING}, "Not answering"),
            ({"paused_at": timezone.now()}, "Paused"),
        ],
    )
    def test_what_is_wrong_is_said_with_what_to_do(
        self, client: Client, fields: dict[str, Any], words: str
    ) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(**fields)
        page = client.get(LIST).text
        assert words in page
        has_link = reverse("connections:connection_renew", args=[made.public_id]) in page
        assert has_link == ("health" in fields and fields["health"] == Health.SIGNED_OUT)

    def test_what_is_wrong_comes_first(self, client: Client) -> None:
        come(client, ManagerFactory())
        ConnectionFactory(name="Alpha")
        ConnectionFactory(name="Zulu", health=Health.SIGNED_OUT)
        page = client.get(LIST).text
        assert page.index("Zulu") < page.index("Alpha")

    def test_its_queries_do_not_grow_and_nothing_is_decrypted_or_called(
        self, client: Client, simulator: SimulatorProcess
    ) -> None:
        come(client, ManagerFactory())
        counts = []
        for more in (1, 8):
            for _ in range(more):
                made = ConnectionFactory(base_url=simulator.url)
                for _ in range(more):
                    MemberFactory(
                        family=ReachFactory(connection=made, account_id="me").family, account_id="me"
                    )
                calls(made, 1, 5)
                ConnectionFactory(owner=FamilyAdminFactory())
            Connection.objects.update(access_token=b"\x01\x04gone" + b"x" * 40)
            with CaptureQueriesContext(database) as captured:
                assert client.get(LIST).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 14
        assert simulator.journal() == []

    def test_peoples_own_are_named_and_nothing_of_what_they_reach(self, client: Client) -> None:
        come(client, ManagerFactory())
        owner = FamilyAdminFactory(name="Nadia", is_active=False)
        made = ConnectionFactory(
            owner=owner, base_url="https://theirs.example", username="nadia@cloud.example"
        )
        ReachFactory(connection=made, family=FamilyFactory(name="Their family"))
        page = client.get(LIST).text
        assert "Nadia" in page
        assert "switched off" in page
        for words in ("Their family", "theirs.example", "nadia@cloud.example"):
            assert words not in page
        assert client.get(page_of(made)).status_code == 404

    def test_removed_ones_are_listed_apart(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(name="Old one", removed_at=timezone.now())
        assert page_of(made) in client.get(LIST).text
        assert "This connection is removed" in client.get(page_of(made)).text


class TestDetail:
    def test_it_lists_the_families_with_the_rights_in_each(self, client: Client) -> None:
        come(client, ManagerFactory())
        reach = ReachFactory(family__name="Casa <b>Núñez</b>", auth="guest")
        page = client.get(page_of(reach.connection)).text
        assert "Casa &lt;b&gt;Núñez&lt;/b&gt;" in page
        assert reverse("families:family_detail", args=[reach.family.public_id]) in page
        assert ">Member<" in page

    def test_it_is_a_fragment_too(self, client: Client) -> None:
        come(client, ManagerFactory())
        answer = client.get(page_of(ConnectionFactory()), headers=HTMX).text
        assert answer.lstrip().startswith('<div id="connection-detail">')

    def test_one_goes_through_the_families_by_pages(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory()
        for number in range(120):
            ReachFactory(connection=made, family=FamilyFactory(name=f"House {number:03}"))
        seen, address, pages = [], page_of(made), 0
        while address:
            answer = client.get(address)
            rows = answer.context["page"].rows
            seen += [reach.family.name for reach in rows]
            address, pages = answer.context["after_url"], pages + 1
        assert seen == [f"House {number:03}" for number in range(120)]
        assert pages == 3
        back = client.get(answer.context["before_url"])
        assert [reach.family.name for reach in back.context["page"].rows] == seen[50:100]

    @pytest.mark.parametrize("cursor", ["nonsense", "x" * 5_000, "-1"])
    def test_a_cursor_that_is_not_ours_begins_at_the_top(self, client: Client, cursor: str) -> None:
        come(client, ManagerFactory())
        reach = ReachFactory()
        answer = client.get(page_of(reach.connection), {"after": cursor})
        assert [one.pk for one in answer.context["page"].rows] == [reach.pk]

    def test_what_was_done_to_it_is_told(self, client: Client) -> None:
        manager = come(client, ManagerFactory(name="Ana"))
        made = ConnectionFactory()
        managing.pause(By.person(manager), made)
        managing.pause(By.person(manager), ConnectionFactory(name="Another"))
        page = client.get(page_of(made)).text
        assert page.count("Connection paused") == 1
        assert "Ana" in page

    def test_no_secret_is_on_it(self, client: Client) -> None:
        come(client, ManagerFactory())
        made = ConnectionFactory(
            access_token="CANARY-a", refresh_token="CANARY-r", client_secret="CANARY-s", client_id="id"
        )
        assert "CANARY" not in client.get(page_of(made)).text

    @pytest.mark.parametrize("connection_id", ["nothing-of-that-name-22", "1", "x" * 500])
    def test_one_that_there_is_not_is_not_found(self, client: Client, connection_id: str) -> None:
        come(client, ManagerFactory())
        assert client.get(f"{LIST}{connection_id}/").status_code == 404


class TestWho:
    def test_a_visitor_signs_in_first(self, client: Client) -> None:
        made = ConnectionFactory()
        for address in (LIST, page_of(made)):
            assert client.get(address).status_code == 302
            assert client.get(address, headers=HTMX)["HX-Redirect"]

    @pytest.mark.parametrize(
        "make", [AuditorFactory, FamilyAdminFactory, lambda: ManagerFactory(is_limited=True)]
    )
    def test_only_an_unlimited_manager_comes_here(self, client: Client, make: Any) -> None:
        come(client, make())
        made = ConnectionFactory(name="CANARY")
        for address in (LIST, page_of(made)):
            answer = client.get(address)
            assert answer.status_code == 403
            assert "CANARY" not in answer.text

    def test_the_upstream_being_down_is_no_matter(self, client: Client, simulator: SimulatorProcess) -> None:
        come(client, ManagerFactory())
        simulator.fault("*", "reset_before")
        made = ConnectionFactory(base_url=simulator.url)
        for address in (LIST, page_of(made)):
            assert client.get(address).status_code == 200
