"""What a move-out cannot take back, and two that begin at once."""

import pytest
from django.utils import timezone

from access.services.moving import advancing, beginning
from access.services.moving.beginning import UnderWay
from families.models import FamilyInvitation
from portal.audit.models import Command
from tests.access.moving import begin, household, move_out, not_gone
from tests.factories import (
    FamilyInvitationFactory,
    ManagerFactory,
)

pytestmark = pytest.mark.django_db


class TestInvitations:
    def test_one_that_was_sent_is_unknown_until_its_time_is_over(self, simulator):
        home = household(simulator)
        sent = FamilyInvitationFactory(family=home.family, email="invited@household.example")

        done = move_out(home)

        [item] = not_gone(done)
        assert (item.kind, item.state, item.subject) == ("upstream_invitation", "unknown", sent.email)
        assert item.look_until > timezone.now() + timezone.timedelta(days=29)

    def test_one_that_is_taken_up_is_left_and_goes_by_another_press(self, simulator):
        home = household(simulator)
        FamilyInvitationFactory(family=home.family, email="invited@household.example")
        done = move_out(home)
        rid = home.family.residence_id
        simulator.event("member", residence_id=rid, email="invited@household.example")

        advancing.look_again(ManagerFactory(), done)
        [item] = not_gone(done)
        assert item.state == "left"
        assert FamilyInvitation.objects.get().accepted_at is not None
        again = advancing.advance(beginning.try_again(ManagerFactory(), done, attempt=1), seconds=30)

        assert set(home.accounts()) == {home.own}
        assert not_gone(again) == []


class TestAtOnce:
    def test_a_second_move_out_of_the_family_is_refused_while_one_is_under_way(self, simulator):
        home = household(simulator)
        first = begin(home)

        with pytest.raises(UnderWay) as refused:
            begin(home, press="another")
        assert refused.value.move_out == first
        assert begin(home, first.made_by, press=first.press) == first

    def test_commands_are_known_by_the_press_of_their_step(self, simulator):
        home = household(simulator)

        done = move_out(home)

        presses = set(Command.objects.values_list("press", flat=True))
        assert f"move-{done.public_id}-1-members" in presses
        assert all(press.startswith(f"move-{done.public_id}-1-") for press in presses)
