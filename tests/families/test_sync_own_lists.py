"""The list of a person's own account: it finds among the known families those that it reaches, and nothing else."""

import pytest
from django.utils import timezone

from families.models import Change, Family, Kind, Reach, SyncState
from families.sync import planner, states
from portal.connections.models import Connection, Health
from tests.factories import (
    AuditorFactory,
    FamilyFactory,
    ManagerFactory,
    MemberFactory,
    ReachFactory,
)
from tests.families.test_sync_lists import read_list, row, tell
from tests.syncing import connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def estate(simulator):
    """The organisation's connection, which reads families r1 and r2."""
    found = connect(simulator)
    tell(simulator, [row(1), row(2)])
    read_list(found)
    return found


@pytest.fixture
def own(simulator, estate):
    return connect(simulator, name="own", owner=ManagerFactory())


def test_it_makes_no_family_and_no_state_of_one(simulator, own):
    tell(simulator, [row(2, account_id="me"), row(3, account_id="me")])
    read_list(own)
    assert set(Family.objects.values_list("residence_id", flat=True)) == {"r1", "r2"}
    reach = Reach.objects.get(connection=own)
    assert (reach.family.residence_id, reach.account_id) == ("r2", "me")
    assert SyncState.objects.filter(family__isnull=False).count() == 2 * len(states.FAMILY_KINDS)
    own.refresh_from_db()
    assert own.families_listed == 2


def test_it_says_nothing_of_a_familys_name_or_state(simulator, own):
    tell(simulator, [row(1, family_name="As I call it", online=False)])
    read_list(own)
    family = Family.objects.get(residence_id="r1")
    assert (family.name, family.is_online) == ("Family 1", True)
    assert not Change.objects.exists()


def test_a_family_that_becomes_known_later_is_found_though_the_answer_is_the_same(simulator, estate, own):
    tell(simulator, [row(1), row(2), row(3)])
    read_list(own)
    assert Reach.objects.filter(connection=own).count() == 2
    read_list(estate)
    read_list(own)
    assert Reach.objects.filter(connection=own).count() == 3


def test_a_family_that_the_organisation_never_reached_stays_unknown_to_it(simulator, own):
    FamilyFactory(residence_id="r9")
    tell(simulator, [row(9)])
    read_list(own)
    assert not Reach.objects.filter(connection=own).exists()


def test_a_family_that_leaves_a_persons_list_is_out_of_their_reach_and_not_gone(simulator, own):
    tell(simulator, [row(1)])
    read_list(own)
    tell(simulator, [])
    for _ in range(3):
        read_list(own)
    assert Reach.objects.get(connection=own).gone_at is not None
    assert Family.objects.get(residence_id="r1").gone_at is None


def test_a_family_that_only_a_person_reaches_still_is_gone_for_the_organisation(simulator, estate, own):
    tell(simulator, [row(1), row(2)])
    read_list(own)
    tell(simulator, [row(2)])
    for _ in range(3):
        read_list(estate)
    assert Family.objects.get(residence_id="r1").gone_at is not None
    assert Reach.objects.get(connection=own, family__residence_id="r1").gone_at is None


def test_its_rights_are_known_at_once_where_the_members_are(simulator, own):
    MemberFactory(family=Family.objects.get(residence_id="r1"), account_id="me", auth="user")
    tell(simulator, [row(1, account_id="me")])
    read_list(own)
    assert Reach.objects.get(connection=own).auth == "user"


def test_the_planner_has_only_its_list_read(simulator, estate, own):
    tell(simulator, [row(1), row(2)])
    read_list(own)
    SyncState.objects.update(due_at=timezone.now())
    Connection.objects.filter(pk=estate.pk).update(paused_at=timezone.now())
    sent = []
    planner.plan(sent.append)
    found = SyncState.objects.filter(pk__in=[pk for chunk in sent for pk in chunk])
    assert [(state.kind, state.connection_id) for state in found] == [(Kind.FAMILIES, own.pk)]


def test_the_list_of_somebody_switched_off_is_not_read(simulator, own):
    own.owner.is_active = False
    own.owner.save()
    assert own not in Connection.objects.usable()


def test_a_removed_connection_gets_no_state_anew(simulator, estate):
    SyncState.objects.filter(connection=estate).delete()
    Connection.objects.update(removed_at=timezone.now())
    states.make_for_connections()
    assert not SyncState.objects.filter(connection=estate).exists()


class TestOwnOf:
    def test_it_is_the_persons_account_in_that_family(self):
        manager, family = ManagerFactory(), FamilyFactory()
        ReachFactory(family=family)
        ReachFactory(connection__owner=ManagerFactory(), family=family)
        ReachFactory(connection__owner=manager)
        assert Reach.objects.own_of(manager, family) is None
        mine = ReachFactory(connection=Connection.objects.get(owner=manager), family=family)
        assert Reach.objects.own_of(manager, family) == mine

    @pytest.mark.parametrize(
        "fields",
        [
            {"connection__paused_at": timezone.now()},
            {"connection__removed_at": timezone.now()},
            {"connection__health": Health.SIGNED_OUT},
            {"gone_at": timezone.now()},
        ],
    )
    def test_what_cannot_be_used_is_none(self, fields):
        reach = ReachFactory(connection__owner=ManagerFactory(), **fields)
        assert Reach.objects.own_of(reach.connection.owner, reach.family) is None

    def test_somebody_switched_off_has_none(self):
        reach = ReachFactory(connection__owner=ManagerFactory(is_active=False))
        assert Reach.objects.own_of(reach.connection.owner, reach.family) is None

    def test_an_auditor_has_none(self):
        reach = ReachFactory(connection__owner=AuditorFactory())
        assert Reach.objects.own_of(reach.connection.owner, reach.family) is None

    def test_the_organisation_never_acts_through_it(self):
        reach = ReachFactory(connection__owner=ManagerFactory())
        assert Reach.objects.to_act_in(reach.family) is None
        assert reach not in Reach.objects.working()
