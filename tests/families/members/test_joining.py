"""Joining with a connection's account: one command, and the family appears by itself."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from families.models import Change, Family, Kind, Reach, SyncState
from families.services.members.refusals import AlreadyJoined, RightsNotGiven
from portal.audit.models import Command, State
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    SyncStateFactory,
)
from tests.families.members.acting import JOIN, join
from tests.syncing import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def joinable(simulator):
    """The residence that has invited the organisation's account, as administrator."""
    return simulator.estate()["joinable"]["residence_id"]


@pytest.fixture
def listed(connection):
    """The state of the connection's list, which is not due for long."""
    return SyncStateFactory(
        kind=Kind.FAMILIES,
        connection=connection,
        family=None,
        due_at=timezone.now() + timedelta(minutes=10),
    )


class TestJoining:
    def test_it_is_one_command_and_the_list_is_read_at_once(
        self, simulator, connection, joinable, listed, boss
    ):
        performed = join(boss, connection, joinable)

        [sent] = simulator.journal(JOIN)
        assert sent["param"] == {"residence_id": joinable, "auth": "user"}
        assert performed.command.state == State.SUCCEEDED
        assert SyncState.objects.get(pk=listed.pk).due_at <= timezone.now()
        read(connection, Kind.FAMILIES)
        assert Reach.objects.filter(connection=connection, family__residence_id=joinable).exists()
        assert not Change.objects.exists()

    def test_a_family_that_was_gone_comes_back(self, simulator, connection, joinable, listed, boss):
        family = FamilyFactory(residence_id=joinable, gone_at=timezone.now())

        performed = join(boss, connection, joinable)
        read(connection, Kind.FAMILIES)

        family.refresh_from_db()
        assert family.gone_at is None
        assert performed.command.family_id == family.pk

    def test_a_repeat_of_the_press_sends_nothing_more(self, simulator, connection, joinable, boss):
        join(boss, connection, joinable, press="p")

        assert join(boss, connection, joinable, press="p").is_repeat
        assert len(simulator.journal(JOIN)) == 1

    def test_without_an_invitation_the_door_system_refuses(self, simulator, connection, joinable, boss):
        assert join(boss, connection, joinable, auth="guest").command.state == State.REFUSED

    def test_what_got_no_answer_and_is_so_is_done(self, simulator, connection, joinable, boss):
        simulator.fault(JOIN, "reset_after")

        assert join(boss, connection, joinable).command.state == State.SUCCEEDED

    def test_what_got_no_answer_and_is_not_so_is_unknown(self, simulator, connection, joinable, boss):
        simulator.fault(JOIN, "reset_before")

        assert join(boss, connection, joinable).command.state == State.UNKNOWN


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_a_family_that_the_connection_reaches(self, family, connection, boss):
        with pytest.raises(AlreadyJoined):
            join(boss, connection, family.residence_id)

    def test_rights_that_nobody_can_be_given(self, connection, joinable, boss):
        with pytest.raises(RightsNotGiven):
            join(boss, connection, joinable, auth="admin")

    def test_somebody_who_may_not(self, connection, joinable):
        limited = PropertyLimitFactory(property=PropertyFactory(), person__is_limited=True).person
        for person in (AuditorFactory(), FamilyAdminFactory(), limited, ManagerFactory(is_active=False)):
            with pytest.raises(PermissionDenied):
                join(person, connection, joinable)

    def test_a_persons_own_connection(self, joinable, boss):
        with pytest.raises(PermissionDenied):
            join(boss, ConnectionFactory(owner=boss), joinable)


def test_a_limited_manager_joins_a_family_of_theirs(simulator, connection, joinable):
    place = PropertyFactory()
    limited = PropertyLimitFactory(property=place).person
    Family.objects.filter(pk=FamilyFactory(residence_id=joinable).pk).update(property=place)

    assert join(limited, connection, joinable).command.state == State.SUCCEEDED
