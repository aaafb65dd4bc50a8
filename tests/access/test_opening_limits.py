"""How often doors are opened within an hour: by one person, and for one family by all."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.utils import timezone

from access.models import Relay
from access.services import doors
from access.services.doors import Answers
from portal.audit.models import Command, State
from portal.web.presses import new_press
from tests.access.opening import OPEN, a_door, minutes, press_door
from tests.factories import CommandFactory, ManagerFactory, RelayFactory
from tests.plugins.simulator import SimulatorProcess


@pytest.fixture
def relay(simulator: SimulatorProcess) -> Relay:
    return a_door(simulator)


@pytest.mark.django_db
class TestLimits:
    def pressed(self, relay: Relay, count: int, **fields) -> None:
        for number in range(count):
            CommandFactory(
                name=OPEN,
                object_kind="relay",
                object_id=relay.public_id,
                family=relay.device.family,
                **{"actor_kind": "person", "created_at": minutes(50 - number)} | fields,
            )

    def test_a_person_opens_so_often_within_an_hour_and_no_more(self, client, simulator, relay, settings):
        settings.OPENS_PER_PERSON_AN_HOUR = 3
        manager = ManagerFactory()
        self.pressed(relay, 2, actor=manager)
        assert press_door(client, manager, relay).status_code == 200
        Command.objects.filter(created_at__gt=minutes(10)).update(created_at=minutes(10))

        refused = press_door(client, manager, relay)

        assert refused.status_code == 422
        assert "You opened doors 3 times within an hour" in refused.text
        next_at = timezone.localtime(minutes(50) + timezone.timedelta(hours=1, seconds=1))
        assert f"The next is possible at {next_at:%H:%M}" in refused.text
        assert len(simulator.journal(OPEN)) == 1
        assert press_door(client, ManagerFactory(), relay).status_code == 200

    def test_a_family_is_opened_so_often_by_all(self, client, simulator, relay, settings):
        settings.OPENS_PER_FAMILY_AN_HOUR = 2
        self.pressed(relay, 2)
        refused = press_door(client, ManagerFactory(), relay)
        assert "The doors of this family were opened 2 times within an hour" in refused.text
        assert simulator.journal(OPEN) == []

    def test_repeats_what_was_not_sent_what_is_older_and_the_console_do_not_count(
        self, client, simulator, relay, settings
    ):
        settings.OPENS_PER_PERSON_AN_HOUR = settings.OPENS_PER_FAMILY_AN_HOUR = 2
        manager = ManagerFactory()
        self.pressed(relay, 5, actor=manager, state=State.NOT_SENT)
        self.pressed(relay, 5, actor=manager, created_at=minutes(61))
        self.pressed(relay, 5, actor_kind="operator")
        token = new_press(manager.pk, f"open:{relay.public_id}")
        for _ in range(5):
            assert press_door(client, manager, relay, press=token).status_code == 200
        Command.objects.filter(sent_at__isnull=False).update(created_at=minutes(2))
        assert press_door(client, manager, relay).status_code == 200
        assert len(simulator.journal(OPEN)) == 2

    def test_nought_is_without_limit(self, client, simulator, relay, settings):
        settings.OPENS_PER_PERSON_AN_HOUR = settings.OPENS_PER_FAMILY_AN_HOUR = 0
        manager = ManagerFactory()
        self.pressed(relay, 5, actor=manager)
        assert press_door(client, manager, relay).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_last_press_of_an_hour_is_one_also_where_many_want_it(simulator, relay, settings):
    settings.OPENS_PER_FAMILY_AN_HOUR = 1
    second = RelayFactory(device=relay.device)
    people = [ManagerFactory() for _ in range(6)]
    gate = threading.Barrier(len(people))
    met: list[str] = []

    def press(number: int) -> None:
        gate.wait()
        try:
            door = (relay, second)[number % 2]
            doors.open_door(people[number], relay=door, press=f"p{number}", answers=Answers())
            met.append("sent")
        except (doors.OpenedTooOften, doors.PressedJustNow):
            met.append("kept")
        finally:
            database.close()

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(press, range(len(people))))

    assert sorted(met) == ["kept"] * 5 + ["sent"]
    assert Command.objects.count() == 1
