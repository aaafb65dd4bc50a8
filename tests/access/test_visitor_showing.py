"""Showing a visitor their code: inside the window, on the trail first, a few times, and never without being sure."""

import json
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from access.services.visitors import links
from families.models import Kind, SyncState
from portal.accounts.models import GuessLimit
from portal.audit.models import Actor, Command, Entry
from portal.connections.models import Connection
from tests.access.passing import LIST, tell
from tests.access.passing import key as row
from tests.access.visiting import CONTACT, Visited, deeds, kept
from tests.audit.trails import holds
from tests.factories import ManagerFactory
from tests.families.house import a_trail_that_refuses

pytestmark = pytest.mark.django_db(transaction=True)

SHOW = "visitor_link.show"


@pytest.fixture
def visited(simulator, settings) -> Visited:
    settings.CAPTURE_HOSTS = [simulator.host]
    return Visited.of(simulator)


@contextmanager
def limits_that_refuse():
    """The database takes no new row of what is counted."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER full_up BEFORE INSERT ON accounts_guesslimit BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("ALTER TABLE accounts_guesslimit ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    try:
        yield
    finally:
        with database.cursor() as cursor:
            if database.vendor == "sqlite":
                cursor.execute("DROP TRIGGER full_up")
            else:
                cursor.execute("ALTER TABLE accounts_guesslimit DROP CONSTRAINT full_up")


def nothing_was_shown(visited, answer) -> bool:
    return (
        visited.digits not in answer.text
        and visited.grouped not in answer.text
        and "data:" not in answer.text
    )


class TestShown:
    def test_the_digits_and_their_picture_read_live(self, client, visited):
        answer = visited.press(client)

        assert answer.status_code == 200
        assert visited.grouped in answer.text
        assert 'src="data:image/png;base64,' in answer.text
        assert visited.qr_url not in answer.text
        [asked, picture] = visited.simulator.journal()
        assert (asked["command"], asked["param"]) == (LIST, {"residence_id": visited.key.family.residence_id})
        assert (picture["command"], picture["authorized"]) == ("pictures", False)

    def test_it_goes_again_by_itself_with_a_script_and_without(self, client, visited):
        answer = visited.press(client)
        assert 'data-vanishes="120"' in answer.text
        assert answer["Refresh"] == f"120; url={visited.path}"
        again = client.get(visited.path)
        assert nothing_was_shown(visited, again)
        assert "Refresh" not in again

    def test_the_trail_tells_it_before_as_a_visitors(self, client, visited):
        visited.press(Client(REMOTE_ADDR="192.0.2.9"), **{"User-Agent": "Telefone"})

        assert deeds(SHOW) == [("intent", ""), ("outcome", "succeeded")]
        for entry in Entry.objects.filter(event=SHOW):
            assert (entry.actor_kind, entry.actor_id, entry.actor_name) == (Actor.VISITOR, None, "")
            assert (entry.address, entry.user_agent) == ("192.0.2.9", "Telefone")
            assert (entry.object_kind, entry.object_id) == ("pass", visited.key.public_id)
            assert (entry.object_name, entry.family_id) == ("Boiler in 3B", visited.key.family_id)
            assert json.loads(entry.parameters) == {"link": visited.row.public_id}
        assert holds()

    def test_the_audit_page_reads_it_so(self, client, visited):
        visited.press()
        client.force_login(ManagerFactory())
        page = client.get("/audit/").text
        assert "A visitor" in page
        assert "Code of a pass shown to its visitor" in page
        assert "Boiler in 3B" in page

    def test_it_is_counted(self, client, visited):
        assert (visited.row.shown_at, visited.row.shown_count) == (None, 0)
        for _ in range(2):
            visited.press(client)
        assert visited.row.shown_count == 2
        assert timezone.now() - visited.row.shown_at < timedelta(seconds=20)

    def test_it_is_kept_nowhere(self, client, visited, caplog):
        answers = [visited.press(client), client.get(visited.path), client.get(f"/v/{visited.secret}x/")]
        everything = kept() + caplog.text + str(dict(client.session)) + str(client.cookies)
        assert not [secret for secret in visited.secrets() if secret in everything]
        assert visited.grouped in answers[0].text
        # Nothing in the answer's head but where it goes on to, which is where the visitor is.
        headers = [f"{name}: {value}" for answer in answers for name, value in answer.headers.items()]
        told = [one for one in headers if any(secret in one for secret in visited.secrets())]
        assert told == [f"Refresh: 120; url={visited.path}"]

    def test_without_a_picture_the_digits_are_shown(self, client, visited, settings):
        settings.CAPTURE_HOSTS = []
        answer = visited.press(client)
        assert visited.grouped in answer.text
        assert "data:image" not in answer.text

    def test_somebody_who_is_signed_in_is_a_visitor_here(self, client, visited):
        client.force_login(ManagerFactory())
        assert visited.grouped in visited.press(client).text
        assert set(Entry.objects.filter(event=SHOW).values_list("actor_kind", flat=True)) == {Actor.VISITOR}


class TestNotNow:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"starts_at": timedelta(minutes=1), "ends_at": timedelta(hours=1)}, "does not work yet"),
            ({"starts_at": timedelta(hours=-2), "ends_at": timedelta(seconds=-1)}, "It is over"),
            ({"uses": 0}, "no uses left"),
            ({"gone_at": timedelta()}, "It is over"),
            ({"starts_at": None, "ends_at": None}, "Nobody can tell here whether it works"),
        ],
    )
    def test_outside_its_window_nothing_is_asked_and_the_page_says_why(self, client, visited, fields, words):
        now = timezone.now()
        visited.set(**{name: now + it if isinstance(it, timedelta) else it for name, it in fields.items()})

        answer = visited.press(client)

        assert answer.status_code == 409
        assert words in answer.text
        assert not visited.asked()
        assert deeds(SHOW) == []
        assert not GuessLimit.objects.exists()

    def test_a_page_that_was_loaded_before_the_end_shows_nothing_after_it(self, client, visited):
        assert "Show my code" in client.get(visited.path).text
        visited.set(ends_at=timezone.now())
        answer = visited.press(client)
        assert answer.status_code == 409
        assert nothing_was_shown(visited, answer)

    def test_one_that_was_ended_since_it_was_looked_at_shows_nothing(self, client, visited):
        client.get(visited.path)
        links.end_link(ManagerFactory(), link=visited.row)
        answer = visited.press(client)
        assert answer.status_code == 404
        assert "This link shows nothing" in answer.text
        assert not visited.asked()

    def test_what_the_upstream_names_no_more_is_over(self, client, visited):
        tell(visited.simulator, row("11112222"))
        SyncState.objects.filter(kind=Kind.TEMP_KEYS).update(wanted_until=None)
        answer = visited.press(client)
        assert answer.status_code == 409
        assert "It is over" in answer.text
        assert deeds(SHOW) == [("intent", ""), ("outcome", "refused")]
        # The sync is to look soon.
        state = SyncState.objects.get(kind=Kind.TEMP_KEYS, family=visited.key.family)
        assert state.wanted_until is not None


class TestTrouble:
    FAULTS = (
        ("hang", {"seconds": 10}),
        ("reset_before", {}),
        ("reset_after", {}),
        ("status", {"status": 500}),
        ("status", {"status": 503}),
        ("html", {}),
        ("truncated", {}),
        ("wrong_type", {}),
        ("empty", {}),
        ("redirect", {}),
        ("refuse", {"words": "Not for 3B"}),
        ("busy", {}),
    )

    @pytest.mark.parametrize(("kind", "options"), FAULTS)
    def test_the_page_says_so_what_is_known_and_whom_to_call(self, client, visited, settings, kind, options):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        visited.simulator.fault(LIST, kind, **options)
        began = time.monotonic()

        answer = visited.press(client)

        # The deadline, and the room that a machine with much to do needs besides.
        assert time.monotonic() - began < 6
        assert answer.status_code == 503
        assert nothing_was_shown(visited, answer)
        assert "The door system does not answer now" in answer.text
        assert "Until" in answer.text
        assert "Show my code" in answer.text
        assert CONTACT.partition(",")[0] in answer.text
        # What the upstream says is not for visitors.
        assert "Not for 3B" not in answer.text
        assert [phase for phase, _ in deeds(SHOW)] == ["intent", "outcome"]
        assert visited.row.shown_count == 0

    def test_it_does_not_use_up_the_showings_of_the_link(self, client, visited):
        visited.simulator.fault(LIST, "refuse", times=8)
        for _ in range(8):
            assert visited.press(client).status_code == 503
        for _ in range(6):
            assert visited.press(client).status_code == 200

    def test_while_nobody_can_ask_the_account_it_says_the_same(self, client, visited):
        Connection.objects.update(paused_at=timezone.now())
        answer = visited.press(client)
        assert answer.status_code == 503
        assert "does not answer now" in answer.text
        assert not visited.asked()

    @pytest.mark.parametrize(("phase", "asked"), [("", 0), ("intent", 0), ("outcome", 1)])
    def test_without_a_trail_nothing_is_asked_or_nothing_is_shown(self, client, visited, phase, asked):
        with a_trail_that_refuses(phase):
            answer = visited.press(client)
        assert answer.status_code == 503
        assert nothing_was_shown(visited, answer)
        assert "The code cannot be shown now" in answer.text
        assert "Until" in answer.text
        assert len(visited.asked()) == asked
        assert visited.row.shown_count == 0
        assert not Command.objects.exists()

    def test_where_it_cannot_be_counted_nothing_is_asked(self, client, visited):
        with limits_that_refuse():
            answer = visited.press(client)
            nothing = client.get("/v/nothing/")
        assert answer.status_code == 503
        assert "The code cannot be shown now" in answer.text
        assert not visited.asked()
        assert nothing.status_code == 404


class TestHowOften:
    def test_ten_times_an_hour_by_one_link_and_then_it_says_when(self, visited):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            visited.works(hours_ago=1, hours_more=5)
            shown = []
            for minute in range(120):
                # From everywhere: it is the link that is counted.
                answer = visited.press(Client(REMOTE_ADDR=f"198.51.100.{minute}"))
                shown += [minute] if answer.status_code == 200 else []
                if minute == 6:
                    assert answer.status_code == 429
                    assert "It is shown again in 9 minutes." in answer.text
                    assert answer["Retry-After"] == "540"
                    assert "Show my code" in answer.text
                    assert nothing_was_shown(visited, answer)
                clock.shift(timedelta(minutes=1))
        hours = [sum(start <= at < start + 60 for at in shown) for start in range(60)]
        assert max(hours) <= 10, shown
        assert shown[:6] == [0, 1, 2, 3, 4, 5]
        assert len(visited.asked()) == len(shown)

    def test_thirty_an_hour_from_one_address_whatever_the_link(self, visited):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            visited.works(hours_ago=1, hours_more=5)
            statuses = []
            for _ in range(60):
                # A fresh link each minute: only the address stays.
                visited.secret = visited.link().secret
                statuses.append(visited.press(Client(REMOTE_ADDR="2001:db8::1")).status_code)
                clock.shift(timedelta(minutes=1))
        assert statuses.count(200) <= 30
        assert statuses[:20] == [200] * 20
        assert set(statuses) == {200, 429}
        # Of IPv6 the household's network counts; another network is another visitor.
        assert visited.press(Client(REMOTE_ADDR="2001:db8::2")).status_code in {200, 429}
        visited.secret = visited.link().secret
        assert visited.press(Client(REMOTE_ADDR="2001:db8:9::2")).status_code == 200

    def test_a_refused_press_is_not_on_the_trail_as_one_that_showed(self, client, visited):
        for _ in range(9):
            visited.press(client)
        assert deeds(SHOW) == [("intent", ""), ("outcome", "succeeded")] * 6
        assert visited.row.shown_count == 6
