"""Tokens are renewed before they end, also where nobody calls, and no more often than they have to be."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import State
from portal.connections.models import Connection, Health
from portal.connections.renewing import renew_ending
from portal.connections.tokens import StoredTokens
from tests.connections.acting import Door, at_once, signed_in
from tests.factories import ConnectionFactory
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "oauth2/token"


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    """Its token lasts a day and ends in four minutes; nobody calls through it."""
    now = timezone.now()
    made = signed_in(simulator, expires_at=now + timedelta(minutes=4), renewed_at=now - timedelta(hours=23))
    simulator.clear_journal()
    return made


def test_a_quiet_connection_is_renewed_before_its_token_ends(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    assert renew_ending() == 1
    found = Connection.objects.get()
    assert found.access_token != connection.access_token
    assert found.expires_at is not None
    assert found.expires_at > timezone.now() + timedelta(hours=23)
    assert (len(simulator.journal(TOKEN)), renew_ending()) == (1, 0)


def test_two_beats_and_a_press_renew_it_once(simulator: SimulatorProcess, connection: Connection) -> None:
    Connection.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    simulator.fault(TOKEN, "latency", seconds=0.5)
    door = Door.of(simulator, connection)
    works = [renew_ending, renew_ending, lambda: door.press().command.state]
    told = at_once(3, lambda number: works[number]())
    assert told[2] == State.SUCCEEDED
    assert len(simulator.journal(TOKEN)) == 1


def test_a_refused_renewal_signs_out_and_is_never_asked_again(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    simulator.expire_tokens(refresh_too=True)
    for _ in range(3):
        assert renew_ending() == 0
    assert Connection.objects.get().health == Health.SIGNED_OUT
    assert len(simulator.journal(TOKEN)) == 1


def test_a_renewal_without_an_answer_is_tried_again_until_the_connection_rests(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    simulator.fault(TOKEN, "status", status=503)
    for _ in range(8):
        assert renew_ending() == 0
    assert len(simulator.journal(TOKEN)) == 5
    assert Connection.objects.get().health == Health.FAILING
    simulator.clear_faults()
    Connection.objects.update(open_until=None)
    assert renew_ending() == 1


def test_a_token_that_lasts_only_minutes_is_not_renewed_by_every_call(simulator: SimulatorProcess) -> None:
    now = timezone.now()
    connection = signed_in(simulator, expires_at=now + timedelta(seconds=110), renewed_at=now)
    old = connection.access_token
    simulator.clear_journal()
    assert renew_ending() == 0
    assert StoredTokens(connection.pk).current() == old
    Connection.objects.update(expires_at=now + timedelta(seconds=20), renewed_at=now - timedelta(seconds=100))
    assert renew_ending() == 1
    assert len(simulator.journal(TOKEN)) == 1


def test_a_token_that_is_still_good_is_used_where_no_fresh_one_can_be_had(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    Connection.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    simulator.fault(TOKEN, "status", status=503)
    assert Door.of(simulator, connection).press().command.state == State.SUCCEEDED


@pytest.mark.parametrize(
    "fields",
    [
        {"paused_at": timezone.now()},
        {"removed_at": timezone.now()},
        {"health": Health.SIGNED_OUT},
        {"open_until": timezone.now()},
        {"hold_until": timezone.now() + timedelta(days=1)},
        {"refresh_token": None},
        {"expires_at": None},
        {"expires_at": timezone.now() + timedelta(days=1)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_must_not_or_need_not_be_called_is_left_alone(
    simulator: SimulatorProcess, connection: Connection, fields: dict[str, Any]
) -> None:
    Connection.objects.update(**fields)
    assert renew_ending() == 0
    assert simulator.journal() == []


def test_where_nothing_ends_it_costs_one_query() -> None:
    ConnectionFactory.create_batch(3)
    with CaptureQueriesContext(database) as captured:
        renew_ending()
    assert len(captured) == 1
