"""A session ends when nobody does anything in it, in any case after twelve hours, and at once where it is ended."""

import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import sessions
from portal.accounts.models import User
from portal.accounts.people import verify_address
from portal.accounts.tasks import clear_sessions
from portal.audit.models import Entry
from tests.accounts.test_adduser import PASSWORD, signs_in
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db
TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"
BEGAN = "2026-05-04T08:00:00Z"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(BEGAN, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ana(clock: time_machine.Traveller) -> User:
    ana: User = ManagerFactory.create(email="ana@gatehouse.example", name="Ana", password=PASSWORD)
    verify_address(ana)
    return ana


@pytest.fixture
def client(ana: User) -> Client:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0"})
    assert signs_in(client, ana.email, PASSWORD)
    return client


def is_in(client: Client, **headers: str) -> bool:
    """Whether a page opens, asked for with these headers."""
    return client.get("/families/", headers=headers).status_code == 200


def writes(client: Client, **headers: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert is_in(client, **headers)
    return sum(query["sql"].startswith(("UPDATE", "INSERT", "DELETE")) for query in seen)


class TestIdle:
    def test_half_an_hour_without_anything_ends_it(self, client: Client, clock: Any) -> None:
        clock.shift(timedelta(minutes=29, seconds=59))
        assert is_in(client)
        clock.shift(timedelta(minutes=30))
        assert not is_in(client)

    def test_whoever_goes_on_stays(self, client: Client, clock: Any) -> None:
        for _ in range(10):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)

    @pytest.mark.parametrize("headers", [{"X-Poll": "1"}, {"Sec-Fetch-Dest": "image"}])
    def test_a_page_that_asks_by_itself_keeps_nobody_in(
        self, client: Client, clock: Any, headers: dict[str, str]
    ) -> None:
        for _ in range(5):
            clock.shift(timedelta(minutes=5, seconds=59))
            assert is_in(client, **headers)
        clock.shift(timedelta(minutes=5))
        assert not is_in(client, **headers)

    def test_it_is_written_down_at_most_once_a_minute(self, client: Client, clock: Any) -> None:
        assert is_in(client)  # which shows what signing in had to say
        counts = []
        for seconds in (0, 30, 29, 2, 30, 31):
            clock.shift(seconds)
            counts.append(writes(client))
        assert counts == [0, 0, 0, 2, 0, 2]

    def test_the_time_is_a_setting(self, client: Client, clock: Any, settings: Any) -> None:
        settings.SESSION_IDLE_MINUTES = 5
        clock.shift(timedelta(minutes=26))
        assert is_in(client)
        clock.shift(timedelta(minutes=4))
        assert is_in(client)

    def test_saving_something_in_a_poll_does_not_move_the_end(self, client: Client, clock: Any) -> None:
        clock.shift(timedelta(minutes=29))
        session = client.session
        session["noted"] = "by a poll"
        session.save()
        clock.shift(timedelta(minutes=2))
        assert not is_in(client)


class TestLongest:
    def test_twelve_hours_after_signing_in_it_ends(self, client: Client, clock: Any) -> None:
        for _ in range(12 * 3 - 1):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)
        clock.shift(timedelta(minutes=19))
        assert is_in(client)
        clock.shift(timedelta(minutes=1))
        assert not is_in(client)

    def test_a_new_password_is_no_longer_time(self, client: Client, clock: Any) -> None:
        for _ in range(12 * 3 - 1):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)
        clock.shift(timedelta(minutes=19))
        new = "quite another password"
        client.post("/account/again/", {"password": PASSWORD})
        assert client.post("/account/password/", {"password": new, "again": new}).status_code == 302
        assert is_in(client)
        clock.shift(timedelta(minutes=1))
        assert not is_in(client)

    def test_the_time_is_a_setting(self, client: Client, clock: Any, settings: Any) -> None:
        settings.SESSION_COOKIE_AGE = 3600
        for _ in range(2):
            clock.shift(timedelta(minutes=25))
            assert is_in(client)
        clock.shift(timedelta(minutes=10))
        assert not is_in(client)


class TestComingBack:
    def test_a_page_leads_to_the_sign_in_page_which_says_why(self, client: Client, clock: Any) -> None:
        clock.shift(timedelta(minutes=31))
        answer = client.get("/families/", follow=True)
        assert answer.redirect_chain[0][0] == "/account/login/?next=/families/"
        assert "nothing was done here for 30 minutes" in answer.content.decode()

    def test_after_the_longest_time_it_says_so(self, client: Client, clock: Any) -> None:
        for _ in range(36):
            clock.shift(timedelta(minutes=20))
            answer = client.get("/families/", follow=True)
        assert "a sign-in holds for 12 hours" in answer.content.decode()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_fragment_and_a_poll_lead_the_whole_page_there(
        self, client: Client, clock: Any, method: str
    ) -> None:
        clock.shift(timedelta(minutes=31))
        answer = getattr(client, method)("/log/new/", headers={"HX-Request": "true", "X-Poll": "1"})
        assert (answer.status_code, answer["HX-Redirect"]) == (204, "/account/login/")
        assert not answer.content

    def test_it_is_on_the_trail_once(self, client: Client, ana: User, clock: Any) -> None:
        clock.shift(timedelta(minutes=31))
        key = client.cookies["sessionid"].value
        assert not Entry.objects.filter(event="session.expired").exists()
        for _ in range(3):
            client.cookies["sessionid"] = key
            assert not is_in(client)
        entry = Entry.objects.get(event="session.expired")
        assert (entry.actor_id, entry.object_name) == (ana.pk, ana.email)
        assert entry.parameters == '{"after": "idle"}'

    def test_nobody_who_does_not_come_back_is_on_the_trail(self, client: Client, clock: Any) -> None:
        clock.shift(timedelta(days=3))
        clear_sessions()
        assert not Session.objects.exists()
        assert not UserSession.objects.exists()
        assert not is_in(client)
        assert not Entry.objects.filter(event="session.expired").exists()

    def test_a_living_session_is_never_cleared(self, client: Client, clock: Any) -> None:
        clear_sessions()
        assert is_in(client)
        assert UserSession.objects.count() == 1


class TestEnding:
    @pytest.fixture
    def other(self, ana: User, client: Client) -> Client:
        other = Client(REMOTE_ADDR="192.0.2.7")
        assert signs_in(other, ana.email, PASSWORD)
        return other

    def test_all_but_one_end_at_once(self, ana: User, client: Client, other: Client) -> None:
        assert sessions.end_all(ana, keep=str(client.session.session_key)) == 1
        assert is_in(client)
        assert not is_in(other)

    def test_all_end_at_once(self, ana: User, client: Client, other: Client) -> None:
        assert sessions.end_all(ana) == 2
        assert not is_in(client)
        assert not is_in(other)
        assert sessions.end_all(ana) == 0

    def test_nobody_elses_end(self, client: Client) -> None:
        assert sessions.end_all(ManagerFactory.create()) == 0
        assert is_in(client)

    def test_the_list_says_where_and_since_when(
        self, ana: User, client: Client, other: Client, clock: Any
    ) -> None:
        clock.shift(timedelta(minutes=10))
        assert is_in(client)
        first, second = sessions.list_sessions(ana)
        assert (first.address, second.address) == ("127.0.0.1", "192.0.2.7")
        assert "Firefox" in first.user_agent
        assert first.last_active_at - first.since == timedelta(minutes=10)
        assert second.last_active_at == second.since

    def test_one_is_found_by_its_owner_only(self, ana: User, client: Client) -> None:
        [one] = sessions.list_sessions(ana)
        assert sessions.find_session(ana, one.public_id) == one
        assert sessions.find_session(ManagerFactory.create(), one.public_id) is None
        assert sessions.end_session(one)
        assert not sessions.end_session(one)
        assert not is_in(client)

    def test_one_from_before_a_new_password_is_not_listed(self, ana: User, client: Client) -> None:
        ana.set_password("another long enough sentence")
        ana.save()
        assert not is_in(client)
        assert sessions.list_sessions(ana) == []

    def test_one_that_expired_is_not_listed(self, ana: User, client: Client, clock: Any) -> None:
        clock.shift(timedelta(minutes=31))
        assert sessions.list_sessions(ana) == []

    def test_an_ended_session_is_not_brought_back_by_a_page_under_way(
        self, ana: User, client: Client, clock: Any
    ) -> None:
        store = client.session
        store.load()
        sessions.end_all(ana)
        clock.shift(timedelta(minutes=5))
        store.extend()
        assert not is_in(client)
        assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_page_does_not_wait_for_a_writer_to_note_that_somebody_is_there() -> None:
    client, began, over = Client(), threading.Event(), threading.Event()
    client.force_login(ManagerFactory.create())
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=20))

    def write() -> None:
        with transaction.atomic():
            Session.objects.update(session_data=F("session_data"))
            began.set()
            over.wait(20)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(10)
        asked = time.monotonic()
        assert is_in(client)
        assert time.monotonic() - asked < 2
    finally:
        over.set()
        writer.join()
    assert Session.objects.get().expire_date < timezone.now() + timedelta(minutes=21)
    assert is_in(client)
    assert Session.objects.get().expire_date > timezone.now() + timedelta(minutes=29)


def test_every_poll_says_that_it_is_one() -> None:
    polls = [
        tag
        for path in TEMPLATES.rglob("*.html")
        for tag in re.findall(r"<[^<>]*hx-trigger=\"[^\"]*\bevery\b[^<]*", path.read_text())
    ]
    assert len(polls) >= 2
    for tag in polls:
        assert """hx-headers='{"X-Poll": "1"}'""" in tag
