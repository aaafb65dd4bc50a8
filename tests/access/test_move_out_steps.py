"""Moving a household out: the order of the steps, what each sends, and what the record says of it."""

import pytest

from access.models import MoveOutState
from tests.access import moving
from tests.access.moving import household, move_out, record, states

pytestmark = pytest.mark.django_db


class TestEverybody:
    def test_nobody_and_no_pass_is_left_but_the_portals_own_account(self, simulator):
        home = household(simulator)
        assert len(home.members) == moving.PEOPLE

        done = move_out(home)

        assert home.accounts() == {home.own: "admin"}
        assert home.passes() == 0
        assert set(states(done).values()) == {"gone"}
        assert done.state == MoveOutState.ENDED
        assert (record(done).gone, record(done).left, record(done).unknown) == (17, 0, 0)
