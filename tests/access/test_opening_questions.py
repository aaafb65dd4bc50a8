"""What is asked ahead of a press, and that nothing is sent before it was answered."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.forms.doors import OpenDoorForm
from access.models import Device, Relay
from access.selectors.presses import families_for
from families.models import PropertyLimit
from portal.audit.models import Command, Entry, State
from portal.web.presses import new_press
from tests.access.opening import (
    OPEN,
    a_door,
    address,
    ask,
    hidden_in,
    minutes,
    press_door,
    shared_doors,
    shared_with,
)
from tests.factories import (
    AuditorFactory,
    CommandFactory,
    DeviceFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    RelayFactory,
)
from tests.families.house import HTMX
from tests.plugins.simulator import SimulatorProcess

FIVE_SECONDS = timezone.timedelta(seconds=5)


@pytest.fixture
def relay(simulator: SimulatorProcess) -> Relay:
    return a_door(simulator)


def offline(relay: Relay) -> None:
    Device.objects.filter(pk=relay.device.pk).update(is_online=False)


@pytest.mark.django_db
class TestTheQuestion:
    def test_it_is_a_page_and_a_fragment_and_asks_nothing_upstream(self, client, simulator, relay):
        page = ask(client, ManagerFactory(), relay, headers={})
        fragment = client.get(address(relay, "opening_confirm"), headers=HTMX)

        assert "<html" in page.text
        assert "<html" not in fragment.text
        for answer in (page, fragment):
            assert answer.status_code == 200
            assert f'action="{address(relay)}"' in answer.text
            assert "Open the door" in answer.text
        assert simulator.journal() == []

    def test_its_answer_opens_the_door_once(self, client, simulator, relay):
        manager = ManagerFactory()
        asked = ask(client, manager, relay)

        assert press_door(client, manager, relay, **hidden_in(asked.text)).status_code == 200
        sent = simulator.journal(OPEN)
        assert [row["param"] for row in sent] == [
            {
                "residence_id": relay.device.family.residence_id,
                "mac": relay.device.mac,
                "relay_id": relay.relay_id,
            }
        ]

    def test_no_gives_the_button_back_and_without_a_script_the_doors(self, client, simulator, relay):
        kept = ask(client, ManagerFactory(), relay, answer="no")
        assert f'id="press-button-{relay.public_id}"' in kept.text
        assert "data-press-question" not in kept.text
        page = ask(client, ManagerFactory(), relay, headers={}, answer="no")
        assert page["Location"] == reverse("access:family_doors", args=[relay.device.family.public_id])

    def test_who_may_not_open_is_not_asked(self, client, simulator, relay):
        assert ask(client, AuditorFactory(), relay).status_code == 403
        assert ask(client, GrantFactory().person, relay).status_code == 404
        client.logout()
        assert client.get(address(relay, "opening_confirm")).status_code == 302

    def test_it_is_asked_with_the_system_away(self, client, simulator, relay):
        simulator.stop()
        assert ask(client, ManagerFactory(), relay).status_code == 200

    def test_a_press_that_nobody_knows_of_is_told_first(self, client, simulator, relay):
        CommandFactory(
            name=OPEN,
            object_kind="relay",
            object_id=relay.public_id,
            state=State.UNKNOWN,
            created_at=minutes(3),
        )
        assert "The last press had no answer" in ask(client, ManagerFactory(), relay).text


@pytest.mark.django_db
class TestWhatTheButtonDoes:
    def button(self, client, relay, user=None) -> str:
        client.force_login(user or ManagerFactory())
        return client.get(reverse("access:family_doors", args=[relay.device.family.public_id])).text

    def test_it_asks_and_can_be_held_by_a_finger(self, client, relay):
        text = self.button(client, relay)
        assert f'action="{address(relay, "opening_confirm")}"' in text
        assert 'data-hold="touch"' in text

    def test_a_family_admin_may_hold_it_with_a_mouse_too(self, client, relay):
        assert 'data-hold="any"' in self.button(
            client, relay, GrantFactory(family=relay.device.family).person
        )

    @pytest.mark.parametrize("what", ["offline", "security", "reason", "unknown"])
    def test_where_something_must_be_answered_it_only_asks(self, client, relay, settings, what):
        if what == "offline":
            offline(relay)
        elif what == "security":
            Relay.objects.update(is_security=True)
        elif what == "reason":
            settings.OPEN_REASON_REQUIRED = True
        else:
            CommandFactory(name=OPEN, object_kind="relay", object_id=relay.public_id, state=State.UNKNOWN)
        text = self.button(client, relay)
        assert f"press-button-{relay.public_id}" in text
        assert "data-hold" not in text


@pytest.mark.django_db
class TestAReason:
    def test_where_one_is_required_nothing_is_sent_without(self, client, simulator, relay, settings):
        settings.OPEN_REASON_REQUIRED = True
        manager = ManagerFactory()
        for reason in ("", "   "):
            refused = press_door(client, manager, relay, reason=reason)
            assert refused.status_code == 422
            assert 'aria-invalid="true"' in refused.text
        assert simulator.journal(OPEN) == []
        assert press_door(client, manager, relay, reason="the plumber").status_code == 200
        assert Command.objects.get().reason == "the plumber"

    def test_one_that_is_too_long_is_not_cut(self, client, simulator, relay):
        assert press_door(client, ManagerFactory(), relay, reason="x" * 201).status_code == 422
        assert simulator.journal(OPEN) == []


@pytest.mark.django_db
class TestADoorThatIsOffline:
    def test_it_is_not_opened_before_that_was_told(self, client, simulator, relay):
        manager = ManagerFactory()
        offline(relay)

        asked = press_door(client, manager, relay)

        assert asked.status_code == 422
        assert "It was offline when last asked." in asked.text
        assert simulator.journal(OPEN) == []
        assert not Command.objects.exists()
        assert not Entry.objects.filter(event="door.open").exists()
        assert press_door(client, manager, relay, **hidden_in(asked.text)).status_code == 200
        assert len(simulator.journal(OPEN)) == 1

    def test_the_question_tells_it_and_counts(self, client, simulator, relay):
        manager = ManagerFactory()
        offline(relay)
        asked = ask(client, manager, relay)
        assert "It was offline when last asked." in asked.text
        assert press_door(client, manager, relay, **hidden_in(asked.text)).status_code == 200

    def test_one_that_went_offline_after_the_question_is_asked_about(self, client, simulator, relay):
        manager = ManagerFactory()
        fields = hidden_in(ask(client, manager, relay).text)
        offline(relay)
        assert press_door(client, manager, relay, **fields).status_code == 422
        assert simulator.journal(OPEN) == []

    def test_a_repeat_after_it_went_offline_tells_the_first_outcome(self, client, simulator, relay):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"open:{relay.public_id}")
        press_door(client, manager, relay, press=token)
        offline(relay)
        again = press_door(client, manager, relay, press=token)
        assert "told to open" in again.text
        assert len(simulator.journal(OPEN)) == 1


@pytest.mark.django_db
class TestASecurityDoor:
    @pytest.mark.parametrize("word", ["", "close", "op", "0pen", "\u202eopen"])
    def test_another_word_sends_nothing(self, client, simulator, relay, word):
        Relay.objects.update(is_security=True)
        refused = press_door(client, ManagerFactory(), relay, word=word, reason="kept")
        assert refused.status_code == 422
        assert 'aria-invalid="true"' in refused.text
        assert 'value="kept"' in refused.text
        assert simulator.journal(OPEN) == []

    def test_a_wrong_word_has_the_focus_behind_a_family_that_is_chosen(self, relay):
        Relay.objects.filter(pk=relay.pk).update(is_security=True)
        relay.refresh_from_db()
        chosen = {"press": "x", "through": relay.public_id}
        asked = OpenDoorForm(None, relay=relay, families=[relay])
        wrong = OpenDoorForm(chosen | {"word": "close"}, relay=relay, families=[relay])
        assert ["autofocus" in str(asked[name]) for name in ("through", "word")] == [True, False]
        assert ["autofocus" in str(wrong[name]) for name in ("through", "word")] == [False, True]

    @pytest.mark.parametrize("word", ["open", "Open", " OPEN ", "o p e n", "open\u00a0"])
    def test_its_word_opens_it(self, client, simulator, relay, word):
        Relay.objects.update(is_security=True)
        assert "Type “open”" in ask(client, ManagerFactory(), relay).text
        assert press_door(client, ManagerFactory(), relay, word=word).status_code == 200
        assert len(simulator.journal(OPEN)) == 1


@pytest.mark.django_db
class TestPressedMomentsAgo:
    def test_after_five_seconds_nobody_asks(self, client, simulator, relay):
        manager = ManagerFactory()
        press_door(client, manager, relay)
        Command.objects.update(created_at=timezone.now() - FIVE_SECONDS)
        assert press_door(client, manager, relay).status_code == 200

    def test_who_was_told_of_one_press_is_told_of_the_next(self, client, simulator, relay):
        ana, ben = ManagerFactory(name="Ana"), ManagerFactory(name="Ben")
        press_door(client, ana, relay)
        of_ana, of_ben = (
            hidden_in(press_door(client, who, relay).text)
            | {"press": new_press(who.pk, f"open:{relay.public_id}")}
            for who in (ana, ben)
        )
        assert press_door(client, ana, relay, **of_ana).status_code == 200
        assert press_door(client, ben, relay, **of_ben).status_code == 422
        assert len(simulator.journal(OPEN)) == 2

    @pytest.mark.parametrize("answer", ["on", "1", "", "x" * 64, "\0"])
    def test_an_answer_to_no_question_of_ours_is_none(self, client, simulator, relay, answer):
        manager = ManagerFactory()
        press_door(client, manager, relay)
        assert press_door(client, manager, relay, again=answer).status_code == 422
        assert len(simulator.journal(OPEN)) == 1

    @pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
    def test_what_did_not_open_it_is_not_asked_about(self, client, simulator, relay, state):
        manager = ManagerFactory()
        press_door(client, manager, relay)
        Command.objects.update(state=state)
        assert press_door(client, manager, relay).status_code == 200

    def test_a_press_through_another_family_counts(self, client, simulator, relay):
        other = shared_with(
            relay, ReachFactory(connection=relay.device.family.reaches.get().connection).family
        )
        manager = ManagerFactory(name="Ana")
        CommandFactory(name=OPEN, object_kind="relay", object_id=other.public_id, actor_name="Ben")
        asked = press_door(client, manager, relay)
        assert asked.status_code == 422
        assert "ago by Ben. Again?" in asked.text

    def test_another_door_of_the_device_does_not(self, client, simulator, relay):
        other = RelayFactory(device=relay.device)
        CommandFactory(name=OPEN, object_kind="relay", object_id=other.public_id)
        assert press_door(client, ManagerFactory(), relay).status_code == 200

    def test_a_family_admin_is_not_told_who_of_another_family_it_was(self, client, simulator, relay):
        other = shared_with(relay, FamilyFactory())
        CommandFactory(
            name=OPEN,
            object_kind="relay",
            object_id=other.public_id,
            actor_name="Canary",
            family=other.device.family,
        )
        person = GrantFactory(family=relay.device.family).person
        asked = press_door(client, person, relay)
        assert "by somebody else. Again?" in asked.text
        assert "Canary" not in asked.text

    def test_the_question_tells_it_already(self, client, simulator, relay):
        manager = ManagerFactory(name="Ana")
        press_door(client, manager, relay)
        asked = ask(client, manager, relay)
        assert re.search(r"Opened \d s ago by Ana. Again\?", asked.text)
        assert press_door(client, manager, relay, **hidden_in(asked.text)).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_shared", [False, True])
def test_of_presses_at_the_same_moment_one_is_sent_and_the_others_ask(simulator, is_shared):
    doors_pressed = shared_doors(simulator) if is_shared else [a_door(simulator)]
    people = [ManagerFactory() for _ in range(8)]
    gate = threading.Barrier(len(people))

    def press(number: int) -> int:
        user, door = people[number], doors_pressed[number % len(doors_pressed)]
        gate.wait()
        try:
            return press_door(Client(), user, door).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(len(people)) as pool:
        answers = sorted(pool.map(press, range(len(people))))

    assert answers == [200] + [422] * (len(people) - 1)
    assert len(simulator.journal(OPEN)) == 1
    assert Command.objects.count() == 1


@pytest.mark.django_db
class TestASharedDoor:
    @pytest.fixture
    def others(self, relay: Relay) -> list[Relay]:
        connection = relay.device.family.reaches.get().connection
        return [
            shared_with(relay, ReachFactory(connection=connection, family__name=name).family)
            for name in ("Zabala", "Abbot")
        ]

    def test_the_one_last_used_by_this_person_comes_first(self, relay, others):
        manager = ManagerFactory()
        for door, who, at in ((others[0], manager, minutes(5)), (others[1], ManagerFactory(), minutes(1))):
            CommandFactory(
                name=OPEN, object_kind="relay", object_id=door.public_id, actor=who, created_at=at, sent_at=at
            )
        names = [door.device.family.name for door in families_for(manager, relay.device, relay)]
        assert names == ["Zabala", *sorted(["Abbot", relay.device.family.name])]

    def test_it_is_opened_through_the_family_that_was_chosen(self, client, simulator, relay, others):
        manager = ManagerFactory()
        asked = ask(client, manager, relay, shared="1")
        assert '<option value="" ' in asked.text
        nothing = press_door(client, manager, relay, **hidden_in(asked.text), through="")
        assert nothing.status_code == 422
        assert 'aria-invalid="true"' in nothing.text
        told = press_door(client, manager, relay, **hidden_in(nothing.text), through=others[0].public_id)
        assert told.status_code == 200
        assert f'id="press-{others[0].public_id}"' in told.text
        command = Command.objects.get()
        assert (command.family, command.object_id) == (others[0].device.family, others[0].public_id)
        assert simulator.journal(OPEN)[0]["param"]["residence_id"] == others[0].device.family.residence_id

    def test_no_family_is_named_while_it_is_still_to_be_chosen(self, client, relay, others):
        relay.device.family.name = "Zimmer"
        relay.device.family.save()
        text = ask(client, ManagerFactory(), relay, shared="1").text
        # Once among those to choose from; the door’s own page names it in its head too.
        question = text[text.index("data-press-question") :]
        assert question.count("Zimmer") == 1
        assert question.index("Zimmer") > question.index("<select")

    def test_only_ones_own_families_are_offered(self, client, simulator, relay, others):
        limit = PropertyLimitFactory(property=PropertyFactory())
        PropertyLimit.objects.update(property=limit.property)
        for door in (relay, others[0]):
            door.device.family.property = limit.property
            door.device.family.save()
        asked = ask(client, limit.person, relay, shared="1")
        assert "Zabala" in asked.text
        assert "Abbot" not in asked.text
        assert press_door(client, limit.person, relay, through=others[1].public_id).status_code == 404
        assert simulator.journal(OPEN) == []

    def test_another_door_is_no_choice(self, client, simulator, relay, others):
        for door in (RelayFactory(device=relay.device), RelayFactory(device=DeviceFactory(is_public=True))):
            assert press_door(client, ManagerFactory(), relay, through=door.public_id).status_code == 404
        assert simulator.journal(OPEN) == []

    def test_on_the_board_its_button_asks_through_which(self, client, relay, others):
        client.force_login(ManagerFactory())
        text = client.get("/doors/").text
        assert 'name="shared" value="1"' in text
        assert "data-hold" not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("mac", "0c:11:05:32:d2:26"), ("mac", ""), ("relay_id", "r1"), ("residence_id", "rAnother")],
)
def test_a_form_that_names_another_device_is_a_404(client, simulator, relay, field, value):
    assert press_door(client, ManagerFactory(), relay, **{field: value}).status_code == 404
    assert simulator.journal(OPEN) == []
