"""Each of the seven commands against an upstream in trouble: at most one command, and words that are true."""

import pytest

from families.models import Change
from portal.audit.models import State
from tests.audit.trails import holds
from tests.families.members import acting

pytestmark = pytest.mark.django_db

# What each does, and whether sending it twice would be the same as once.
ACTIONS = {
    acting.RIGHTS: lambda boss, family, more: acting.raise_to(boss, acting.guests(family)[0]).command,
    acting.RIGHTS_OF_MANY: lambda boss, family, more: (
        acting.raise_all(boss, acting.guests(family)[:2]).performed.command
    ),
    acting.REMOVE: lambda boss, family, more: acting.remove(boss, acting.guests(family)[0]).command,
    acting.REMOVE_MANY: lambda boss, family, more: (
        acting.remove_all(boss, acting.guests(family)[:2]).performed.command
    ),
    acting.CREATE: lambda boss, family, more: acting.create(boss, family).command,
    acting.HAND_OVER: lambda boss, family, more: acting.hand_over(boss, acting.guests(family)[0]).command,
    acting.JOIN: lambda boss, family, more: acting.join(boss, *more).command,
}
CREATES = {acting.CREATE, acting.HAND_OVER, acting.JOIN}


@pytest.fixture
def act(simulator, owned, connection, boss):
    """Does one of them, in a family where it would succeed."""
    joinable = simulator.estate()["joinable"]["residence_id"]

    def act(name):
        if name == acting.HAND_OVER:
            own = simulator.sign_in["account_id"]
            simulator.event("member", residence_id=owned.residence_id, account_id=own, auth="admin")
            owned.members.filter(account_id=own).update(auth="admin")
        simulator.clear_journal()
        return ACTIONS[name](boss, owned, (connection, joinable))

    return act


@pytest.mark.parametrize("name", ACTIONS)
class TestFaults:
    @pytest.mark.parametrize("kind", ["reset_after", "truncated", "cut", "html", "empty"])
    def test_what_was_done_without_an_answer_is_found_out_by_reading(self, simulator, act, name, kind):
        simulator.fault(name, kind)

        command = act(name)

        assert (command.state, command.error) == (State.SUCCEEDED, "read_back")
        assert len(simulator.journal(name)) == 1
        assert not Change.objects.exists()
        assert holds()

    def test_what_was_not_done_may_be_offered_again_only_where_twice_is_once(self, simulator, act, name):
        simulator.fault(name, "reset_before")

        command = act(name)

        assert command.state == (State.UNKNOWN if name in CREATES else State.REFUSED)
        assert len(simulator.journal(name)) == 1

    def test_what_nobody_can_tell_is_unknown(self, simulator, act, name):
        simulator.fault(name, "reset_after")
        for read in ("get_family_info", "get_family_list"):
            simulator.fault(read, "reset_before")

        assert act(name).state == State.UNKNOWN
        assert len(simulator.journal(name)) == 1

    def test_hanging_ends_with_the_deadline_and_is_looked_into(self, simulator, act, name, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.5
        simulator.fault(name, "hang", seconds=10, executes=True)

        command = act(name)

        assert command.state == State.SUCCEEDED
        assert (command.answered_at - command.created_at).total_seconds() < 2.5 + 2
        assert len(simulator.journal(name)) == 1

    def test_a_refusal_is_told_with_its_words(self, simulator, act, name):
        simulator.fault(name, "refuse", shape=0, words="Not today")

        command = act(name)

        assert (command.state, command.words) == (State.REFUSED, "Not today")
        assert len(simulator.journal(name)) == 1
        assert not Change.objects.exists()

    def test_a_busy_upstream_is_not_asked_twice(self, simulator, act, name):
        simulator.fault(name, "busy", seconds=30)

        command = act(name)

        assert (command.state, command.error) == (State.REFUSED, "busy")
        assert len(simulator.journal(name)) == 1

    def test_an_upstream_that_is_off_was_not_sent_anything(self, simulator, owned, connection, boss, name):
        simulator.stop()

        assert ACTIONS[name](boss, owned, (connection, "r1")).state == State.NOT_SENT
