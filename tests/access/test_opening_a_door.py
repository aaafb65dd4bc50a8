"""Opening a door from the browser's side: one press, one command, and words that are true."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Opening, Relay
from families.models import Family, Grant, PropertyLimit
from portal.audit.models import Command, Entry, State
from portal.connections.models import Connection
from portal.web.presses import new_press
from tests.access.opening import OPEN, a_door, hidden_in, press_door
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyLimitFactory,
    RelayFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses
from tests.plugins.simulator import SimulatorProcess


@pytest.fixture
def relay(simulator: SimulatorProcess) -> Relay:
    return a_door(simulator)


@pytest.mark.django_db
class TestPressing:
    def test_a_manager_opens_a_door_and_the_trail_tells_it(self, client, simulator, relay):
        answer = press_door(client, ManagerFactory(name="Ana"), relay, reason="locked out")

        assert answer.status_code == 200
        assert 'id="press-' in answer.text
        assert "<html" not in answer.text
        sent = simulator.journal(OPEN)
        assert [(row["param"]["mac"], row["param"]["relay_id"], row["executed"]) for row in sent] == [
            (relay.device.mac, relay.relay_id, True)
        ]
        command = Command.objects.get()
        assert command.state == State.SUCCEEDED
        assert sent[0]["id"] == command.command_id
        entries = Entry.objects.filter(command_id=command.command_id).order_by("number")
        steps = list(entries.values_list("phase", "outcome", "reason"))
        assert [step[:2] for step in steps] == [("intent", ""), ("sent", ""), ("outcome", "succeeded")]
        assert "locked out" in steps[0][2]
        assert holds()

    def test_it_is_not_called_opened_before_the_log_shows_it(self, client, simulator, relay):
        answer = press_door(client, ManagerFactory(), relay)

        assert "told to open" in answer.text
        assert "Not yet seen in the log" in answer.text
        assert "press--seen" not in answer.text

    def test_without_a_script_the_press_has_a_page(self, client, simulator, relay):
        answer = press_door(client, ManagerFactory(), relay, headers={})

        assert answer.status_code == 302
        page = client.get(answer["Location"])
        assert page.status_code == 200
        assert "<html" in page.text
        assert "told to open" in page.text

    def test_a_repeat_of_a_press_replays_its_outcome(self, client, simulator, relay):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"open:{relay.public_id}")

        first, second = (press_door(client, manager, relay, press=token) for _ in range(2))

        assert "told to open" in first.text
        assert "told to open" in second.text
        assert len(simulator.journal(OPEN)) == 1

    def test_a_second_press_within_five_seconds_asks_first(self, client, simulator, relay):
        manager = ManagerFactory(name="Ana")
        press_door(client, manager, relay)

        asked = press_door(client, manager, relay, reason="again")

        assert asked.status_code == 422
        assert re.search(r"Opened \d s ago by Ana. Again\?", asked.text)
        assert 'value="again"' in asked.text
        assert len(simulator.journal(OPEN)) == 1
        assert press_door(client, manager, relay, **hidden_in(asked.text)).status_code == 200
        assert len(simulator.journal(OPEN)) == 2

    def test_the_press_marks_the_history_as_wanted(self, client, simulator, relay):
        from families.models import Kind, SyncState

        later = timezone.now() + timezone.timedelta(hours=1)
        state = SyncState.objects.create(family=relay.device.family, kind=Kind.OPENINGS, due_at=later)

        press_door(client, ManagerFactory(), relay)

        state.refresh_from_db()
        assert state.due_at <= timezone.now()


@pytest.mark.django_db
class TestWhoMay:
    def test_a_family_admin_opens_their_own_door(self, client, simulator, relay):
        person = GrantFactory(family=relay.device.family).person

        assert press_door(client, person, relay).status_code == 200
        assert len(simulator.journal(OPEN)) == 1

    def test_a_limited_manager_among_several_sees_what_became_of_it(self, client, simulator, relay):
        limits = [PropertyLimitFactory() for _ in range(3)]
        PropertyLimit.objects.update(property=limits[0].property)
        Family.objects.update(property=limits[0].property)

        answer = press_door(client, limits[0].person, relay, headers={})

        assert client.get(answer["Location"]).status_code == 200

    def test_a_family_admin_of_another_family_gets_a_404(self, client, simulator, relay):
        person = GrantFactory(family=FamilyFactory()).person

        assert press_door(client, person, relay).status_code == 404
        assert simulator.journal(OPEN) == []

    def test_a_grant_withdrawn_with_the_page_open_refuses_the_press(self, client, simulator, relay):
        grant = GrantFactory(family=relay.device.family)
        token = new_press(grant.person.pk, f"open:{relay.public_id}")
        Grant.objects.all().delete()

        assert press_door(client, grant.person, relay, press=token).status_code == 404
        assert simulator.journal(OPEN) == []

    def test_a_relay_of_another_family_in_the_address_is_a_404(self, client, simulator, relay):
        stranger = RelayFactory()
        client.force_login(ManagerFactory())
        url = reverse("access:opening_create", args=[stranger.device.family.public_id, relay.public_id])

        assert client.post(url, {"press": "x"}, headers=HTMX).status_code == 404
        assert simulator.journal(OPEN) == []

    def test_an_auditor_may_not(self, client, simulator, relay):
        assert press_door(client, AuditorFactory(), relay).status_code == 403
        assert simulator.journal(OPEN) == []

    def test_nobody_may_without_signing_in(self, client, simulator, relay):
        url = reverse("access:opening_create", args=[relay.device.family.public_id, relay.public_id])

        assert client.post(url, {"press": "x"}).status_code == 302
        answer = client.post(url, {"press": "x"}, headers=HTMX)
        assert answer["HX-Redirect"] == reverse("account_login")
        assert simulator.journal(OPEN) == []

    def test_a_get_opens_nothing(self, client, simulator, relay):
        client.force_login(ManagerFactory())
        url = reverse("access:opening_create", args=[relay.device.family.public_id, relay.public_id])

        assert client.get(url).status_code == 405
        assert simulator.journal(OPEN) == []

    @pytest.mark.parametrize("token", ["", "forged", "a:b:c"])
    def test_a_forged_press_asks_again_and_sends_nothing(self, client, simulator, relay, token):
        client.force_login(ManagerFactory())
        url = reverse("access:opening_create", args=[relay.device.family.public_id, relay.public_id])

        assert client.post(url, {"press": token}, headers=HTMX).status_code == 422
        assert simulator.journal(OPEN) == []

    def test_anothers_press_token_is_refused(self, client, simulator, relay):
        token = new_press(ManagerFactory().pk, f"open:{relay.public_id}")

        assert press_door(client, ManagerFactory(), relay, press=token).status_code == 422
        assert simulator.journal(OPEN) == []


@pytest.mark.django_db
class TestTrouble:
    @pytest.mark.parametrize(
        ("fault", "options", "state", "words"),
        [
            ("refuse", {"words": "No permission"}, State.REFUSED, "No permission"),
            ("busy", {"seconds": 7}, State.REFUSED, "busy"),
            ("reset_before", {}, State.UNKNOWN, "We do not know"),
            ("reset_after", {}, State.UNKNOWN, "We do not know"),
            ("truncated", {}, State.UNKNOWN, "We do not know"),
            ("status", {"status": 500}, State.UNKNOWN, "We do not know"),
            ("empty", {}, State.UNKNOWN, "We do not know"),
            ("redirect", {"status": 307}, State.UNKNOWN, "We do not know"),
        ],
    )
    def test_what_is_known_is_said_and_no_more(self, client, simulator, relay, fault, options, state, words):
        simulator.fault(OPEN, fault, **options)

        answer = press_door(client, ManagerFactory(), relay)

        assert answer.status_code == 200
        assert words in answer.text
        assert Command.objects.get().state == state
        assert len(simulator.journal(OPEN)) == 1
        assert holds()

    def test_no_answer_within_the_deadline_is_unknown(self, client, simulator, relay, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        simulator.fault(OPEN, "hang", seconds=6)

        assert "We do not know" in press_door(client, ManagerFactory(), relay).text
        assert Command.objects.get().state == State.UNKNOWN

    def test_an_upstream_that_is_switched_off_is_not_sent(self, client, simulator, relay):
        simulator.stop()

        answer = press_door(client, ManagerFactory(), relay)

        assert "Not sent" in answer.text
        assert Command.objects.get().state == State.NOT_SENT

    def test_no_connection_is_said_in_the_notices(self, client, simulator, relay):
        Connection.objects.update(paused_at=timezone.now())

        answer = press_door(client, ManagerFactory(), relay)

        assert answer.status_code == 503
        assert answer["HX-Retarget"] == "#notices"
        assert simulator.journal(OPEN) == []

    def test_without_a_trail_nothing_is_sent(self, client, simulator, relay):
        manager = ManagerFactory()
        client.force_login(manager)
        token = new_press(manager.pk, f"open:{relay.public_id}")
        url = reverse("access:opening_create", args=[relay.device.family.public_id, relay.public_id])

        with a_trail_that_refuses():
            answer = client.post(url, {"press": token}, headers=HTMX)

        assert answer.status_code == 503
        assert "audit trail is not available" in answer.text
        assert simulator.journal(OPEN) == []


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_presses_at_once_are_one_command(simulator, relay):
    manager = ManagerFactory()
    token = new_press(manager.pk, f"open:{relay.public_id}")
    gate = threading.Barrier(20)

    def press(_: int) -> int:
        gate.wait()
        try:
            return press_door(Client(), manager, relay, press=token).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(press, range(20)))

    assert len(simulator.journal(OPEN)) == 1
    assert set(answers) == {200}
    assert Command.objects.count() == 1


@pytest.mark.django_db
class TestTheStateOfAPress:
    def ask(self, client, command: Command, relay: Relay, version: str = ""):
        url = reverse(
            "access:opening_press", args=[relay.device.family.public_id, relay.public_id, command.public_id]
        )
        return client.get(url, {"version": version} if version else {}, headers=HTMX)

    def test_a_poll_with_nothing_new_is_empty(self, client, simulator, relay):
        answer = press_door(client, ManagerFactory(), relay)
        version = re.search(r"version=([a-z_]+-[a-z]+)", answer.text)[1]

        assert self.ask(client, Command.objects.get(), relay, version).status_code == 204

    def test_it_is_seen_when_the_log_brings_it(self, client, simulator, relay):
        answer = press_door(client, ManagerFactory(), relay)
        version = re.search(r"version=([a-z_]+-[a-z]+)", answer.text)[1]
        command = Command.objects.get()
        OpeningFactory(family=relay.device.family, command=command)

        seen = self.ask(client, command, relay, version)

        assert seen.status_code == 200
        assert "press--seen" in seen.text
        assert "Accepted" in seen.text
        assert "every 2s" not in seen.text

    def test_it_waits_a_little_for_the_picture(self, client, simulator, relay):
        press_door(client, ManagerFactory(), relay)
        command = Command.objects.get()
        opening = OpeningFactory(family=relay.device.family, command=command, picture="wanted")

        waiting = self.ask(client, command, relay)
        assert "every 2s" in waiting.text
        assert "<img" not in waiting.text

        Opening.objects.filter(pk=opening.pk).update(picture="ready")
        ready = self.ask(client, command, relay, re.search(r"version=([a-z_]+-[a-z]+)", waiting.text)[1])
        assert "thumbnail.jpg" in ready.text
        assert "every 2s" not in ready.text

    def test_an_unknown_press_that_the_log_settled_was_never_accepted(self, client, simulator, relay):
        simulator.fault(OPEN, "reset_after")
        press_door(client, ManagerFactory(), relay)
        command = Command.objects.get()
        OpeningFactory(family=relay.device.family, command=command)
        Command.objects.update(state=State.CONFIRMED_BY_HISTORY)

        seen = self.ask(client, command, relay)

        assert "No answer came" in seen.text
        assert "Accepted" not in seen.text

    def test_a_press_whose_process_died_is_unknown(self, client, simulator, relay):
        manager = ManagerFactory()
        press_door(client, manager, relay)
        past = timezone.now() - timezone.timedelta(seconds=30)
        Command.objects.update(state=State.SENT, created_at=past, deadline_at=past)

        assert "We do not know" in self.ask(client, Command.objects.get(), relay).text
        assert len(simulator.journal(OPEN)) == 1

    def test_anothers_press_is_not_shown_to_a_family_admin(self, client, simulator, relay):
        press_door(client, ManagerFactory(), relay)
        client.force_login(GrantFactory(family=relay.device.family).person)

        assert self.ask(client, Command.objects.get(), relay).status_code == 404


@pytest.mark.django_db
def test_a_picture_is_only_for_those_who_may_see_its_row(client, settings):
    from access.sync.pictures import picture_path
    from access.views.cards import thumbnail_url

    opening: Opening = OpeningFactory(picture="ready")
    path = picture_path(opening)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff\xd9")
    url = thumbnail_url(opening.pk)

    client.force_login(ManagerFactory())
    answer = client.get(url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(answer.streaming_content) == b"\xff\xd8\xff\xd9"
    client.force_login(FamilyAdminFactory())
    assert client.get(url).status_code == 404
    client.force_login(GrantFactory(family=opening.family, starts_at=timezone.now()).person)
    assert client.get(url).status_code == 404
    client.logout()
    assert client.get(url).status_code == 302
