"""Guessing is slowed per account and address, and no stranger locks anybody out. 1,000 guesses, with the figures."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.db import connection, connections
from django.test import Client, RequestFactory

from portal.accounts import guessing
from portal.accounts.forms.sign_in import RESET_SECONDS
from portal.accounts.guessing import Turn
from portal.accounts.models import GuessLimit, User
from portal.audit.models import Entry
from tests.accounts.factors import code_of, person, with_app, with_codes
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"
QUARTER = 15 * 60
GUESSES = 1_000
NOON = "2026-05-04T12:00:00Z"
OWNER = "198.51.100.77"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as found:
        yield found


@pytest.fixture
def ada(settings: Any) -> User:
    """Her password is checked in no time: what a try costs is not what is counted here."""
    user = person(email="ada@gatehouse.example")
    # After the factory, which keeps what it hashed for other tests.
    usual = settings.PASSWORD_HASHERS
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *usual]
    user.set_password(PASSWORD)
    user.save()
    return user


def try_password(client: Client, email: str, password: str, address: str, **fields: str) -> str:
    """What became of it: "in", "asked" (for a second factor), "wrong", "both" or "refused"."""
    answer = client.post(LOGIN, {"login": email, "password": password, **fields}, REMOTE_ADDR=address)
    if answer.status_code == 302:
        return "asked" if answer["Location"] == "/account/second-factor/show/" else "in"
    page = answer.content.decode()
    words = {
        "wrong": ("is not correct", "do not belong together"),
        "both": ("together, with a passkey",),
        "refused": ("was not looked at",),
    }
    (said,) = (name for name, signs in words.items() if any(sign in page for sign in signs))
    return said


def flood(clock: Any, email: str, address_of: Callable[[int], str], seconds: float = QUARTER) -> Counter[str]:
    """1,000 guesses spread over a quarter of an hour, and what became of them."""
    client, seen = Client(), Counter[str]()
    for number in range(GUESSES):
        seen[try_password(client, email, f"guess {number}", address_of(number))] += 1
        clock.shift(seconds / GUESSES)
    return seen


def many_addresses(number: int) -> str:
    return f"10.{number // 250}.{number % 250}.9"


@pytest.mark.timeout(300)
class TestAThousandGuesses:
    def test_from_one_address_ten_are_looked_at(self, clock: Any, ada: User, capsys: Any) -> None:
        seen = flood(clock, ada.email, lambda number: "192.0.2.1")
        with capsys.disabled():
            print(f"\n1,000 guesses in a quarter of an hour, one address: {dict(seen)}")
        assert seen == {"wrong": 9, "refused": 991} or seen == {"wrong": 10, "refused": 990}
        # The owner is somewhere else, and notices nothing.
        assert try_password(Client(), ada.email, PASSWORD, OWNER) == "in"

    def test_from_a_thousand_addresses_thirty_five_are_looked_at(
        self, clock: Any, ada: User, capsys: Any
    ) -> None:
        seen = flood(clock, ada.email, many_addresses)
        with capsys.disabled():
            print(f"\n1,000 guesses in a quarter of an hour, 1,000 addresses: {dict(seen)}")
        assert seen["wrong"] in {34, 35}
        assert seen["both"] == GUESSES - seen["wrong"]
        # The trail tells each that was looked at, and counts the others: 1, 2, 4, … 512.
        failed = Entry.objects.filter(event="person.sign_in_failed")
        refused = Entry.objects.filter(event="person.sign_in_refused").order_by("number")
        with capsys.disabled():
            print(f"On the trail: {failed.count()} failed, {refused.count()} refused")
        assert failed.count() == seen["wrong"]
        assert [entry.parameters for entry in refused] == [f'{{"times": {2**power}}}' for power in range(10)]
        assert {entry.actor_name for entry in refused} == {ada.email}

    def test_no_quarter_of_an_hour_has_more_than_ten_of_a_pair(self, clock: Any, ada: User) -> None:
        client, looked_at = Client(), []
        for turn in range(4 * QUARTER // 20):
            if try_password(client, ada.email, "no", "192.0.2.1") == "wrong":
                looked_at.append(turn * 20)
            clock.shift(20)
        within = [sum(begin <= other < begin + QUARTER for other in looked_at) for begin in looked_at]
        assert max(within) in {9, 10}

    def test_one_address_with_many_accounts_gets_sixty(self, clock: Any, ada: User) -> None:
        client, seen = Client(), Counter[str]()
        for number in range(300):
            seen[try_password(client, f"a{number}@gatehouse.example", "no", "192.0.2.1")] += 1
            clock.shift(QUARTER / 300)
        assert seen["wrong"] in {59, 60}


class TestTheOwnerDuringAFlood:
    @pytest.fixture
    def flooded(self, clock: Any, ada: User) -> User:
        for number in range(60):
            try_password(Client(), ada.email, "no", many_addresses(number))
        assert try_password(Client(), ada.email, PASSWORD, OWNER) == "both"
        return ada

    def test_gets_in_with_the_password_and_a_code_together(self, flooded: User) -> None:
        secret, client = with_app(flooded), Client()
        page = client.post(LOGIN, {"login": flooded.email, "password": PASSWORD}, REMOTE_ADDR=OWNER)
        assert 'name="code"' in page.content.decode()
        assert try_password(client, flooded.email, PASSWORD, OWNER, code=code_of(secret)) == "in"
        assert client.get("/").status_code == 200

    def test_gets_in_with_a_recovery_code_once(self, flooded: User) -> None:
        with_app(flooded)
        code = with_codes(flooded)[3]
        assert try_password(Client(), flooded.email, PASSWORD, OWNER, code=code) == "in"
        assert try_password(Client(), flooded.email, PASSWORD, OWNER, code=code) == "wrong"

    def test_gets_in_from_a_browser_that_was_signed_in_before(self, clock: Any, ada: User) -> None:
        client = Client()
        assert try_password(client, ada.email, PASSWORD, OWNER) == "in"
        client.post("/account/logout/")
        assert client.get("/").status_code == 302
        for number in range(60):
            try_password(Client(), ada.email, "no", many_addresses(number))
        # Also from an address that somebody guesses from.
        for _ in range(10):
            try_password(Client(), ada.email, "no", OWNER)
        assert try_password(Client(), ada.email, PASSWORD, OWNER) == "both"
        assert try_password(client, ada.email, PASSWORD, OWNER) == "in"

    def test_gets_in_without_either_after_the_window(self, clock: Any, flooded: User) -> None:
        clock.shift(QUARTER)
        assert try_password(Client(), flooded.email, PASSWORD, OWNER) == "in"

    def test_can_have_a_new_password_by_mail(self, flooded: User) -> None:
        answer = Client().post("/account/password/reset/", {"email": flooded.email}, REMOTE_ADDR=OWNER)
        assert answer.status_code == 302
        assert [message.to for message in mail.outbox] == [[flooded.email]]

    def test_a_new_password_by_mail_lets_that_browser_in(self, flooded: User) -> None:
        client = Client()
        client.post("/account/password/reset/", {"email": flooded.email}, REMOTE_ADDR=OWNER)
        (link,) = re.findall(r"(/account/password/reset/key/\S+)", str(mail.outbox[0].body))
        page = client.get(link, follow=True)
        fresh = "another Horse 98"
        client.post(page.redirect_chain[-1][0], {"password1": fresh, "password2": fresh})
        assert try_password(Client(), flooded.email, fresh, OWNER) == "both"
        assert try_password(client, flooded.email, fresh, OWNER) == "in"

    def test_which_of_the_two_was_wrong_is_told_to_nobody(self, flooded: User) -> None:
        secret = with_app(flooded)
        pages = []
        for number, (password, code) in enumerate(
            [(PASSWORD, "000000"), ("no", code_of(secret)), ("no", "000000")]
        ):
            answer = Client().post(
                LOGIN,
                {"login": flooded.email, "password": password, "code": code},
                REMOTE_ADDR=f"203.0.113.{number}",
            )
            assert answer.status_code == 200
            pages.append(words_of(answer))
        assert pages[0] == pages[1] == pages[2]
        # A code that came with a wrong password was not used up by whoever sent it.
        assert try_password(Client(), flooded.email, PASSWORD, OWNER, code=code_of(secret)) == "in"

    def test_strangers_cannot_use_up_the_codes_tries(self, flooded: User) -> None:
        secret = with_app(flooded)
        for number in range(30):
            try_password(Client(), flooded.email, "no", f"203.0.113.{number}", code="000000")
        assert try_password(Client(), flooded.email, PASSWORD, OWNER, code=code_of(secret)) == "in"


def words_of(answer: Any) -> str:
    page: str = answer.content.decode()
    return page[page.index('id="notices"') : page.index('name="password"')].replace(
        page[page.index('name="csrfmiddlewaretoken"') :][:120], ""
    )


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password was hashed."""

    algorithm = "counted"
    times = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.times += 1
        return super().encode(password, salt)


class TestWhatIsCounted:
    def test_an_address_without_an_account_takes_as_long(self, ada: User, settings: Any) -> None:
        settings.PASSWORD_HASHERS = ["tests.accounts.test_guessing.CountingHasher"]
        ada.set_password(PASSWORD)
        ada.save()
        times = []
        for email in (ada.email, "nobody@gatehouse.example", person(password=None).email):
            before = CountingHasher.times
            assert try_password(Client(), email, "no", OWNER) == "wrong"
            times.append(CountingHasher.times - before)
        assert times == [1, 1, 1]

    def test_an_address_without_an_account_is_answered_likewise(self, clock: Any, ada: User) -> None:
        for count in range(8):
            pages = []
            for email in (ada.email, "ida@gatehouse.example"):
                answer = Client().post(LOGIN, {"login": email, "password": "no"}, REMOTE_ADDR="192.0.2.1")
                pages.append((answer.status_code, words_of(answer).replace(email, "")))
            assert pages[0] == pages[1], count

    def test_the_spelling_of_the_account_and_of_the_host_makes_no_difference(
        self, clock: Any, ada: User
    ) -> None:
        client = Client()
        seen = [
            client.post(LOGIN, {"login": spelling, "password": "no"}, HTTP_HOST=host, REMOTE_ADDR="192.0.2.1")
            for spelling, host in [
                ("ada@gatehouse.example", "localhost"),
                ("ADA@gatehouse.example", "Localhost"),
                (" ada@gatehouse.example ", "LOCALHOST:8000"),
                ("Ada@Gatehouse.Example", "localhost:1"),
                ("adA@gatehouse.example", "localhost:2"),
                ("aDa@gatehouse.example", "localhost:3"),
            ]
        ]
        assert ["is not correct" in answer.content.decode() for answer in seen] == [True] * 5 + [False]

    def test_who_forwards_an_address_is_not_believed(self, clock: Any, ada: User) -> None:
        client, seen = Client(), Counter[str]()
        for number in range(12):
            answer = client.post(
                LOGIN,
                {"login": ada.email, "password": "no"},
                REMOTE_ADDR="192.0.2.1",
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            )
            seen["is not correct" in answer.content.decode()] += 1
        assert seen[True] == 5

    @pytest.mark.parametrize("written", ["203.0.113.9:{}", "[2001:db8:1:2::9]:{}"])
    def test_a_port_that_a_proxy_writes_makes_nobody_somebody_else(self, settings: Any, written: str) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        places = {
            guessing.network_of(
                RequestFactory().get(
                    "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": written.format(port)}
                )
            )
            for port in range(5000, 5020)
        }
        assert len(places) == 1
        assert "10.0.0.1" not in places

    @pytest.mark.parametrize(
        ("first", "second", "is_same"),
        [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("", "", True),
        ],
    )
    def test_a_household_has_one_address(self, first: str, second: str, is_same: bool) -> None:
        of = [guessing.network_of(RequestFactory().get("/", REMOTE_ADDR=one)) for one in (first, second)]
        assert (of[0] == of[1]) is is_same

    def test_signing_in_costs_no_tries(self, clock: Any, ada: User) -> None:
        for _ in range(30):
            assert try_password(Client(), ada.email, PASSWORD, OWNER) == "in"

    def test_a_mark_of_a_browser_is_good_for_its_own_account_only(self, clock: Any, ada: User) -> None:
        client, other = Client(), person()
        assert try_password(client, other.email, PASSWORD, OWNER) == "in"
        client.post("/account/logout/")
        seen = Counter(try_password(client, ada.email, "no", "192.0.2.1") for _ in range(8))
        assert seen == {"wrong": 5, "refused": 3}
        # Its own tries are counted, too: by the mark, wherever it comes from.
        seen = Counter(try_password(client, other.email, "no", many_addresses(turn)) for turn in range(8))
        assert seen == {"wrong": 5, "refused": 3}

    @pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "W10:1x:y"])
    def test_a_forged_mark_is_none(self, clock: Any, ada: User, cookie: str) -> None:
        client = Client()
        client.cookies[guessing.DEVICE_COOKIE] = cookie
        assert Counter(try_password(client, ada.email, "no", OWNER) for _ in range(6)) == {
            "wrong": 5,
            "refused": 1,
        }

    def test_what_is_kept_names_nobody_and_goes_away(self, clock: Any, ada: User) -> None:
        for number in range(40):
            try_password(Client(), ada.email, "no", many_addresses(number))
        assert GuessLimit.objects.count() > 40
        keys = list(GuessLimit.objects.values_list("key", flat=True))
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
        clock.shift(2 * QUARTER)
        try_password(Client(), "somebody@gatehouse.example", "no", "192.0.2.9")
        assert GuessLimit.objects.count() < 10

    def test_a_limit_that_cannot_be_kept_lets_nobody_in(self, ada: User) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_guesslimit RENAME TO elsewhere")
        with pytest.raises(Exception, match="accounts_guesslimit"):
            try_password(Client(), ada.email, PASSWORD, OWNER)


class TestResetting:
    def test_mails_are_few_and_the_answer_is_always_the_same(self, clock: Any, ada: User) -> None:
        answers = set()
        for number in range(10):
            for email in (ada.email, "nobody@gatehouse.example"):
                answer = Client().post(
                    "/account/password/reset/", {"email": email}, REMOTE_ADDR=many_addresses(number)
                )
                answers.add((answer.status_code, answer["Location"]))
        assert answers == {(302, "/account/password/reset/done/")}
        assert len(mail.outbox) == 3
        clock.shift(5 * 60)
        Client().post("/account/password/reset/", {"email": ada.email}, REMOTE_ADDR=OWNER)
        assert len(mail.outbox) == 4

    def test_how_long_it_takes_tells_nothing(self, ada: User, settings: Any) -> None:
        settings.EMAIL_BACKEND = "tests.accounts.slow_mail.SlowBackend"
        took = {}
        for email in (ada.email, "nobody@gatehouse.example"):
            begins = time.monotonic()
            Client().post("/account/password/reset/", {"email": email})
            took[email] = time.monotonic() - begins
        # The mail alone takes three seconds.
        assert max(took.values()) < 2.5
        assert min(took.values()) >= RESET_SECONDS
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(10)
        assert [message.to for message in mail.outbox] == [[ada.email]]

    def test_one_address_asks_twenty_times_a_minute(self, clock: Any) -> None:
        seen = Counter(
            Client()
            .post(
                "/account/password/reset/",
                {"email": f"a{number}@gatehouse.example"},
                REMOTE_ADDR="192.0.2.1",
            )
            .status_code
            for number in range(25)
        )
        assert seen == {302: 20, 429: 5}


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_counted_one_by_one() -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")
    gate, seen = threading.Barrier(12), Counter[Turn]()

    def guess() -> None:
        gate.wait()
        for _ in range(3):
            seen[guessing.begin(request, "ada@gatehouse.example").turn] += 1
        connections.close_all()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {Turn.FREE: 5, Turn.REFUSED: 31}
