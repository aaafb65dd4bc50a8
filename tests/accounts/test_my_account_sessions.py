"""My account: where I am signed in and how that ends, and a new password."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from portal.accounts import sessions
from portal.accounts.browsers import browser_names
from portal.accounts.models import User
from portal.accounts.people import verify_address
from portal.audit.models import Entry
from tests.accounts.test_adduser import PASSWORD, signs_in
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}
OTHERS = "/account/sessions/others/ending/"
NEW = "another Long sentence 7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.fixture
def ana() -> User:
    ana: User = ManagerFactory.create(name="Ana", email="ana@gatehouse.example", password=PASSWORD)
    verify_address(ana)
    return ana


@pytest.fixture
def client(ana: User) -> Client:
    client = Client(headers={"User-Agent": FIREFOX})
    assert signs_in(client, ana.email, PASSWORD)
    return client


@pytest.fixture
def phone(ana: User, client: Client) -> Client:
    phone = Client(REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "<script>alert(1)</script>"})
    assert signs_in(phone, ana.email, PASSWORD)
    return phone


def is_in(client: Client) -> bool:
    return client.get("/families/").status_code == 200


def ask_for_a_link(email: str) -> str:
    """What the page says, once the mail is out: it is sent beside the request."""
    page = Client().post("/account/password/reset/", {"email": email}, follow=True)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(10)
    assert page.redirect_chain[-1] == ("/account/password/reset/done/", 302)
    return page.text


def endings(client: Client) -> list[str]:
    return re.findall(
        r'action="(/account/sessions/[\w-]{22}/ending/)"', client.get("/account/sessions/").text
    )


class TestSessions:
    def test_they_are_listed_with_where_and_since_when_and_this_one_is_marked(
        self, client: Client, phone: Client
    ) -> None:
        page = client.get("/account/sessions/").text
        here, there = page.index("Firefox on Linux"), page.index("192.0.2.7")
        assert here < page.index("this one") < there
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert page.count("this one") == 1

    def test_no_page_shows_a_sessions_key(self, client: Client, phone: Client) -> None:
        page = client.get("/account/sessions/").text
        assert client.cookies["sessionid"].value not in page
        assert phone.cookies["sessionid"].value not in page

    def test_one_is_ended_at_once_and_on_the_trail(self, ana: User, client: Client, phone: Client) -> None:
        [ending] = endings(client)
        answer = client.post(ending, follow=True)
        assert "You are signed out there." in answer.text
        assert not is_in(phone)
        assert is_in(client)
        entry = Entry.objects.get(event="session.end")
        assert (entry.actor_id, '"address": "192.0.2.7"' in entry.parameters) == (ana.pk, True)

    def test_a_fragment_brings_the_list_without_it(self, client: Client, phone: Client) -> None:
        answer = client.post(endings(client)[0], headers=FRAGMENT)
        assert 'id="sessions"' in answer.text
        assert "192.0.2.7" not in answer.text
        assert "<html" not in answer.text

    def test_somebody_elses_is_not_there(self, client: Client, phone: Client) -> None:
        [ending] = endings(client)
        other = Client()
        other.force_login(ManagerFactory.create())
        for headers in ({}, FRAGMENT):
            assert other.post(ending, headers=headers).status_code == 404
        assert is_in(phone)
        assert not Entry.objects.filter(event="session.end").exists()

    def test_one_that_has_ended_is_not_there(self, client: Client, phone: Client) -> None:
        [ending] = endings(client)
        client.post(ending)
        assert client.post(ending).status_code == 404

    def test_the_own_one_ends_by_signing_out(self, ana: User, client: Client) -> None:
        [here] = sessions.list_sessions(ana)
        answer = client.post(f"/account/sessions/{here.public_id}/ending/")
        assert answer["Location"] == "/account/login/"
        assert not is_in(client)
        assert sessions.list_sessions(ana) == []

    def test_all_others_end_and_a_mail_says_so(self, ana: User, client: Client, phone: Client) -> None:
        assert "You are signed out there." in client.post(OTHERS, follow=True).text
        assert not is_in(phone)
        assert is_in(client)
        assert Entry.objects.get(event="session.end").actor_id == ana.pk
        [message] = mail.outbox
        assert (message.to, "One of your sessions was ended" in message.body) == ([ana.email], True)

    def test_with_no_others_nothing_is_recorded_or_sent(self, client: Client) -> None:
        assert "You were not signed in anywhere else." in client.post(OTHERS, follow=True).text
        assert not Entry.objects.filter(event="session.end").exists()
        assert mail.outbox == []

    def test_a_get_ends_nothing(self, client: Client, phone: Client) -> None:
        for address in (OTHERS, endings(client)[0]):
            assert client.get(address).status_code == 405
        assert is_in(phone)

    def test_a_mail_that_cannot_be_sent_is_told_and_undoes_nothing(
        self, client: Client, phone: Client, settings: Any
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        page = client.post(OTHERS, follow=True).text
        assert "You are signed out there." in page
        assert "could not be sent" in page
        assert not is_in(phone)


class TestNewPassword:
    @pytest.fixture
    def clock(self) -> Iterator[time_machine.Traveller]:
        with time_machine.travel("2026-05-04T08:00:00Z", tick=False) as traveller:
            yield traveller

    def test_the_rules_are_told(self, client: Client) -> None:
        assert "at least 12 characters" in client.get("/account/password/").text

    def test_it_is_changed_others_end_and_a_mail_says_so(
        self, ana: User, client: Client, phone: Client
    ) -> None:
        answer = client.post("/account/password/", {"password": NEW, "again": NEW}, follow=True)
        assert answer.redirect_chain[0][0] == "/account/sign-in/"
        assert "You were signed out in 1 other place." in answer.text
        assert is_in(client)
        assert not is_in(phone)
        assert len(sessions.list_sessions(ana)) == 0  # the person as read before knows another password
        assert len(sessions.list_sessions(User.objects.get())) == 1
        assert signs_in(Client(), ana.email, NEW)
        entry = Entry.objects.get(event="person.password")
        assert entry.actor_id == ana.pk
        assert NEW not in entry.canonical
        [message] = mail.outbox
        assert message.subject == "Your password for Gatehouse was changed"
        assert NEW not in str(message.message())

    def test_the_key_of_the_session_is_another_one(self, client: Client) -> None:
        before = client.cookies["sessionid"].value
        client.post("/account/password/", {"password": NEW, "again": NEW})
        assert client.cookies["sessionid"].value != before
        stolen = Client()
        stolen.cookies["sessionid"] = before
        assert not is_in(stolen)

    def test_the_twelve_hours_go_on_counting(self, ana: User, clock: Any) -> None:
        client = Client()
        assert signs_in(client, ana.email, PASSWORD)
        client.post("/account/password/", {"password": NEW, "again": NEW})
        for _ in range(35):
            clock.shift(timedelta(minutes=20))
            assert is_in(client)
        clock.shift(timedelta(minutes=20))
        assert not is_in(client)

    @pytest.mark.parametrize(
        ("password", "again", "words"),
        [
            ("", "", "Choose a password"),
            ("short", "short", "too short"),
            ("123456789012", "123456789012", "entirely numeric"),
            ("ana@gatehouse.example", "ana@gatehouse.example", "too similar"),
            (NEW, NEW + "x", "not the same password"),
            (PASSWORD, PASSWORD, "your password already"),
            ("x1" * 600, "x1" * 600, "at most 1000 characters"),
        ],
    )
    def test_what_cannot_be_is_said_and_nothing_changes(
        self, ana: User, client: Client, phone: Client, password: str, again: str, words: str
    ) -> None:
        answer = client.post("/account/password/", {"password": password, "again": again})
        assert (answer.status_code, words in answer.text) == (422, True)
        assert is_in(phone)
        assert signs_in(Client(), ana.email, PASSWORD)
        assert not Entry.objects.filter(event="person.password").exists()

    def test_it_asks_for_a_recent_sign_in_and_drops_what_was_typed(self, ana: User, clock: Any) -> None:
        client = Client()
        assert signs_in(client, ana.email, PASSWORD)
        clock.shift(timedelta(minutes=6))
        for answer in (
            client.get("/account/password/"),
            client.post("/account/password/", {"password": NEW, "again": NEW}),
        ):
            assert answer["Location"].startswith(reverse("account_reauthenticate"))
        assert NEW not in str(dict(client.session))
        assert signs_in(Client(), ana.email, PASSWORD)


class TestByALink:
    def test_a_password_chosen_by_a_link_ends_every_session(
        self, ana: User, client: Client, phone: Client
    ) -> None:
        stranger = Client()
        ask_for_a_link(ana.email)
        [message] = mail.outbox
        assert message.subject == "A new password for Gatehouse"
        [path] = re.findall(r"https?://[^/]+(/account/password/reset/key/\S+)", str(message.body))
        page = stranger.get(path, follow=True)
        stranger.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
        assert not is_in(client)
        assert not is_in(phone)
        assert Entry.objects.get(event="person.password").parameters == '{"by": "link"}'
        assert [one.subject for one in mail.outbox[1:]] == ["Your password for Gatehouse was changed"]

    def test_a_mail_server_that_is_away_tells_nobody_who_has_an_account(
        self, ana: User, settings: Any
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
        known, unknown = (
            token.sub("", ask_for_a_link(email)) for email in (ana.email, "nobody@gatehouse.example")
        )
        assert known == unknown

    def test_where_mails_stay_on_the_console_the_page_says_so_and_shows_no_link(
        self, ana: User, settings: Any, capsys: Any
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        page = ask_for_a_link(ana.email)
        assert "written to the log" in page
        assert "/reset/key/" not in page
        assert "/reset/key/" in capsys.readouterr().out

    def test_where_mails_are_sent_the_page_speaks_of_no_log(self, ana: User) -> None:
        page = ask_for_a_link(ana.email)
        assert "written to the log" not in page


@pytest.mark.parametrize(
    ("user_agent", "names"),
    [
        (FIREFOX, ("Firefox", "Linux")),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
            ("Edge", "Windows"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            ("Safari", "iPhone"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
            ("Chrome", "Android"),
        ),
        ("curl/8.5.0", ("curl/8.5.0", "")),
        ("", ("", "")),
        ("x\n" * 100, (("x " * 30), "")),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent: str, names: tuple[str, str]) -> None:
    assert browser_names(user_agent) == names
