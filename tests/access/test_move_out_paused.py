"""A move-out whose maker loses the right to it stops there, says why, and goes on in the name of somebody who has it."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from access.models import MoveOut, MoveOutState, MoveOutStep
from access.services.moving import advancing, beginning, pausing
from access.services.moving.beginning import UnderWay
from access.services.moving.pausing import NotPaused
from access.services.moving.verifying import verify
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.access import moving
from tests.access.moving import begin, household, not_gone, states, url
from tests.access.test_move_out_interrupted import a_trail_without
from tests.accounts.signing_in import sign_in_recently
from tests.consoles import run
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    UserFactory,
)
from tests.families.house import a_trail_that_refuses, token_in

pytestmark = pytest.mark.django_db(transaction=True)
DELETE_PASSES = "batch_delete_akuvox_open_door_temp_key_config"


def loses_the_role(person: User) -> str:
    User.objects.filter(pk=person.pk).update(role="auditor")
    return "Ana, in whose name it is done, is not a manager any more."


def is_switched_off(person: User) -> str:
    User.objects.filter(pk=person.pk).update(is_active=False)
    return "Ana, in whose name it is done, was switched off."


def loses_the_family(person: User) -> str:
    User.objects.filter(pk=person.pk).update(is_limited=True)
    PropertyLimitFactory(person=person, property=PropertyFactory())
    return "This family is not among those of Ana any more, in whose name it is done."


@pytest.fixture
def home(simulator):
    return household(simulator, people=4)


@pytest.fixture
def ana():
    # Beside another one: somebody always looks after everything.
    ManagerFactory()
    return ManagerFactory(name="Ana")


@pytest.fixture
def midway(home, ana) -> MoveOut:
    """Passes are gone and members are not, and whoever began it is no manager any more."""
    home.admin_of(home.members[0])
    begun = begin(home, ana)
    with a_trail_without("member.remove"):
        stopped = advancing.advance(begun, seconds=30)
    assert stopped.step == MoveOutStep.MEMBERS
    loses_the_role(ana)
    return advancing.advance(stopped, seconds=30)


class TestPausing:
    @pytest.mark.parametrize("lose", [loses_the_role, is_switched_off, loses_the_family])
    def test_without_the_right_nothing_is_done_in_their_name(self, home, ana, lose):
        lives_here = home.admin_of(home.members[0])
        begun = begin(home, ana)
        reason = lose(ana)

        done = advancing.advance(begun, seconds=30)

        assert home.simulator.journal() == []
        assert (done.state, done.step) == (MoveOutState.RUNNING, MoveOutStep.LOOK)
        assert (done.paused_at is not None, done.pause_reason) == (True, reason)
        assert set(states(done).values()) == {"planned"}
        assert lives_here.grants.now().exists()
        assert not done.readings.exists()
        entry = Entry.objects.get(event="move_out.pause")
        assert (entry.actor_kind, entry.object_id, entry.reason) == ("system", done.public_id, reason)

    def test_midway_what_is_done_stays_and_what_is_not_waits(self, home, midway):
        assert [each["command"] for each in home.sent()] == [DELETE_PASSES]
        assert moving.live_grants(home.family) == 0
        assert midway.step == MoveOutStep.MEMBERS
        assert len(home.accounts()) == 5
        assert set(states(midway, "member").values()) == {"planned"}

    def test_before_everything_is_read_back_too(self, home, ana):
        begun = begin(home, ana)
        with a_trail_without("move_out.record"):
            stopped = advancing.advance(begun, seconds=30)
        assert stopped.step == MoveOutStep.READING
        loses_the_role(ana)
        paused = advancing.advance(stopped, seconds=30)
        assert paused.paused_at is not None
        assert not paused.readings.exists()

    def test_it_pauses_once_and_the_worker_leaves_it_alone(self, home, midway):
        home.simulator.clear_journal()
        assert advancing.advance_all(seconds=5) == 0
        advancing.advance(midway, seconds=5)
        assert home.simulator.journal() == []
        assert Entry.objects.filter(event="move_out.pause").count() == 1

    def test_no_second_one_begins_meanwhile_and_nobody_is_given_the_family(self, home, midway):
        with pytest.raises(UnderWay):
            begin(home, ManagerFactory())
        home.family.refresh_from_db()
        assert home.family.household_leaving_at is not None


class TestTakingOver:
    def test_it_goes_on_in_their_name_and_sends_nothing_twice(self, home, midway):
        other = ManagerFactory(name="Bea")
        pausing.take_over(other, midway)
        done = advancing.advance(midway, seconds=30)

        assert [each["command"] for each in home.sent()] == [DELETE_PASSES, moving.REMOVE_MANY]
        assert not_gone(done) == []
        assert (done.state, done.acting, done.pause_reason) == (MoveOutState.ENDED, other, "")
        assert done.readings.get().by_name == Entry.objects.get(event="move_out.take_over").actor_name
        assert Entry.objects.filter(event="member.remove", actor_id=other.pk).exists()
        assert verify(done).is_valid

    def test_whoever_began_it_goes_on_where_the_right_is_back(self, midway, ana):
        User.objects.filter(pk=ana.pk).update(role="manager")
        pausing.take_over(ana, midway)
        assert advancing.advance(midway, seconds=30).state == MoveOutState.ENDED

    def test_a_limited_manager_only_within_their_properties(self, home, midway):
        limited = UserFactory(is_limited=True)
        with pytest.raises(PermissionDenied):
            pausing.take_over(limited, midway)
        home.family.property = PropertyFactory()
        home.family.save()
        PropertyLimitFactory(person=limited, property=home.family.property)
        pausing.take_over(limited, midway)
        midway.refresh_from_db()
        assert midway.acting == limited

    def test_a_second_one_takes_over_nothing(self, midway):
        pausing.take_over(ManagerFactory(), midway)
        with pytest.raises(NotPaused):
            pausing.take_over(ManagerFactory(), midway)
        assert Entry.objects.filter(event="move_out.take_over").count() == 1

    def test_from_the_command_line(self, home, midway):
        refused = run("move_out", f"--take-over={midway.public_id}", "--by", AuditorFactory().email)
        assert refused.is_one_line_of_trouble
        taken = run("move_out", f"--take-over={midway.public_id}", "--by", ManagerFactory().email)
        assert (taken.code, taken.err) == (0, "")
        assert home.accounts() == {home.own: "admin"}
        again = run("move_out", f"--take-over={midway.public_id}", "--by", ManagerFactory().email)
        assert "It is not paused." in again.err


class TestThePages:
    def press(self, client: Client, one: MoveOut) -> str:
        page = client.get(url(one)).text
        return token_in(page[page.index(url(one, "take_over")) :])

    def test_page_list_and_dashboard_say_why_and_what_to_do(self, client, midway):
        sign_in_recently(client, ManagerFactory())
        page = client.get(url(midway)).text
        assert "is not a manager any more. What is done already stays done." in page
        assert "Go on in my name" in page
        assert "data-poll" not in page
        assert "is not a manager any more" in client.get("/").text
        assert "Paused" in client.get(reverse("access:move_out_list")).text

    def test_a_press_goes_on_with_it(self, client, home, midway):
        person = ManagerFactory()
        sign_in_recently(client, person)
        answer = client.post(url(midway, "take_over"), {"press": self.press(client, midway)})
        assert answer.url == url(midway)
        assert home.accounts() == {home.own: "admin"}
        assert MoveOut.objects.get().acting == person

    def test_one_that_somebody_else_took_over_says_so(self, client, midway):
        sign_in_recently(client, ManagerFactory())
        press = self.press(client, midway)
        pausing.take_over(ManagerFactory(), midway)
        answer = client.post(url(midway, "take_over"), {"press": press}, follow=True)
        assert "somebody else took it over" in answer.text
        assert Entry.objects.filter(event="move_out.take_over").count() == 1

    def test_a_stale_press_and_a_trail_that_refuses_change_nothing(self, client, home, midway):
        sign_in_recently(client, ManagerFactory())
        home.simulator.clear_journal()
        assert "too old" in client.post(url(midway, "take_over"), {"press": "no"}, follow=True).text
        press = self.press(client, midway)
        with a_trail_that_refuses():
            answer = client.post(url(midway, "take_over"), {"press": press}, follow=True)
        assert "audit trail is not available" in answer.text
        midway.refresh_from_db()
        assert midway.paused_at is not None
        assert home.simulator.journal() == []

    def test_who_may_not_may_not(self, client, midway):
        address = url(midway, "take_over")
        assert client.post(address).status_code == 302
        for person in [AuditorFactory(), FamilyAdminFactory()]:
            sign_in_recently(client, person)
            assert client.post(address).status_code == 403
        sign_in_recently(client, UserFactory(is_limited=True))
        assert client.post(address).status_code == 404
        sign_in_recently(client, AuditorFactory())
        page = client.get(url(midway)).text
        assert "is not a manager any more" in page
        assert "Go on in my name" not in page


def test_it_may_not_be_tried_again_while_it_waits(midway):
    with pytest.raises(beginning.NothingLeft):
        beginning.try_again(ManagerFactory(), midway, attempt=1)
